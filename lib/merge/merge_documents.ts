/**
 * Lays out a merged file. The administrator's file is the ground: entries that are taken from the new
 * rendering stand where the old ones stood, new lines stand by their neighbours in the new
 * rendering, comments and blank lines that it dropped go.
 *
 * @module
 */

import { align } from "./align.ts";
import {
  type Document,
  partsById,
  type Piece,
  type Section,
  type Three,
  withoutLineEnd,
} from "./document.ts";
import type { Outcomes } from "./outcomes.ts";

/** Everything in the merged file, in order: the raw texts of sections and pieces. */
export function mergeDocuments(documents: Three<Document>, outcomes: Outcomes): string[] {
  const base = splitChanged(documents.base, outcomes.changed);
  const ours = splitChanged(documents.ours, outcomes.changed);
  const theirs = splitChanged(documents.theirs, outcomes.changed);
  const rules = {
    arrive: arrivals(ours, theirs, outcomes.taken),
    replace: replacements(ours, theirs, outcomes.taken),
  };

  const baseByKey = byKey(base);
  const oursByKey = byKey(ours);
  const theirsByKey = byKey(theirs);
  const merged = new Map<string, string[]>();
  for (const [key, section] of oursByKey) {
    const before = baseByKey.get(key);
    const pieces = mergePieces(
      { base: before, ours: section, theirs: theirsByKey.get(key) },
      rules,
    );
    const isDropped = before !== undefined && !theirsByKey.has(key) && pieces.length === 0;
    merged.set(key, isDropped ? [] : [section.header, ...pieces.map(({ raw }) => raw)]);
  }
  // A section that the administrator's file lacks comes behind the one before it in the new rendering.
  let previous = "";
  for (const [key, section] of theirsByKey) {
    if (oursByKey.has(key)) {
      previous = key;
      continue;
    }
    const pieces = mergePieces(
      { base: baseByKey.get(key), ours: undefined, theirs: section },
      rules,
    );
    const isWanted = !baseByKey.has(key) || pieces.some(({ parts }) => parts.length > 0);
    if (isWanted) merged.get(previous)?.push(section.header, ...pieces.map(({ raw }) => raw));
  }
  return [...merged.values()].flat().filter((raw) => raw !== "");
}

/** Gives each variable of a line its own line, where one of them changes. */
function splitChanged(document: Document, changed: ReadonlySet<string>): Document {
  return document.map((section) => ({
    ...section,
    pieces: section.pieces.flatMap((piece) =>
      piece.parts.length > 1 && piece.parts.some(({ id }) => changed.has(id))
        ? piece.parts.map((part) => ({ raw: part.raw, parts: [part] }))
        : [piece],
    ),
  }));
}

/** What stands for a piece of ours: itself, or the taken lines of its entry, of which the last gets all that are left. */
function replacements(ours: Document, theirs: Document, taken: ReadonlySet<string>) {
  const left = new Map([...partsById(ours)].map(([id, parts]) => [id, parts.length]));
  const given = partsById(theirs);
  return (piece: Piece): readonly Piece[] => {
    const id = piece.parts[0]?.id;
    if (id === undefined || !taken.has(id)) return [piece];
    const rest = (left.get(id) ?? 1) - 1;
    left.set(id, rest);
    const lines = given.get(id) ?? [];
    return lines
      .splice(0, rest === 0 ? lines.length : 1)
      .map((part) => ({ raw: part.raw, parts: [part] }));
  };
}

/** The lines of an entry that ours has nowhere: all where the first of them stands, as the last one counts. */
function arrivals(ours: Document, theirs: Document, taken: ReadonlySet<string>) {
  const inOurs = partsById(ours);
  const waiting = new Map(
    [...partsById(theirs)].filter(([id]) => taken.has(id) && !inOurs.has(id)),
  );
  return (id: string): readonly Piece[] => {
    const parts = waiting.get(id) ?? [];
    waiting.delete(id);
    return parts.map((part) => ({ raw: part.raw, parts: [part] }));
  };
}

/** Sections by name, the second and later ones of a name with a number behind it; "" has none. */
function byKey(document: Document): Map<string, Section> {
  const found = new Map<string, Section>();
  for (const section of document) {
    const name = section.name === undefined ? "" : `[${section.name}]`;
    let key = name;
    for (let n = 2; found.has(key); n++) key = `${name}${n}`;
    found.set(key, section);
  }
  return found;
}

interface Rules {
  /** The pieces of an entry that only theirs has, once. */
  readonly arrive: (id: string) => readonly Piece[];
  /** What stands for a piece of ours. */
  readonly replace: (piece: Piece) => readonly Piece[];
}

/** The pieces of one section of ours, without those that theirs dropped, with those that it added. */
function mergePieces(sections: Three<Section | undefined>, { arrive, replace }: Rules): Piece[] {
  const base = sections.base?.pieces ?? [];
  const ours = sections.ours?.pieces ?? [];
  const theirs = sections.theirs?.pieces ?? [];
  const [baseKeys, ourKeys, theirKeys] = [base, ours, theirs].map((pieces) => pieces.map(pieceKey));
  const oursToBase = align(baseKeys ?? [], ourKeys ?? []);
  const theirsToBase = align(baseKeys ?? [], theirKeys ?? []);
  const theirsToOurs = align(ourKeys ?? [], theirKeys ?? []);
  const baseToOurs = new Map([...oursToBase].map(([o, b]) => [b, o]));
  const keptByTheirs = new Set(theirsToBase.values());
  const entryPlaces = new Map((ourKeys ?? []).map((key, index) => [key, index]));

  /** Where ours has this line of theirs, an entry anywhere, other lines where the files agree. */
  const placeInOurs = (index: number, { parts }: Piece): number | undefined => {
    if (parts.length > 0) return entryPlaces.get(theirKeys?.[index] ?? "");
    const inBase = theirsToBase.get(index);
    if (inBase !== undefined) return baseToOurs.get(inBase);
    const added = theirsToOurs.get(index);
    return added !== undefined && !oursToBase.has(added) ? added : undefined;
  };

  const inserted: Piece[][] = Array.from({ length: ours.length + 1 }, () => []);
  let gap = 0;
  // Comments stand by what follows them.
  let comments: Piece[] = [];
  for (const [index, piece] of theirs.entries()) {
    const place = placeInOurs(index, piece);
    const id = piece.parts[0]?.id;
    if (place !== undefined) {
      inserted[place]?.push(...comments);
      comments = [];
      gap = place + 1;
    } else if (id === undefined) {
      if (!theirsToBase.has(index)) comments.push(piece);
    } else {
      const added = arrive(id);
      if (added.length === 0) continue;
      inserted[gap]?.push(...comments, ...added);
      comments = [];
    }
  }
  inserted[ours.length]?.push(...comments);

  const isDropped = (index: number, { parts }: Piece) => {
    const inBase = oursToBase.get(index);
    return parts.length === 0 && inBase !== undefined && !keptByTheirs.has(inBase);
  };
  return inserted.flatMap((added, index) => {
    const piece = ours[index];
    return piece === undefined || isDropped(index, piece) ? added : [...added, ...replace(piece)];
  });
}

function pieceKey({ raw, parts }: Piece): string {
  return parts[0] === undefined ? `other ${withoutLineEnd(raw)}` : `entry ${parts[0].id}`;
}
