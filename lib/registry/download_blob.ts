/**
 * One blob from where it is to where it is wanted, whatever the registry does in
 * between: tried again, resumed, and verified. It ends within a bounded time, with
 * all of the right bytes or with an error.
 *
 * @module
 */

import { MbctlError } from "../errors.ts";
import { interrupted } from "../host/run.ts";
import type { BlobId, BlobSource } from "../image/blob_source.ts";
import { damaged } from "../image/found_image.ts";
import { formatImageRef, type ImageRef } from "../image/reference.ts";
import { BlobFault } from "./blob_fault.ts";
import { type BlobSink, BlobTransfer, SinkError } from "./blob_transfer.ts";
import { formatSeconds } from "./patience.ts";
import { backoffMs } from "./retry_delay.ts";

export type { BlobSink };

export interface DownloadOptions {
  /** The user's: ends the download as interrupted. */
  readonly signal?: AbortSignal | undefined;
  /** Whose blob it is, for the error. */
  readonly image?: ImageRef | undefined;
  /** Tries in a row that gain less than `gainBytes`. */
  readonly tries?: number;
  readonly gainBytes?: number;
  /** Longest wait in which no byte comes. */
  readonly stallMs?: number;
  /** Longest time for all tries; by default 10 minutes, and as long as 8 KiB/s take. */
  readonly totalMs?: number;
  /** Waits between tries: the first, and what they double up to. */
  readonly firstDelayMs?: number;
  readonly maxDelayMs?: number;
  /** A registry that asks for a longer wait than this is not waited for. */
  readonly maxRetryAfterMs?: number;
  /** Told of each fault after which there is another try. */
  readonly onRetry?: (fault: BlobFault, delayMs: number) => void;
  /** Told when a source is given up and the next one taken. */
  readonly onNextSource?: (fault: BlobFault) => void;
}

const defaults = {
  tries: 6,
  gainBytes: 1 << 20,
  stallMs: 30_000,
  firstDelayMs: 250,
  maxDelayMs: 15_000,
  maxRetryAfterMs: 60_000,
};

/**
 * Fetches a blob into a sink, and verifies size and digest, also of what was in the
 * sink before.
 *
 * @param sources one source, or several: a later one is taken when an earlier one cannot give it.
 * @throws {MbctlError} (tool) when it cannot be had: what is right so far stays in the sink, for
 * another time; (usage) when it is damaged in a local image; (interrupted) when the user stopped us; and what the sink throws.
 */
export async function downloadBlob(
  sources: BlobSource | readonly BlobSource[],
  blob: BlobId,
  sink: BlobSink,
  options: DownloadOptions = {},
): Promise<void> {
  const bounds = { ...defaults, totalMs: 600_000 + blob.sizeBytes / 8, ...options };
  const deadlineMs = performance.now() + bounds.totalMs;
  const transfer = new BlobTransfer(blob, sink);
  await transfer.readPresent(bounds.signal);
  // The part that was there before may be at fault, and what comes now once more.
  let restarts = transfer.done > 0 ? 2 : 1;
  const queue = "open" in sources ? [sources] : [...sources];
  let source = queue.shift();
  if (source === undefined) throw new TypeError("downloadBlob() needs a source");
  let failures = 0;
  let mark = transfer.done;
  let hasGiven = false;
  const failed = (fault: BlobFault, hint = fault.hint, more = "") =>
    failure(blob, bounds.image, fault, hint, more);

  for (;;) {
    const before = transfer.done;
    let fault: BlobFault;
    try {
      await transfer.run(source, { ...bounds, deadlineMs });
      return;
    } catch (error) {
      fault = asFault(error);
    }
    hasGiven ||= transfer.done !== before;
    if (fault.verdict === "damaged") {
      transfer.restart();
      if (restarts-- === 0) throw failed(fault, damaged);
    }
    if (transfer.done - mark >= bounds.gainBytes) {
      mark = transfer.done;
      failures = 0;
    }
    const wait = fault.retryAfterMs ?? 0;
    if (wait > bounds.maxRetryAfterMs) {
      throw failed(fault, fault.hint, `; it asks to wait ${formatSeconds(wait)}`);
    }
    const isOver = fault.verdict === "final" || performance.now() > deadlineMs;
    const isWornOut = ++failures >= bounds.tries;
    const mayHelp =
      fault.verdict === "unusable" || (fault.verdict === "broken" && isWornOut && !hasGiven);
    const next = mayHelp && !isOver ? queue.shift() : undefined;
    if (next !== undefined) {
      source = next;
      failures = 0;
      hasGiven = false;
      bounds.onNextSource?.(fault);
      continue;
    }
    if (isOver || isWornOut || fault.verdict === "unusable") throw failed(fault);
    const delayMs = Math.max(
      wait,
      backoffMs(failures, bounds.firstDelayMs, bounds.maxDelayMs, Math.random()),
    );
    if (performance.now() + delayMs > deadlineMs) throw failed(fault);
    bounds.onRetry?.(fault, delayMs);
    await pause(delayMs, bounds.signal);
  }
}

/** The fault in what a source threw. Other errors end the download as they are. */
function asFault(error: unknown): BlobFault {
  if (error instanceof BlobFault) return error;
  if (error instanceof SinkError) throw error.cause;
  // skopeo failed, and does not say in which way.
  if (error instanceof MbctlError && error.kind === "tool") {
    return new BlobFault("broken", error.message, { cause: error });
  }
  // Interrupted, or a program that is not installed, for instance.
  throw error;
}

function failure(
  blob: BlobId,
  image: ImageRef | undefined,
  fault: BlobFault,
  hint: string | undefined,
  more: string,
): MbctlError {
  if (fault.cause instanceof MbctlError) return fault.cause;
  const fallback =
    fault.verdict === "broken" || fault.verdict === "busy"
      ? "run the command again: what has come is kept"
      : undefined;
  // A file beside us is the user's; a registry is a tool that failed.
  const isLocal = image !== undefined && image.transport !== "docker";
  const kind = isLocal && fault.verdict === "damaged" ? "usage" : "tool";
  const of = image === undefined ? "" : ` of ${JSON.stringify(formatImageRef(image))}`;
  return new MbctlError(kind, `Cannot fetch blob "${blob.digest}"${of}: ${fault.message}${more}`, {
    cause: fault.cause,
    hint: hint ?? fallback,
  });
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(interrupted());
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}
