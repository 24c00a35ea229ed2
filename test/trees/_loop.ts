/**
 * File systems of the tests' own, on a loop device whose file lies on a tmpfs, in
 * a mount namespace that a child holds: it ends with its input, and with it all of
 * that is gone, also when the tests are killed. The tree is reached through
 * the child's root (proc_pid_root(5)).
 */

import process from "node:process";
import { diesWithUs } from "../../lib/host/run.ts";

/** What can be mounted. `xfs-plain` shares no blocks, `ramfs` has no extended attributes. */
export type FileSystem = "btrfs" | "ext4" | "ramfs" | "tmpfs" | "xfs" | "xfs-plain";

const make: Readonly<Record<Exclude<FileSystem, "ramfs" | "tmpfs">, string>> = {
  btrfs: "mkfs.btrfs -q -f",
  ext4: "mkfs.ext4 -q -F",
  xfs: "mkfs.xfs -q -f -m reflink=1",
  "xfs-plain": "mkfs.xfs -q -f -m reflink=0",
};

/** A mounted file system. */
export interface Mounted extends AsyncDisposable {
  /** Its root, which is empty but for what mkfs(8) puts there. */
  readonly path: string;
}

/** Makes and mounts a file system. */
export async function mountFileSystem(kind: FileSystem, sizeMb = 1024): Promise<Mounted> {
  const mount =
    kind === "tmpfs" || kind === "ramfs"
      ? `mount -t ${kind} -o size=${sizeMb}m ${kind} /mnt`
      : `mount -t tmpfs -o size=${sizeMb + 64}m tmpfs /mnt && cd /mnt && truncate -s ${sizeMb}M image && ${make[kind]} image && mount -o loop image /mnt`;
  // The namespace's own propagation: nothing of it is seen outside.
  const script = `{ ${mount}; } >/dev/null && echo ready && read -r line`;
  const child = Bun.spawn(
    [...diesWithUs(), "unshare", "-m", "--propagation", "private", "sh", "-c", script],
    { stdin: "pipe", stdout: "pipe", stderr: "pipe" },
  );
  const { value } = await child.stdout.getReader().read();
  if (value === undefined) {
    throw new Error(`Cannot mount ${kind}: ${(await child.stderr.text()).trim()}`);
  }
  return {
    path: `/proc/${child.pid}/root/mnt`,
    async [Symbol.asyncDispose]() {
      await child.stdin.end();
      await child.exited;
    },
  };
}

/** Whether loop devices can be made here. */
export const canMount = process.getuid?.() === 0;
