/**
 * Makes a tree by a distribution's bootstrapper.
 *
 * The bootstrapper is the host's and runs as root; it downloads by the host's network, and runs the packages' scripts in a
 * chroot. What keeps that from the host: every package is signed by the distribution (bootstrap_plan.ts), so its makers are
 * trusted as with any `apt install`. Beside that the bootstrapper has mounts, processes and IPC of its own, which end
 * with it and with us, however we end, and no capability that it does not need. A chroot is no wall against root.
 *
 * @module
 */

import { chmodSync } from "node:fs";
import { MbctlError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { CommandError } from "../host/run.ts";
import { makeTree } from "../trees/tree.ts";
import { bootstrapFolder, type BootstrapPlan, type TreeFile } from "./bootstrap_request.ts";
import { applyTreeChange } from "./settle_system.ts";
import { remove, write } from "./tree_change.ts";

/** What a bootstrapper does with its rights: owners and modes, chroot and mounts in it, device nodes. No modules, no raw devices… */
const capabilities: readonly string[] = [
  ...["chown", "dac_override", "dac_read_search", "fowner", "fsetid", "setfcap"],
  ...["kill", "setgid", "setuid", "setpcap", "sys_chroot", "sys_admin", "mknod"],
  ...["sys_resource", "audit_write", "net_bind_service"],
];

/**
 * The words before a bootstrapper: namespaces that die with the first process in them, and a /tmp that goes with them. What
 * it says goes to one stream, the one that an error shows.
 */
function bootstrapSandbox(tree: string): string[] {
  const script = [
    // A tree of a test may lie there.
    ...(tree.startsWith("/tmp/") ? [] : ["mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs /tmp"]),
    `exec setpriv --bounding-set=-all,${capabilities.map((name) => `+${name}`).join(",")} -- "$@" >&2`,
  ];
  return [
    ...["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"],
    ...["--mount-proc", "--ipc", "--", "/bin/sh", "-c", script.join(" && "), "sh"],
  ];
}

/**
 * Makes the tree at a free name. On any failure what is there is the caller's to clear.
 *
 * @throws {MbctlError} (tool) with what the bootstrapper said; (interrupted) when the user stopped us.
 */
export async function bootstrapTree(
  host: Host,
  tree: string,
  plan: BootstrapPlan,
  { onLine }: { readonly onLine?: ((text: string) => void) | undefined } = {},
): Promise<void> {
  makeTree(tree);
  const put = ({ path, text }: TreeFile) => applyTreeChange(tree, write(path, text));
  for (const file of plan.before) put(file);
  for (const command of plan.commands) {
    onLine?.(`${command[0]} is at work`);
    // Not by run(): unshare(1) is deaf to SIGTERM while it waits, and all of it must go at once.
    using child = host.spawn([...bootstrapSandbox(tree), ...command]);
    await child.done().catch((error: unknown) => Promise.reject(explain(plan, error)));
  }
  for (const file of plan.after) put(file);
  for (const path of plan.caches) applyTreeChange(tree, { kind: "empty", path });
  applyTreeChange(tree, remove(bootstrapFolder));
  chmodSync(tree, 0o755);
}

/** The programs before the bootstrapper only make room for it: it is the one that failed. */
function explain({ program }: BootstrapPlan, error: unknown): unknown {
  if (!(error instanceof CommandError)) return error;
  return new MbctlError("tool", `Cannot make the system: ${program} failed`, {
    cause: error.cause,
    hint: "see above what it says; -v shows the whole command. A mirror: --mirror URL",
  });
}
