/**
 * How the host names network interfaces (systemd.net-naming-scheme(7)).
 *
 * @module
 */

import { join } from "node:path";
import { readTextIfPresent } from "./files.ts";

/**
 * Whether systemd-nspawn cuts the name of a machine's cable at 15 characters, so that two machines may want one name.
 * Schemes from v245 on put a hash there; an older one is chosen on the kernel's command line alone.
 *
 * @param root where the host's file system begins.
 */
export function cutsInterfaceNames(root: string): boolean {
  const words = (readTextIfPresent(join(root, "proc/cmdline")) ?? "").trim().split(/\s+/);
  const scheme = words.findLast((word) => word.startsWith("net.naming-scheme="))?.split("=")[1];
  if (scheme === undefined) return false;
  const version = /^v(\d+)$/.exec(scheme)?.[1];
  // Those of Red Hat 8 follow v239.
  return version === undefined ? /^rhel-8(\.|$)/.test(scheme) : Number(version) < 245;
}
