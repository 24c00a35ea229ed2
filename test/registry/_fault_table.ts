/** What a registry may do to a blob, and what must come of it, whatever the source of blobs is. */

import { existsSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { MbctlError } from "../../lib/errors.ts";
import type { BlobSource } from "../../lib/image/blob_source.ts";
import type { Digest } from "../../lib/image/digest.ts";
import {
  type BlobSink,
  downloadBlob,
  type DownloadOptions,
} from "../../lib/registry/download_blob.ts";
import * as faulty from "./faulty_registry.ts";

export interface Row {
  readonly name: string;
  readonly faults: readonly faulty.Fault[];
  readonly times?: "once" | "for ever";
  /** The message of the error, or nothing when the blob must come. */
  readonly error?: RegExp;
  readonly options?: DownloadOptions;
  /** How much of the blob is there before. */
  readonly present?: number;
  /** For sources that speak HTTP themselves: others have bounds of their own, or cannot see it. */
  readonly isHttpAlone?: boolean;
  /** How many times the blob is asked for by HTTP. */
  readonly requests?: number;
}

/** Small enough for a test: every row must be done within `totalMs`. */
export const bounds = {
  tries: 4,
  stallMs: 2000,
  totalMs: 12_000,
  firstDelayMs: 1,
  maxDelayMs: 10,
  maxRetryAfterMs: 3000,
} as const satisfies DownloadOptions;

/** For the rows in which nothing comes: long enough for a busy machine, and for skopeo to notice by itself. */
const brief = { stallMs: 900 };

const soon = () => new Date(Date.now() + 1500).toUTCString();

/** The rows for one blob. */
export function faultRows(blob: Uint8Array): Row[] {
  const { resetAfter, endAfter, stallAfter, status } = faulty;
  const broken =
    /: (it ended after|nothing came for|the registry ".*" (closed|answered)|skopeo failed)/;
  const wrong = /: its bytes are not those that its digest was made of$|: skopeo failed/;
  return [
    { name: "no fault", faults: [], requests: 1 },
    { name: "reset before the answer", faults: [faulty.reset], requests: 2 },
    { name: "reset after the head", faults: [resetAfter(0)] },
    { name: "reset in the middle", faults: [resetAfter(0.5)], requests: 2 },
    { name: "reset again and again", faults: [resetAfter(0.3), resetAfter(0.3), resetAfter(0.3)] },
    {
      name: "reset before the answer, for ever",
      faults: [faulty.reset],
      times: "for ever",
      error: broken,
    },
    {
      name: "reset without gain, for ever",
      faults: [resetAfter(0)],
      times: "for ever",
      error: broken,
    },
    { name: "truncated, length honoured", faults: [endAfter(0.7)], requests: 2 },
    { name: "truncated, without a length", faults: [faulty.shorterUnsaid], requests: 2 },
    {
      name: "truncated to a shorter length",
      options: brief,
      faults: [faulty.shorter],
      requests: 2,
    },
    {
      name: "truncated to a shorter length, for ever",
      options: brief,
      ...{ faults: [faulty.shorter], times: "for ever" },
      error:
        /: the registry ".*" sends \d+ bytes, not \d+$|: (it ended after|nothing came|skopeo failed)/,
    },
    { name: "one byte wrong", faults: [faulty.wrongBytes], requests: 2 },
    {
      name: "one byte wrong, for ever",
      faults: [faulty.wrongBytes],
      times: "for ever",
      error: wrong,
      requests: 2,
    },
    { name: "longer than declared", faults: [faulty.longer], requests: 2 },
    { name: "longer than declared, in chunks", faults: [faulty.longerUnsaid], requests: 2 },
    {
      name: "longer than declared by its length, for ever",
      ...{ faults: [faulty.longer], times: "for ever", isHttpAlone: true, requests: 2 },
      error: /: the registry ".*" sends \d+ bytes, not \d+$/,
    },
    {
      name: "longer than declared, for ever",
      ...{ faults: [faulty.longerUnsaid], times: "for ever", isHttpAlone: true },
      error: /: there are more than its \d+ bytes$/,
    },
    { name: "500", faults: [status(500)], requests: 2 },
    { name: "503 with Retry-After", faults: [status(503, { "Retry-After": "1" })], requests: 2 },
    {
      name: "502, then a reset, then a stall",
      options: brief,
      faults: [status(502), resetAfter(0.4), stallAfter(0.4)],
    },
    {
      name: "500, for ever",
      ...{ faults: [status(500)], times: "for ever", requests: 4 },
      error: /: the registry ".*" answered 500$|: skopeo failed/,
    },
    {
      name: "429 with Retry-After in seconds",
      ...{ faults: [status(429, { "Retry-After": "1" })], isHttpAlone: true, requests: 2 },
    },
    {
      name: "429 with a date in Retry-After",
      ...{ faults: [status(429, { "Retry-After": soon() })], isHttpAlone: true, requests: 2 },
    },
    {
      name: "429 with a nonsensical Retry-After",
      ...{ faults: [status(429, { "Retry-After": "-5" })], isHttpAlone: true, requests: 2 },
    },
    {
      name: "429 with an absurd Retry-After",
      ...{ faults: [status(429, { "Retry-After": "86400" })], isHttpAlone: true, requests: 1 },
      error: /: the registry ".*" answered 429; it asks to wait 24 h$/,
    },
    {
      name: "429, for ever",
      ...{ faults: [status(429)], times: "for ever", isHttpAlone: true, requests: 4 },
      error: /: the registry ".*" answered 429$/,
    },
    { name: "silence", options: brief, faults: [faulty.silence], requests: 2 },
    {
      name: "silence, for ever",
      options: brief,
      faults: [faulty.silence],
      times: "for ever",
      error: broken,
    },
    { name: "stall in the body", options: brief, faults: [stallAfter(0.5)], requests: 2 },
    {
      name: "stall after the head, for ever",
      options: brief,
      ...{ faults: [stallAfter(0)], times: "for ever" },
      error: broken,
    },
    {
      name: "a slow trickle, for ever",
      ...{ faults: [faulty.trickle(100, 20)], times: "for ever", options: { totalMs: 700 } },
      error: /: it takes too long$/,
    },
    {
      name: "sent around in circles",
      ...{ faults: [faulty.redirectTo(({ request }) => request.path)], times: "for ever" },
      error: /: the registry ".*" sends around in circles$|: skopeo failed/,
    },
    {
      name: "404",
      ...{ faults: [status(404)], times: "for ever", isHttpAlone: true, requests: 1 },
      error: /: the registry ".*" answered 404$/,
    },
    {
      name: "range ignored",
      ...{ faults: [faulty.wholeOf(blob)], present: 0.5, isHttpAlone: true, requests: 1 },
    },
    {
      name: "another range than asked for",
      ...{
        faults: [faulty.partOf(blob, (blob.length * 2) / 3)],
        present: 0.5,
        isHttpAlone: true,
        requests: 2,
      },
    },
    {
      name: "416 for the range",
      ...{ faults: [status(416)], present: 0.5, isHttpAlone: true, requests: 2 },
    },
    {
      name: "the blob's own compression called an encoding",
      faults: [
        (exchange) =>
          faulty.asItIs({
            ...exchange,
            headers: { ...exchange.headers, "content-encoding": "gzip" },
          }),
      ],
      ...{ isHttpAlone: true, requests: 1 },
    },
  ];
}

/** A sink in a file, with what is there already. */
export function fileSink(path: string, present: Uint8Array = new Uint8Array()): BlobSink {
  writeFileSync(path, present);
  let sizeBytes = present.length;
  return {
    path,
    get sizeBytes() {
      return sizeBytes;
    },
    append(chunk) {
      writeFileSync(path, chunk, { flag: "a" });
      sizeBytes += chunk.length;
    },
    restart() {
      truncateSync(path, 0);
      sizeBytes = 0;
    },
  };
}

/** `the blob`, or the message of the error, with its hint in a line of its own. */
export async function outcome(
  source: BlobSource | readonly BlobSource[],
  digest: Digest,
  blob: Uint8Array,
  sink: BlobSink,
  options: DownloadOptions = {},
): Promise<string> {
  try {
    await downloadBlob(source, { digest, sizeBytes: blob.length }, sink, { ...bounds, ...options });
  } catch (error) {
    if (!(error instanceof MbctlError)) throw error;
    return error.message;
  }
  const found = existsSync(sink.path) ? readFileSync(sink.path) : Buffer.alloc(0);
  return found.equals(blob) && sink.sizeBytes === blob.length ? "the blob" : "ANOTHER BLOB";
}
