/**
 * What the applying process is asked, and what it answers: JSON, one object for each line.
 *
 * @module
 */

import type { Digest } from "../image/digest.ts";

/** Its first layer's plain stream is this descriptor, the second's the next. */
export const firstLayerDescriptor = 3;

/** The one line on its standard input. */
export interface ApplyRequest {
  readonly tree: string;
  readonly layers: readonly { readonly diffId: Digest; readonly maxPlainBytes: number }[];
  /** False: they are no layers of an image but plain archives, in which `.wh.` begins a name like any other. */
  readonly hasWhiteouts?: boolean | undefined;
}

/**
 * Why it stopped.
 * - `damaged`: the stream is not what the diff_id says.
 * - `refused`: it is, but holds something that is not allowed, or more than there may be.
 * - `full`: the file system has no room.
 * - `system`: the system refused something.
 */
export type FailureKind = "damaged" | "refused" | "full" | "system";

/** A line on its standard output. The last one is `done` or `failure`. */
export type ApplyReport =
  | { readonly warning: string; readonly layer: number }
  | { readonly done: { readonly entries: number; readonly allocatedBytes: number } }
  | {
      readonly failure: {
        readonly kind: FailureKind;
        readonly layer: number;
        /** Latin-1: one character for each byte. */
        readonly entry?: string | undefined;
        readonly state: string;
      };
    };
