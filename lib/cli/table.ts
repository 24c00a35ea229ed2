/**
 * Tables of text for lists: columns as wide as their widest cell, two spaces
 * between them, nothing cut and nothing wrapped, so that a pipe gets one line a row.
 *
 * @module
 */

import { escapeLine, style, withoutStyles } from "./terminal.ts";

/** A cell; the empty string and undefined are shown as `-`. */
export type Cell = string | undefined;

/**
 * Renders a table; the last column has no trailing spaces.
 *
 * @returns lines that end in a line feed; only the heading where there are no rows.
 */
export function renderTable(
  headings: readonly string[],
  rows: readonly (readonly Cell[])[],
): string {
  const cells = rows.map((row) => headings.map((_, column) => cellText(row[column])));
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...cells.map((row) => width(row[column] ?? ""))),
  );
  const line = (row: readonly string[], decorate: (text: string) => string) =>
    `${row
      .map((text, column) => {
        const padding = (widths[column] ?? 0) - width(text);
        return decorate(text) + (column < row.length - 1 ? " ".repeat(padding) : "");
      })
      .join("  ")}\n`;
  return (
    line(headings, (text) => style("bold", text)) +
    cells.map((row) => line(row, (text) => text)).join("")
  );
}

/** Columns on a terminal: wide East Asian characters take two. */
export function width(text: string): number {
  return Bun.stringWidth(withoutStyles(text));
}

function cellText(cell: Cell): string {
  return cell === undefined || cell === "" ? "-" : escapeLine(cell);
}
