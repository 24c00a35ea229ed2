import { diffArrays } from "diff";

/**
 * Which words of `after` are those of `before`: a longest common subsequence.
 *
 * @returns index in `after` to index in `before`, both ascending.
 */
export function align(before: readonly string[], after: readonly string[]): Map<number, number> {
  const pairs = new Map<number, number>();
  let [from, to] = [0, 0];
  for (const { added, removed, count } of diffArrays([...before], [...after])) {
    if (!added && !removed) for (let n = 0; n < count; n++) pairs.set(to + n, from + n);
    if (!added) from += count;
    if (!removed) to += count;
  }
  return pairs;
}
