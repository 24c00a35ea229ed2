/**
 * Three-way merges of a machine's files. What changed from mbctl's last rendering (base) to its new
 * one (theirs) is applied to the administrator's file (ours): entry by entry, so that
 * neighbours never conflict. Comments, order, blank and unknown lines of ours stay.
 *
 * Texts are never encoded anew: read the files as latin1 where they may be no UTF-8.
 *
 * @module
 */

import type { Document, Three } from "./document.ts";
import { readEnvDocument } from "./env_document.ts";
import { mergeDocuments } from "./merge_documents.ts";
import { numberLists } from "./number_lists.ts";
import { type Conflict, decideEntries, type Preference } from "./outcomes.ts";
import { readUnitDocument } from "./unit_document.ts";

export type { Conflict, Preference } from "./outcomes.ts";

export interface Merged {
  /** The merged file. Without a preference it has the administrator's side of each conflict. */
  readonly text: string;
  /** All of them, also those that the preference decided. Values may be secret. */
  readonly conflicts: readonly Conflict[];
}

/** Merges man8env.env; an entry is a variable, by its name. */
export function mergeEnvFile(
  base: string,
  ours: string,
  theirs: string,
  prefer?: Preference,
): Merged {
  return merge(
    { base, ours, theirs },
    prefer,
    (text) => /\n$/.test(text),
    "\n",
    () => ({
      base: readEnvDocument(base),
      ours: readEnvDocument(ours),
      theirs: readEnvDocument(theirs),
    }),
  );
}

/**
 * Merges container.nspawn or a drop-in of a unit. An entry is a key of a section; of repeatable keys each
 * variable of `Environment=`, each path in the machine of `Bind=` and its kin, each value of the
 * others. `Exec…=` lines and interfaces are lists: a line that both changed is a conflict.
 */
export function mergeUnitFile(
  base: string,
  ours: string,
  theirs: string,
  prefer?: Preference,
): Merged {
  const lineEnd = ours.includes("\r\n") ? "\r\n" : "\n";
  return merge(
    { base, ours, theirs },
    prefer,
    (text) => /[\n\r\0]$/.test(text),
    lineEnd,
    () =>
      numberLists({
        base: readUnitDocument(base),
        ours: readUnitDocument(ours),
        theirs: readUnitDocument(theirs.replaceAll(/\r?\n/g, lineEnd)),
      }),
  );
}

function merge(
  { base, ours, theirs }: Three<string>,
  prefer: Preference | undefined,
  isEnded: (text: string) => boolean,
  lineEnd: string,
  read: () => Three<Document>,
): Merged {
  // Not for speed alone: here the order of entries is the new rendering's too.
  if (ours === base) return { text: theirs, conflicts: [] };
  if (theirs === base || theirs === ours) return { text: ours, conflicts: [] };
  const documents = read();
  const outcomes = decideEntries(documents, prefer);
  const raws = mergeDocuments(documents, outcomes);
  // A last line without an end needs one when something was put behind it.
  const text = raws
    .map((raw, index) => (index < raws.length - 1 && !isEnded(raw) ? raw + lineEnd : raw))
    .join("");
  return { text, conflicts: outcomes.conflicts };
}
