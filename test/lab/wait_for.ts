/**
 * Waiting on a condition, never on a clock alone.
 *
 * @module
 */

export interface WaitOptions {
  /**
   * Longest time to wait; a minute by default. It only says when a test that fails ends: a loaded
   * machine may take ten times as long as a free one.
   */
  readonly timeoutMs?: number | undefined;
  /** What is waited for, for the error: `host "hosta" to boot`. */
  readonly what: string;
  /** Pause between two looks; 50 ms by default. */
  readonly intervalMs?: number;
  /** Adds what is known to the error when the time is over. */
  readonly explain?: () => Promise<string> | string;
}

/** What a wait takes at most where it does not say. */
const defaultTimeoutMs = 60_000;

/**
 * Looks again and again until the condition returns something other than
 * `undefined`, `null` or `false`, and returns that. A condition that throws counts as "not yet".
 *
 * @throws Error when the time is over; the condition's last error is its cause.
 */
export async function waitFor<T>(
  condition: () => Promise<T | undefined | null | false> | T | undefined | null | false,
  options: WaitOptions,
): Promise<T> {
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  const deadline = performance.now() + timeoutMs;
  let lastError: unknown;
  for (;;) {
    try {
      const value = await condition();
      lastError = undefined;
      if (value !== undefined && value !== null && value !== false) return value;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() >= deadline) {
      const explanation = options.explain === undefined ? "" : `\n${await options.explain()}`;
      throw new Error(
        `Cannot wait for ${options.what}: not so after ${timeoutMs} ms${explanation}`,
        {
          cause: lastError,
        },
      );
    }
    await Bun.sleep(options.intervalMs ?? 50);
  }
}
