/**
 * A machine as an archive: its configuration folder, and its storage folder if that is wanted.
 *
 * @module
 */

import { join } from "node:path";
import { undisturbedTools } from "../change/apply_change.ts";
import { MbctlError } from "../errors.ts";
import { listDirectory, nameExists, readTextIfPresent } from "../host/files.ts";
import { whileFrozen } from "../host/freezer.ts";
import type { Host } from "../host/host.ts";
import { type ApplyTools, applySteps } from "../steps/apply.ts";
import { noSuchMachine } from "../machine/inventory.ts";
import { isDerivedDropIn, machinePaths } from "../paths.ts";
import { listKeys } from "../secrets/secret_store.ts";
import { keepUnitFiles } from "../snapshots/plan_unit_files.ts";
import { readRunning } from "../snapshots/running.ts";
import { readUnitFiles } from "../snapshots/unit_files.ts";
import { type MachineName, machineUnit } from "../spec/machine_name.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";
import { parseMachineToml } from "../spec/machine_toml.ts";
import type { ArchiveManifest } from "./archive_manifest.ts";
import { archivedNames } from "./check_configuration.ts";
import { type PartFolder, writeArchive } from "./write_archive.ts";

/** What becomes of a running machine while its data is read. */
const pauses = ["freeze", "stop", "none"] as const;
export type Pause = (typeof pauses)[number];

export interface ExportRequest {
  readonly name: MachineName;
  /** Absolute. */
  readonly path: string;
  readonly hasData: boolean;
  /** Whether its root tree is part of it: for a machine whose image nobody gives any more; always that of a whole system. */
  readonly hasTree: boolean;
  /** False: the archive is to be looked at, and no machine is made of it. */
  readonly isWhole?: boolean;
  /** Whether a file that is there is replaced. */
  readonly isForced: boolean;
  readonly pause: Pause;
  /** The version of this mbctl. */
  readonly mbctl: string;
}

export interface Exported {
  readonly manifest: ArchiveManifest;
  /** What the archive does not hold, in words. */
  readonly leftOut: readonly string[];
}

/**
 * Writes the archive of a machine.
 *
 * @param onProgress told how many plain bytes have been read.
 * @throws {MbctlError} (usage) when there is no such machine, (conflict) when the file is there or the machine runs
 * by hand, (host) when the disk is full.
 */
export async function exportMachine(
  host: Host,
  request: ExportRequest,
  tools: ApplyTools,
  onProgress?: (bytes: number) => void,
): Promise<Exported> {
  const { name, path, hasData, isForced, pause, mbctl } = request;
  const paths = machinePaths(host.root, name);
  const text = readTextIfPresent(paths.machineToml);
  if (text === undefined) throw noSuchMachine(host.root, name);
  if (!nameExists(paths.applied.image)) {
    throw new MbctlError(
      "conflict",
      `Cannot export "${name}": an older mbctl made it, and its configuration folder is not enough to rebuild it`,
      { hint: `first: mbctl machines apply ${name}` },
    );
  }
  const spec = parseMachineToml(text, paths.machineToml);
  const secrets = listKeys(host, name);
  // Nobody gives the tree of a whole system: it is not what it was made of any more.
  const hasTree = request.hasTree || (spec.mode === "base" && request.isWhole !== false);
  const isWithStorage = hasData && nameExists(paths.storage);
  // Of the administrator's drop-ins, too: the folder must be enough.
  const units = readUnitFiles(paths.unitDropInFolder).filter(({ name }) => !isDerivedDropIn(name));
  await applySteps(keepUnitFiles(paths.applied.units, units), tools);
  const folders: PartFolder[] = [
    {
      name: "configuration",
      folder: paths.configuration,
      without: listDirectory(paths.applied.folder)
        .filter((file) => !archivedNames.includes(file))
        .map((file) => `.mbctl/${file}`),
    },
    ...(isWithStorage ? [{ name: "storage", folder: paths.storage, without: [] } as const] : []),
    ...(hasTree ? [{ name: "tree", folder: paths.tree, without: [] } as const] : []),
  ];
  const { reference, digest } = spec.image;
  const image = { reference, digest };
  const isRunning = (isWithStorage || hasTree) && (await readRunning(host, name, "export"));
  const isLive = isRunning && pause === "none";
  const work = async () =>
    await writeArchive(path, { name, mbctl, createdMs: Date.now(), image, secrets }, folders, {
      ...{ spawn: host.spawn, signal: tools.signal, isForced, isLive, onProgress },
    });
  const manifest = await whilePaused(host, name, isRunning ? pause : "none", tools, work);
  return { manifest, leftOut: leftOut(spec, isWithStorage, secrets) };
}

async function whilePaused<Result>(
  host: Host,
  name: MachineName,
  pause: Pause,
  tools: ApplyTools,
  work: () => Promise<Result>,
): Promise<Result> {
  if (pause === "none") return await work();
  let result: Result | undefined;
  const keep = async () => {
    result = await work();
  };
  const calm = undisturbedTools(tools);
  if (pause === "freeze") {
    await whileFrozen(calm.host.run, name, machinePaths(host.root, name).lock, keep);
  } else {
    const units = [machineUnit(name)];
    await applySteps([{ kind: "unit", action: "stop", units }], tools);
    try {
      await keep();
    } finally {
      const start = { kind: "unit", action: "start", units, isForgiving: true } as const;
      await applySteps([start], calm);
    }
  }
  return result as Result;
}

function leftOut(spec: MachineSpec, isWithStorage: boolean, secrets: readonly string[]): string[] {
  const data = spec.volumes.filter(({ kind }) => kind === "data");
  return [
    ...(isWithStorage ? [] : data.map(({ path }) => `the data of ${path} (--with-data takes it)`)),
    ...spec.volumes.flatMap((volume) =>
      volume.kind === "host" ? [`the host's folder ${volume.source}`] : [],
    ),
    ...secrets.map((secret) => `the secret ${secret}`),
  ];
}

/** A file of ours for an archive that goes to standard output: its parts are filled in when all is written. */
export function spoolFile(cache: string, name: MachineName): string {
  return join(cache, `export.${name}.tar`);
}
