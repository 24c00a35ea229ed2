/**
 * A mount namespace of our own: whatever we mount goes when the last of us ends.
 *
 * @module
 */
import { execPath } from "node:process";

const mark = "MBCTL_BENCH_OWN_MOUNTS";

/** Begins this very program anew in a mount namespace, unless it is in one already. */
export function enterOwnMounts(): void {
  if (process.env[mark] === "1") return;
  if (process.getuid?.() !== 0) {
    console.error("Cannot measure: root is needed, for mounts and name spaces");
    process.exit(3);
  }
  const unshare = Bun.which("unshare") ?? "/usr/bin/unshare";
  const argv = [unshare, "--mount", "--propagation", "private", "--", execPath];
  process.execve?.(unshare, [...argv, ...process.argv.slice(1)], { ...process.env, [mark]: "1" });
}
