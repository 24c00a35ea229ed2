/**
 * The speed of something, smoothed: bytes over time, both forgotten at one pace. So
 * the first seconds are right already, a pause lets it sink, and looks at uneven
 * times do no harm.
 *
 * @module
 */

/** What was this long ago counts e times less. */
const MEMORY_MS = 3000;
/** Before so much time was seen, nothing is said. */
const KNOWN_AFTER_MS = 500;

export interface Rate {
  /** So many bytes in all at this time. */
  look(nowMs: number, bytes: number): void;
  /** Undefined while it is not known. */
  bytesPerSecond(): number | undefined;
}

/**
 * A rate that begins now.
 *
 * @param bytes what is there already; it is no part of the speed.
 */
export function createRate(nowMs: number, bytes: number): Rate {
  let last = { ms: nowMs, bytes };
  let seenMs = 0;
  let movedBytes = 0;
  let movedMs = 0;
  return {
    look(ms, now) {
      const stepMs = ms - last.ms;
      const step = now - last.bytes;
      if (stepMs <= 0) return;
      last = { ms, bytes: now };
      // Time spent in a queue is not time of the work.
      if (seenMs === 0 && step === 0) return;
      if (step < 0) {
        // It began anew.
        seenMs = movedBytes = movedMs = 0;
        return;
      }
      const kept = Math.exp(-stepMs / MEMORY_MS);
      movedBytes = movedBytes * kept + step;
      movedMs = movedMs * kept + stepMs;
      seenMs += stepMs;
    },
    bytesPerSecond: () => (seenMs < KNOWN_AFTER_MS ? undefined : (movedBytes / movedMs) * 1000),
  };
}
