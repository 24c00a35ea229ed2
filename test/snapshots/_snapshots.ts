/** A snapshot as tests want one. */

import { parseLabel } from "../../lib/snapshots/label.ts";
import type { Snapshot } from "../../lib/snapshots/snapshot_document.ts";
import { machinePaths } from "../../lib/paths.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";

export const name = parseMachineName("web");
export const paths = machinePaths("/", name);

export function snapshotOf(label: string, more: Partial<Snapshot> = {}): Snapshot {
  return {
    name,
    label: parseLabel(label),
    createdMs: Date.UTC(2026, 10, 22),
    reason: "manual",
    image: { reference: "docker.io/library/x:1", digest: "sha256:a", manifestDigest: "sha256:b" },
    hasData: false,
    ...more,
  };
}
