/**
 * Ctrl-C and its kin. The first one asks the work to stop, by an AbortSignal, so
 * that it can tidy up; the second one ends the process where it stands.
 *
 * @module
 */

import { MbctlError } from "../errors.ts";
import { EXIT_BY_SIGNAL } from "./exit_codes.ts";

type StoppingSignal = keyof typeof EXIT_BY_SIGNAL;

/** Signals within this time are one: timeout(1) signals its child and its whole group, one after the other. */
const SAME_SIGNAL_MS = 250;

export interface Interruption {
  readonly signal: AbortSignal;
  /** Exit code for the signal that came, 128 and its number; undefined where none came. */
  exitCode(): number | undefined;
  /** Takes the handlers away. */
  release(): void;
}

/**
 * Listens for SIGINT, SIGTERM and SIGHUP.
 *
 * @param onFirst called once, when the first signal has come.
 * @param isIgnored true for work whose terminal belongs to another program: the signals do nothing then.
 */
export function listenForInterrupts(onFirst: () => void, isIgnored: boolean): Interruption {
  const controller = new AbortController();
  let first: { name: StoppingSignal; atMs: number } | undefined;
  const handle = (name: StoppingSignal) => {
    if (isIgnored) return;
    const nowMs = performance.now();
    if (first === undefined) {
      first = { name, atMs: nowMs };
      onFirst();
      controller.abort(new MbctlError("interrupted", `Stopped by ${name}`));
    } else if (nowMs - first.atMs > SAME_SIGNAL_MS) {
      process.exit(EXIT_BY_SIGNAL[name]);
    }
  };
  const handlers = (Object.keys(EXIT_BY_SIGNAL) as StoppingSignal[]).map(
    (name) => [name, () => handle(name)] as const,
  );
  for (const [name, handler] of handlers) process.on(name, handler);
  return {
    signal: controller.signal,
    exitCode: () => (first === undefined ? undefined : EXIT_BY_SIGNAL[first.name]),
    release() {
      for (const [name, handler] of handlers) process.removeListener(name, handler);
    },
  };
}
