/**
 * The journal of a change: `.mbctl-change.NAME` beside the machines' configurations. It says what a run that was
 * killed had begun, and how the next one ends it.
 *
 * @module
 */

import * as v from "valibot";
import { MbctlError } from "../errors.ts";
import { readTextIfPresent } from "../host/files.ts";
import type { Step } from "../steps/step.ts";

/** How a verified change is judged. */
export interface Verification {
  /** How long a machine without a health check must run to be well, in milliseconds. */
  readonly graceMs: number;
  /** The steps that lead back; each may be repeated. */
  readonly back: readonly Step[];
}

export type Journal =
  /** Something is being staged; `steps` clear it. */
  | { readonly phase: "prepare"; readonly verb: string; readonly steps: readonly Step[] }
  /** The change is decided; `steps` carry it out, and each may be repeated. */
  | {
      readonly phase: "commit";
      readonly verb: string;
      readonly steps: readonly Step[];
      readonly verify?: Verification | undefined;
    }
  /** It was carried out, and has to prove itself. */
  | { readonly phase: "verify"; readonly verb: string; readonly verify: Verification };

/** Steps are ours, and only root can write the file: their shapes are not looked at again. */
const steps = v.array(v.looseObject({ kind: v.string() }));
const verify = v.object({ graceMs: v.number(), back: steps });
const schema = v.object({
  version: v.literal(1),
  journal: v.variant("phase", [
    v.object({ phase: v.literal("prepare"), verb: v.string(), steps }),
    v.object({ phase: v.literal("commit"), verb: v.string(), steps, verify: v.optional(verify) }),
    v.object({ phase: v.literal("verify"), verb: v.string(), verify }),
  ]),
});

/**
 * Reads a journal; undefined where no change is under way.
 *
 * @throws {MbctlError} (failed) for one of a later mbctl, or a damaged one.
 */
export function readJournal(path: string): Journal | undefined {
  const text = readTextIfPresent(path);
  if (text === undefined) return undefined;
  const read = v.safeParse(schema, parseJson(text));
  if (read.success) return read.output.journal as unknown as Journal;
  throw new MbctlError("failed", `Cannot read the journal "${path}": it is not one of this mbctl`, {
    hint: "the mbctl that wrote it can end what it began; otherwise keep a copy of the machine's folders, remove the journal, and look at the machine",
  });
}

/** Writes a journal: what was there before holds until it is on the disk. */
export function journalStep(path: string, journal: Journal): Step {
  const text = `${JSON.stringify({ version: 1, journal }, writeBigInt)}\n`;
  return { kind: "write-file", path, text, mode: 0o600 };
}

/** JSON knows no 128-bit numbers: the addresses of a whole system's network are such. */
function writeBigInt(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? { bigint: `${value}` } : value;
}

function readBigInt(_key: string, value: unknown): unknown {
  const isWrapped = typeof value === "object" && value !== null && "bigint" in value;
  return isWrapped ? BigInt(String(value.bigint)) : value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text, readBigInt);
  } catch {
    return undefined;
  }
}
