/**
 * A file as a merge sees it: sections of pieces, of which some are entries. Every byte of the
 * text stands in some `raw`.
 *
 * @module
 */

/** One thing that the file sets: what two files can agree or differ on. */
export interface Part {
  /** The same in two files when it is the same thing. */
  readonly id: string;
  /** What a person calls it: `PATH`, `Exec.Boot`, `Files.Bind=/data`. */
  readonly key: string;
  /** What it is set to; spelling that does not count is left out. */
  readonly value: string;
  /** As a line of its own, its end included. */
  readonly raw: string;
}

/** One line, or several that systemd joins. Without parts it is a comment, a blank line, or unknown. */
export interface Piece {
  readonly raw: string;
  /** Several for `Environment=A=1 B=2` only. */
  readonly parts: readonly Part[];
}

export interface Section {
  /** Undefined for what stands above the first section, and in a file without sections. */
  readonly name: string | undefined;
  /** The line that begins it; "" without a name. */
  readonly header: string;
  readonly pieces: readonly Piece[];
}

/** Always begins with the section without a name, which may have no pieces. */
export type Document = readonly Section[];

/** Three readings of a file: mbctl's last rendering, the administrator's file, the new rendering. */
export interface Three<T> {
  readonly base: T;
  readonly ours: T;
  readonly theirs: T;
}

/** All parts of a document by id, each in the order of the file. */
export function partsById(document: Document): Map<string, Part[]> {
  const found = new Map<string, Part[]>();
  for (const part of document.flatMap(({ pieces }) => pieces).flatMap(({ parts }) => parts)) {
    const earlier = found.get(part.id);
    if (earlier === undefined) found.set(part.id, [part]);
    else earlier.push(part);
  }
  return found;
}

/** A line without its end. */
export function withoutLineEnd(raw: string): string {
  return raw.replace(/[\n\r\0]+$/, "");
}
