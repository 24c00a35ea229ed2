/**
 * A machine's files as the machine itself sees them: its links, its mounts, its users. What works on them is a script
 * for man8s-init's busybox that runs in there, as the machine's root, so nothing that the machine does to its
 * files meanwhile can lead it to the host's; what goes in and out is a tar stream.
 *
 * @module
 */

import process from "node:process";
import { formatBindArgument } from "../nspawn/render.ts";
import { innerPlaces } from "../nspawn/unit_volumes.ts";
import { MbctlError } from "../errors.ts";
import { parseEnvFile } from "../env/env_file.ts";
import { readLinkIfPresent, readTextIfPresent } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { enterMachineFiles, intoCgroupOf, isOwnInit, waitForProgram } from "../host/namespaces.ts";
import { CommandError } from "../host/run.ts";
import type { SpawnOptions } from "../host/spawn.ts";
import { readLeader } from "../host/systemd.ts";
import { BUSYBOX_PATH } from "../init/init_files.ts";
import { machinePaths } from "../paths.ts";
import { boundFolders } from "../apps/app_paths.ts";
import type { MachineName } from "../spec/machine_name.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";
import { outerFirst, volumeSource } from "../spec/volume.ts";
import { resolveInside } from "../trees/root_tree.ts";
import { readFilesEntry } from "../watch/machine_entry.ts";
import ownerScript from "./owner.sh" with { type: "text" };

/** One machine, open for copies. */
export interface MachineView {
  readonly name: MachineName;
  readonly isRunning: boolean;
  /**
   * Runs a script in it.
   *
   * @throws {MbctlError} (failed) with what the script said.
   */
  readonly run: (script: string, words: readonly string[], options: SpawnOptions) => Promise<void>;
  /** The ids of its program's user. */
  readonly readUser: () => Promise<{ readonly uid: number; readonly gid: number }>;
}

/** The words before a script in a machine: the shell, and what its `$0` is, by which it runs other programs. */
const shells = {
  init: { before: [BUSYBOX_PATH, "sh", "-c"], tool: BUSYBOX_PATH },
  /** A whole system brings tar and all else. */
  system: { before: ["/bin/sh", "-c"], tool: "/usr/bin/env" },
} as const;

/**
 * Opens a machine. One that runs is entered; one that does not is put together by systemd-nspawn for as long as
 * each script runs, without a network: its tree must not be started meanwhile, and nspawn's own lock sees to that.
 *
 * @throws {MbctlError} (conflict) when its man8s-init is gone.
 */
export async function openMachineView(host: Host, spec: MachineSpec): Promise<MachineView> {
  const { name } = spec;
  const paths = machinePaths(host.root, name);
  const isSystem = spec.mode === "base";
  if (!isSystem && !resolveInside(paths.tree, BUSYBOX_PATH).exists) {
    throw new MbctlError(
      "conflict",
      `Cannot copy from or to "${name}": it has no ${BUSYBOX_PATH}`,
      {
        hint: `mbctl oci man8init ${paths.tree}`,
      },
    );
  }
  const leader = await readLeader(host.run, name);
  const before =
    leader === undefined ? stoppedMachine(host.root, spec) : await enterForFiles(leader);
  const shell = shells[isSystem ? "system" : "init"];
  const argv = (script: string, words: readonly string[]) => [
    ...before,
    ...[...shell.before, script, shell.tool],
    ...words,
  ];
  const failure = (error: unknown): unknown => {
    if (!(error instanceof CommandError)) return error;
    // Its first line alone: a machine could write more of them, in our name.
    const [said = ""] = (error.result.stderr || error.result.stdout).trim().split("\n");
    return new MbctlError("failed", `Cannot copy from or to "${name}": ${said || error.message}`);
  };
  return {
    name,
    isRunning: leader !== undefined,
    async run(script, words, options) {
      using child = host.spawn(argv(script, words), options);
      try {
        await child.done();
      } catch (error) {
        throw failure(error);
      }
    },
    async readUser() {
      // It has no program, and who works in it does so as root.
      if (isSystem) return { uid: 0, gid: 0 };
      const environment = parseEnvFile(readTextIfPresent(paths.envFile) ?? "", paths.envFile);
      const user = environment.find(([key]) => key === "MAN8S_APPLICATION_USER")?.[1] ?? "";
      try {
        const { stdout } = await host.run(argv(ownerScript, [user]), {
          timeoutMs: 60_000,
          outputLimitBytes: 64 * 1024,
        });
        const [uid, gid] = stdout.trim().split(" ").map(Number);
        if (Number.isInteger(uid) && Number.isInteger(gid)) return { uid: uid ?? 0, gid: gid ?? 0 };
      } catch (error) {
        throw failure(error);
      }
      throw new MbctlError("failed", `Cannot find out which user "${name}" runs as`, {
        hint: "name the owner: --chown UID:GID",
      });
    },
  };
}

/** Numbers of linux/capability.h: CHOWN, DAC_OVERRIDE, FOWNER, FSETID. */
const forFiles = [0, 1, 3, 4];

/**
 * With the machine's capabilities alone, where these do for files of others. Where one of them was taken from the machine,
 * tar has them all: a copy is the administrator's work, not the machine's.
 */
async function enterForFiles(leader: number): Promise<string[]> {
  const program = await waitForProgram(leader);
  const isStub = program === leader && !isOwnInit(leader);
  const words = isStub ? undefined : readFilesEntry(leader, program, forFiles);
  return words === undefined ? enterMachineFiles(leader) : [...intoCgroupOf(leader), ...words];
}

/** @throws {MbctlError} (conflict) for a link in a volume where another volume is: it leads to the host's files. */
function requireNoLinks(name: MachineName, sources: readonly string[]): void {
  const link = innerPlaces(sources).find((path) => readLinkIfPresent(path) !== undefined);
  if (link === undefined) return;
  throw new MbctlError(
    "conflict",
    `Cannot copy from or to "${name}": ${link} is a link, and a volume is there`,
    { hint: "remove the link" },
  );
}

/** The words that put a stopped machine together, as its nspawn file does, but for the network and the program. */
function stoppedMachine(root: string, spec: MachineSpec): string[] {
  const { name, mode, volumes } = spec;
  const paths = machinePaths(root, name);
  const folders: readonly (readonly [source: string, target: string])[] =
    mode === "base"
      ? [
          [paths.storage, boundFolders.data],
          [paths.appFolder, boundFolders.config],
        ]
      : [];
  requireNoLinks(name, [
    ...folders.map(([source]) => source),
    ...volumes.flatMap((volume) => volumeSource(paths, volume) ?? []),
  ]);
  return [
    ...["systemd-nspawn", "--quiet", "--register=no", "--settings=no", "--console=pipe"],
    // A name of its own: what nspawn leaves in /run when it is killed would keep the machine from starting (257).
    ...[`--machine=mbctl-cp-${process.pid}`, `--directory=${paths.tree}`, "--private-network"],
    ...["--private-users=pick", "--private-users-ownership=map"],
    ...["--resolv-conf=off", "--timezone=off", "--link-journal=no"],
    ...folders.map(([source, target]) =>
      formatBindArgument({ source, target, isIdmapped: true, isReadOnly: false }),
    ),
    ...outerFirst(volumes).flatMap((volume) => {
      if (volume.kind === "tmpfs") return [`--tmpfs=${volume.path}`];
      const source = volumeSource(paths, volume);
      if (source === undefined) return [];
      const isReadOnly = "isReadOnly" in volume && volume.isReadOnly === true;
      const bind = { source, target: volume.path, isIdmapped: true, isReadOnly };
      return [formatBindArgument(bind)];
    }),
    "--",
  ];
}
