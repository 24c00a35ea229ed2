/**
 * Progress of several things at once, as a verb tells it. How it is shown is decided
 * elsewhere (talk.ts): a block of lines on a terminal, sparse lines, or events in JSON.
 *
 * @module
 */

export { formatBytes } from "./quantity.ts";

/** What is worked on; several things of a kind are summed up under its name. */
export type TaskKind = "layer" | "tree" | "image";

/** What may be said of a task when it starts. */
export interface TaskOptions {
  readonly kind?: TaskKind | undefined;
  /** The digest of what is worked on; for JSON alone. */
  readonly digest?: string | undefined;
  /** What was there before, of a download that goes on: no part of the speed. */
  readonly startBytes?: number | undefined;
}

/** One thing that takes time: a layer, an unpacking. */
export interface Task {
  /** So much of it is done by now, in bytes (not: so much more). It costs nothing: call it at will. */
  update(doneBytes: number): void;
  /** What it does now, where bytes do not tell: `waiting for another mbctl`. Undefined takes it back. */
  note(text: string | undefined): void;
  /** It is finished; `note` is shown beside it, by default the bytes. */
  done(note?: string): void;
  failed(note?: string): void;
}

export interface Progress {
  /**
   * @param label a few words; control characters are escaped, and accounts in URLs hidden.
   * @param totalBytes its size, where it is known.
   */
  start(label: string, totalBytes?: number, options?: TaskOptions): Task;
}

/** How progress is shown: `--progress`. */
export const PROGRESS_FORMS = ["auto", "plain", "json"] as const;
export type ProgressForm = (typeof PROGRESS_FORMS)[number];

/** Progress that nobody sees. */
export const silentProgress: Progress = {
  start: () => ({ update() {}, note() {}, done() {}, failed() {} }),
};
