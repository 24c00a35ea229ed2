/**
 * What a check found: one line for people, one object for scripts.
 *
 * @module
 */

/**
 * How it stands: `note` is worth knowing, `warning` will hurt later, `wrong` and `missing` stop
 * machines from being pulled, started or reached.
 */
export type Verdict = "ok" | "note" | "warning" | "wrong" | "missing";

export interface Finding {
  /** What was looked at, in a word or two. */
  readonly check: string;
  readonly verdict: Verdict;
  /** What was seen. */
  readonly seen: string;
  /** The command that mends it, or what to do where no command does. */
  readonly mend?: string | undefined;
}

/** Whether nothing stands in the way. */
export function isSound(findings: readonly Finding[]): boolean {
  return findings.every(({ verdict }) => verdict !== "wrong" && verdict !== "missing");
}

/** A finding with nothing to mend. */
export function ok(check: string, seen: string): Finding {
  return { check, verdict: "ok", seen };
}

/** A finding of something else, with what mends it where something does. */
export function found(
  verdict: Exclude<Verdict, "ok">,
  check: string,
  seen: string,
  mend?: string,
): Finding {
  return { check, verdict, seen, ...(mend === undefined ? {} : { mend }) };
}
