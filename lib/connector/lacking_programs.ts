/**
 * Programs that a machine lends and does not have: said when they are declared, as the first call would find out.
 *
 * @module
 */

import { join } from "node:path";
import { appPaths } from "../apps/app_paths.ts";
import type { EnvEntry } from "../env/env_entry.ts";
import { DEFAULT_PATH } from "../env/split_environment.ts";
import { MbctlError } from "../errors.ts";
import { nameExists } from "../host/files.ts";
import type { ImageConfig } from "../image/config.ts";
import { machinePaths } from "../paths.ts";
import { isExecutableInside } from "../machine/shell.ts";
import type { AppSpec } from "../spec/app_spec.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";
import { resolveInside } from "../trees/root_tree.ts";
import { readAppImage, readLent } from "./read_lent.ts";

/** Where programs of a machine, or of an application in one, are looked for. */
interface Place {
  /** A root tree; undefined where there is none yet. */
  readonly tree: string | undefined;
  /** Its PATH. */
  readonly searchPath: readonly string[];
  readonly workingDirectory: string;
  /** What is mounted over the tree: nothing is known of it. */
  readonly mounts: readonly string[];
}

type Runs = Pick<AppSpec, "environment" | "volumes" | "workingDirectory">;

/**
 * One sentence for each lent command whose program is not in its root tree. A machine without a tree has none yet.
 *
 * @param image that of the machine; a whole system has none of its own.
 */
export function lackingPrograms(
  root: string,
  spec: MachineSpec,
  image: ImageConfig | undefined,
): string[] {
  const { tree } = machinePaths(root, spec.name);
  const own = placeOf(tree, spec, spec.mode === "base" ? undefined : image);
  const apps = new Map(
    spec.apps.map((app) => {
      const appTree = resolveFolder(tree, appPaths(app.name).root);
      return [app.name, placeOf(appTree, app, readAppImage(root, spec.name, app.name))];
    }),
  );
  const lent = [...readLent(root, spec)].sort(([one], [two]) => (one < two ? -1 : 1));
  return lent.flatMap(([name, { words, app }]) => {
    const [program = ""] = words;
    const place = app === undefined ? own : apps.get(app);
    if (place === undefined || !isLacking(place, program)) return [];
    return [
      `it lends ${name}, and has no program ${JSON.stringify(program)}: calls end with 127 until it is there`,
    ];
  });
}

function placeOf(
  tree: string | undefined,
  { environment, volumes, workingDirectory }: Runs,
  image: ImageConfig | undefined,
): Place {
  const variables: readonly EnvEntry[] = [...(image?.env ?? []), ...environment];
  const path = variables.findLast(([name]) => name === "PATH")?.[1] ?? DEFAULT_PATH;
  return {
    tree: tree !== undefined && nameExists(tree) ? tree : undefined,
    searchPath: path.split(":").filter((folder) => folder.startsWith("/")),
    workingDirectory: workingDirectory ?? image?.workingDir ?? "/",
    mounts: [
      ...["/run", "/tmp"],
      ...volumes.filter(({ kind }) => kind !== "skip").map((volume) => volume.path),
    ],
  };
}

function isLacking({ tree, searchPath, workingDirectory, mounts }: Place, program: string) {
  if (tree === undefined) return false;
  const paths = program.includes("/")
    ? [program.startsWith("/") ? program : join(workingDirectory, program)]
    : searchPath.map((folder) => join(folder, program));
  return !paths.some(
    (path) =>
      isExecutableInside(tree, path) ||
      mounts.some((mount) => path === mount || path.startsWith(`${mount}/`)),
  );
}

/** The machine's root may have put links in the way of an application. */
function resolveFolder(tree: string, path: string): string | undefined {
  try {
    const { hostPath, exists } = resolveInside(tree, path);
    return exists ? hostPath : undefined;
  } catch (error) {
    if (error instanceof MbctlError) return undefined;
    throw error;
  }
}
