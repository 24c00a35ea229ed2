/**
 * Work on many machines at once, within bounds.
 *
 * @module
 */

/** What became of one piece of work. */
export type Settled<R> = { readonly value: R } | { readonly error: unknown };

/**
 * Does the work on all items, `jobs` at a time; one that fails does not stop the others.
 *
 * @returns what became of each, in the order of the items.
 */
export async function inParallel<T, R>(
  items: readonly T[],
  jobs: number,
  work: (item: T) => Promise<R>,
): Promise<Settled<R>[]> {
  const results: Settled<R>[] = [];
  const queue = items.entries();
  const worker = async () => {
    for (const [index, item] of queue) {
      try {
        results[index] = { value: await work(item) };
      } catch (error) {
        results[index] = { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, items.length) }, worker));
  return results;
}
