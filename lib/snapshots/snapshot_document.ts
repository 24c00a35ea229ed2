/**
 * What is known of a snapshot: `snapshot.json` in its folder.
 *
 * @module
 */

import * as v from "valibot";
import { MbctlError } from "../errors.ts";
import { type MachineName, parseMachineName } from "../spec/machine_name.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";
import { type Label, parseLabel } from "./label.ts";

/** Who asked for a snapshot: the user, or the verb that was about to change the machine. */
export const snapshotReasons = ["manual", "upgrade", "rollback", "reset"] as const;
export type SnapshotReason = (typeof snapshotReasons)[number];

export interface Snapshot {
  /** The machine's name at that time. */
  readonly name: MachineName;
  readonly label: Label;
  /** Milliseconds since 1970. */
  readonly createdMs: number;
  readonly reason: SnapshotReason;
  readonly image: MachineSpec["image"];
  /** Whether the storage folder is part of it. */
  readonly hasData: boolean;
}

const schema = v.object({
  version: v.literal(1),
  name: v.string(),
  label: v.string(),
  created: v.pipe(v.string(), v.isoTimestamp()),
  reason: v.picklist(snapshotReasons),
  image: v.object({ reference: v.string(), digest: v.string(), manifestDigest: v.string() }),
  hasData: v.boolean(),
});

/** The text of snapshot.json. */
export function formatSnapshot({ createdMs, ...snapshot }: Snapshot): string {
  const created = new Date(createdMs).toISOString();
  return `${JSON.stringify({ version: 1, ...snapshot, created }, undefined, 2)}\n`;
}

/**
 * The inverse of {@linkcode formatSnapshot}.
 *
 * @throws {MbctlError} (failed) for one of a later mbctl, or a damaged one.
 */
export function parseSnapshot(text: string, file: string): Snapshot {
  const read = v.safeParse(schema, parseJson(text));
  if (!read.success) {
    throw new MbctlError("failed", `Cannot read "${file}": it is no snapshot of this mbctl`, {
      hint: "the folder beside it holds the tree; mbctl machines forget removes both",
    });
  }
  const { name, label, created, reason, image, hasData } = read.output;
  return {
    name: parseMachineName(name),
    label: parseLabel(label),
    createdMs: Date.parse(created),
    reason,
    image,
    hasData,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
