/**
 * What goes wrong while a blob is fetched, and what is to be done about it. The
 * sources of blobs say it, {@linkcode "download_blob.ts"} acts on it.
 *
 * @module
 */

/**
 * What to do after a fault:
 *
 * - `broken`: the connection failed. Try again, from where it stopped.
 * - `busy`: the registry answered that it cannot now. Try again, later.
 * - `damaged`: the bytes are wrong. Once more from the beginning, then give up.
 * - `unusable`: this source cannot give the blob, another one may.
 * - `final`: give up at once.
 */
export type Verdict = "broken" | "busy" | "damaged" | "unusable" | "final";

export interface BlobFaultDetails {
  readonly hint?: string | undefined;
  readonly cause?: unknown;
  /** How long the registry asks to wait. */
  readonly retryAfterMs?: number | undefined;
}

/** A fault. Its message is a state, to stand after a colon: `the registry answered 503`. */
export class BlobFault extends Error {
  override readonly name = "BlobFault";
  readonly verdict: Verdict;
  readonly hint: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(verdict: Verdict, state: string, details: BlobFaultDetails = {}) {
    super(state, details.cause === undefined ? undefined : { cause: details.cause });
    this.verdict = verdict;
    this.hint = details.hint;
    this.retryAfterMs = details.retryAfterMs;
  }
}
