/**
 * Whether volumes can lie where they are wanted. Pure.
 *
 * @module
 */

import { normalize } from "node:path";
import { usageError } from "../errors.ts";
import type { Volume } from "../spec/machine_spec.ts";

/**
 * Wants no volume to lie over something of ours or of the kernel's.
 *
 * @throws {MbctlError} (usage) for the first that would.
 */
export function checkVolumes(volumes: readonly Volume[]): void {
  for (const { path: spelled, kind } of volumes) {
    const path = normalize(spelled);
    if (
      kind === "config" &&
      /^\/(machine\.toml|container\.nspawn|man8env\.env|host0\.network|\.mbctl|\.[^/]*\.mbctl-[a-z]+)(\/|$)/.test(
        path,
      )
    ) {
      throw usageError(
        `Cannot keep the volume ${path} in the configuration folder: mbctl has a file of that name there`,
        `pull it with --mount ${path}=data`,
      );
    }
    if (kind !== "skip" && /^\/($|(man8s-init|man8env\.env|proc|sys)(\/|$))/.test(path)) {
      throw usageError(
        `Cannot keep the volume ${path} on the host: the machine needs what is at that place`,
        `pull it with --mount ${path}=skip`,
      );
    }
  }
}
