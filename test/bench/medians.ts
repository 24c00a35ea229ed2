/**
 * Numbers for people: medians with their spread, and tables.
 *
 * @module
 */

/** What a series of measurements comes to, in the unit of the measurements. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

/**
 * The middle of a series, and how far it spreads.
 *
 * @throws RangeError for a series of nothing.
 */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const [min, max] = [sorted[0], sorted.at(-1)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  const upper = sorted[Math.ceil((sorted.length - 1) / 2)];
  if (min === undefined || max === undefined || lower === undefined || upper === undefined) {
    throw new RangeError("there is nothing to take a median of");
  }
  return { median: (lower + upper) / 2, min, max, count: sorted.length };
}

/** A row of figures in milliseconds: `what   median   min   max   runs`. */
export function row(what: string, { median, min, max, count }: Spread): readonly string[] {
  return [
    what,
    ...[median, min, max].map((value) => value.toFixed(value < 100 ? 1 : 0)),
    String(count),
  ];
}

/** The head that {@linkcode row} goes with. */
export const head: readonly string[] = ["", "median ms", "min", "max", "runs"];

/** Lines with columns as wide as they must be, the first to the left, the others to the right. */
export function renderColumns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((cells) => (cells[column] ?? "").length)),
  );
  const line = (cells: readonly string[]) =>
    cells.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
  return rows.map((cells) => `${line(cells).join("  ")}\n`).join("");
}
