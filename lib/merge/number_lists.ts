import { align } from "./align.ts";
import { type Document, type Part, partsById, type Three } from "./document.ts";
import { UNNUMBERED } from "./unit_document.ts";

/**
 * Tells the elements of ordered lists apart. An element of the base goes by its place. One of the
 * other two is that of the base with the same value; amid such pairs, elements are paired by their
 * place: they are the old ones, changed. What is left over is new, and goes by its value.
 */
export function numberLists({ base, ours, theirs }: Three<Document>): Three<Document> {
  const before = partsById(base);
  const number = (document: Document) => {
    const ids = new Map(
      [...partsById(document)]
        .filter(([id]) => id.endsWith(UNNUMBERED))
        .map(([id, parts]) => [id, listIds(id, before.get(id) ?? [], parts)[Symbol.iterator]()]),
    );
    const renamed = (part: Part) => ({ ...part, id: ids.get(part.id)?.next().value ?? part.id });
    return document.map((section) => ({
      ...section,
      pieces: section.pieces.map(({ raw, parts }) => ({ raw, parts: parts.map(renamed) })),
    }));
  };
  return { base: number(base), ours: number(ours), theirs: number(theirs) };
}

/** The id of each part, in order. */
function listIds(list: string, base: readonly Part[], parts: readonly Part[]): string[] {
  const pairs = align(
    base.map(({ value }) => value),
    parts.map(({ value }) => value),
  );
  const inBase = new Set(pairs.values());
  let next = 0;
  return parts.map(({ value }, index) => {
    const same = pairs.get(index);
    const place = same ?? next;
    const isPaired = same !== undefined || (place < base.length && !inBase.has(place));
    if (isPaired) next = place + 1;
    return isPaired ? `${list}#${place}` : `${list}=${value}`;
  });
}
