/**
 * A place for trees: a tmpfs in a mount namespace that a child of the test holds, so that
 * nothing is left behind however the test ends. It keeps every attribute and time (ext4 ends
 * in the year 2446), and is the same wherever the tests run. The test reaches it through
 * /proc/PID/root.
 *
 * @module
 */

import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Blob, type Outcome, unpackWithUmoci } from "./reference/umoci.ts";

/** Needs root: owners, devices, mounts. */
export const canWork = process.getuid?.() === 0;

/** A folder on a tmpfs of its own. Disposing of it ends all. */
export interface Workbench extends Disposable {
  /** Its path here. */
  readonly folder: string;
  /** A folder that no layer may touch: layers name it by its absolute path. */
  readonly outside: string;
  /** A new empty folder in it. */
  makeFolder(): string;
  /** A new empty folder that is a file system of its own. */
  makeFileSystem(sizeBytes: number): string;
  /** What the reference makes of stacks. */
  unpackWithUmoci(stacks: readonly (readonly Blob[])[]): Promise<Outcome[]>;
}

// /sys is there on every host; its covering is seen by the holder and its children alone.
const holder = `set -eu
mount -t tmpfs -o mode=0700,nosuid,nodev,size=4g tmpfs /sys
mkdir /sys/bench
echo ready
exec cat >/dev/null`;

export async function openWorkbench(): Promise<Workbench> {
  const child = Bun.spawn(
    [
      ...["setpriv", "--pdeathsig=KILL", "--"],
      ...["unshare", "--mount", "--propagation=private", "--"],
      ...["/bin/sh", "-c", holder],
    ],
    { stdin: "pipe", stdout: "pipe", stderr: "inherit" },
  );
  const { value } = await child.stdout.getReader().read();
  if (value === undefined) throw new Error("Cannot make a mount namespace with a tmpfs: no root");
  const folder = `/proc/${child.pid}/root/sys/bench`;
  let count = 0;
  const makeFolder = () => {
    const path = join(folder, String(++count));
    mkdirSync(path, { mode: 0o755 });
    return path;
  };
  const enter = ["nsenter", `--mount=/proc/${child.pid}/ns/mnt`, "--"];
  /** A path as the holder sees it. */
  const inside = (path: string) => path.replace(/^\/proc\/\d+\/root/, "");
  return {
    folder,
    outside: makeOutside(join(folder, "outside")),
    makeFolder,
    makeFileSystem(sizeBytes) {
      const path = makeFolder();
      const mount = ["mount", "-t", "tmpfs", "-o", `size=${sizeBytes}`, "tmpfs", inside(path)];
      const { exitCode, stderr } = Bun.spawnSync([...enter, ...mount]);
      if (exitCode !== 0) throw new Error(`Cannot mount a tmpfs: ${stderr}`);
      return path;
    },
    async unpackWithUmoci(stacks) {
      const work = makeFolder();
      return await unpackWithUmoci(stacks, work, enter, inside(work));
    },
    [Symbol.dispose]() {
      rmSync(folder, { recursive: true, force: true });
      child.kill("SIGKILL");
    },
  };
}

/** Makes a folder with what a layer might write to, follow, replace or delete. */
export function makeOutside(folder: string): string {
  mkdirSync(join(folder, "dir/x"), { recursive: true });
  for (const name of ["sentinel", "x", "dir/inner"]) {
    writeFileSync(join(folder, name), "untouched");
  }
  symlinkSync("sentinel", join(folder, "link"));
  return folder;
}
