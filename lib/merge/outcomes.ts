import { type Document, type Part, partsById, type Three, withoutLineEnd } from "./document.ts";

/** An entry that the administrator and mbctl changed to different things. */
export interface Conflict {
  /** `PATH` in an env file, `Exec.Boot` or `Files.Bind=/data` in a unit file. */
  readonly key: string;
  /** Its lines in each file, joined by line feeds; left out where it has none. */
  readonly base?: string;
  readonly ours?: string;
  readonly theirs?: string;
}

/** Whose entry counts in a conflict: the administrator's, or the new rendering's. */
export type Preference = "ours" | "theirs";

export interface Outcomes {
  /** Entries that the new rendering changed. */
  readonly changed: ReadonlySet<string>;
  /** Those of them that are taken from it. All other entries are the administrator's. */
  readonly taken: ReadonlySet<string>;
  readonly conflicts: readonly Conflict[];
}

/** Decides of each entry whose it is. In a conflict it is the administrator's, unless theirs is preferred. */
export function decideEntries(documents: Three<Document>, prefer?: Preference): Outcomes {
  const base = partsById(documents.base);
  const ours = partsById(documents.ours);
  const theirs = partsById(documents.theirs);
  const changed = new Set<string>();
  const taken = new Set<string>();
  const conflicts: Conflict[] = [];
  for (const id of new Set([...base.keys(), ...theirs.keys()])) {
    const [b = [], o = [], t = []] = [base.get(id), ours.get(id), theirs.get(id)];
    if (isSame(b, t)) continue;
    changed.add(id);
    if (isSame(o, t)) continue;
    if (isSame(o, b)) {
      taken.add(id);
      continue;
    }
    if (prefer === "theirs") taken.add(id);
    const key = (o[0] ?? t[0] ?? b[0])?.key ?? id;
    conflicts.push({ key, ...lines("base", b), ...lines("ours", o), ...lines("theirs", t) });
  }
  return { changed, taken, conflicts };
}

function isSame(some: readonly Part[], others: readonly Part[]): boolean {
  return some.length === others.length && some.every(({ value }, n) => value === others[n]?.value);
}

function lines(side: keyof Three<unknown>, parts: readonly Part[]): Partial<Conflict> {
  if (parts.length === 0) return {};
  return { [side]: parts.map(({ raw }) => withoutLineEnd(raw)).join("\n") };
}
