/**
 * "did you mean": the nearest of the words that would have been right.
 *
 * @module
 */

/**
 * Edit distance in which swapping two neighbours counts one (optimal string
 * alignment, the restricted form of Damerau and Levenshtein's).
 */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1];
      let best = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isSame ? 0 : 1),
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        best = Math.min(best, (beforeLast[column - 2] ?? 0) + 1);
      }
      current.push(best);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length] ?? 0;
}

/**
 * The candidate nearest to a mistyped word, the first one among equals; undefined
 * where none is near: within a third of the longer word's length, or beginning with the word.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: { candidate: string; distance: number } | undefined;
  for (const candidate of candidates) {
    const isBeginning = word.length >= 2 && candidate.startsWith(word);
    const distance = isBeginning ? 1 : editDistance(word.toLowerCase(), candidate.toLowerCase());
    const limit = Math.max(1, Math.floor(Math.max(word.length, candidate.length) / 3));
    if (
      distance <= limit &&
      distance < candidate.length &&
      distance < (best?.distance ?? Infinity)
    ) {
      best = { candidate, distance };
    }
  }
  return best?.candidate;
}

/** `did you mean "…"?` for a hint, or undefined. */
export function didYouMean(
  word: string,
  candidates: Iterable<string>,
  show: (candidate: string) => string = (candidate) => candidate,
): string | undefined {
  const candidate = nearest(word, candidates);
  return candidate === undefined ? undefined : `did you mean "${show(candidate)}"?`;
}

/**
 * The verb or group meant by words that name neither, out of all verb names: by
 * both words (`machine lst`), by the second alone where it stands in another group or
 * without one (`pull` for `machines pull`), or by the first alone (`versoin`, `machine`).
 */
export function nearestVerb(
  words: readonly string[],
  names: readonly string[],
): string | undefined {
  const [first = "", second] = words;
  const inner = names.filter((name) => name.startsWith(`${first} ${second} `));
  if (inner.length > 0) {
    const group = `${first} ${second}`;
    const lasts = inner.map((name) => name.slice(group.length + 1));
    const last = nearest(words[2] ?? "", lasts);
    return last === undefined ? undefined : `${group} ${last}`;
  }
  const pairs = names.map((name) => name.split(" "));
  const firsts = new Set(pairs.map(([word = ""]) => word));
  const meant = firsts.has(first) ? first : nearest(first, firsts);
  const inGroup = pairs.flatMap(([word, rest]) => (word === meant && rest ? [rest] : []));
  const ending = second === undefined ? undefined : nearest(second, inGroup);
  if (ending !== undefined) return `${meant} ${ending}`;
  const elsewhere = (word: string | undefined) =>
    word === undefined ? undefined : names.find((name) => name.endsWith(` ${word}`));
  const found = elsewhere(inGroup.length > 0 ? second : first) ?? meant;
  return found === first ? undefined : found;
}
