/**
 * What a machine's root tree must have. Pure.
 *
 * @module
 */

import { connectorsInMachine } from "../paths.ts";
import type { ImageConfig } from "../image/config.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";
import { outerFirst } from "../spec/volume.ts";

/** What a root tree must have for its machine to start, the more so where nspawn cannot make it. */
export interface TreeNeeds {
  readonly directories: readonly string[];
  /** Empty where they are missing. */
  readonly files?: readonly string[];
}

/** What the tree of a machine must have: where it works, and where something is mounted. */
export function treeNeeds(spec: MachineSpec, image: ImageConfig): TreeNeeds {
  return {
    directories: [
      spec.workingDirectory ?? image.workingDir,
      // nspawn makes the mount points of others, but not in a root tree that is read-only.
      ...outerFirst(spec.volumes).flatMap(({ path, kind }) => {
        const isExpected = image.volumes.includes(path) && kind !== "tmpfs" && !spec.isReadOnly;
        return kind === "skip" || isExpected ? [] : [path];
      }),
      ...(spec.isReadOnly ? ["/var/tmp"] : []),
      ...(spec.isReadOnly && spec.connectors.length > 0 ? [connectorsInMachine] : []),
    ],
    ...(spec.isReadOnly ? { files: ["/etc/resolv.conf", "/etc/localtime"] } : {}),
  };
}
