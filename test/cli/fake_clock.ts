/**
 * A clock that stands still until it is told to go on.
 *
 * @module
 */

import type { Clock } from "../../lib/cli/progress_tasks.ts";

export interface FakeClock extends Clock {
  /** Lets time pass, and calls what is due meanwhile. */
  wait(ms: number): void;
  /** How many timers run. */
  timers(): number;
}

/** A clock at 0 ms. */
export function fakeClock(): FakeClock {
  let nowMs = 0;
  const timers = new Set<{ dueMs: number; intervalMs: number; tick: () => void }>();
  return {
    nowMs: () => nowMs,
    timers: () => timers.size,
    every(intervalMs, tick) {
      const timer = { dueMs: nowMs + intervalMs, intervalMs, tick };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    wait(ms) {
      const endMs = nowMs + ms;
      for (;;) {
        const [next] = [...timers].sort((a, b) => a.dueMs - b.dueMs);
        if (next === undefined || next.dueMs > endMs) break;
        nowMs = next.dueMs;
        next.dueMs += next.intervalMs;
        next.tick();
      }
      nowMs = endMs;
    },
  };
}
