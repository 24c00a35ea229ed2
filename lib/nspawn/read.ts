/**
 * Reads a `.nspawn` file back into values, as systemd does: for `machines show`, and to prove the renderer.
 *
 * @module
 */
import { nspawnKey } from "./keys.ts";
import { splitBindFields, splitNspawnWords } from "./quote.ts";
import { parseUnitFile, unitEntries } from "./unit_file.ts";

/** One key of the file with the values that systemd makes of it. */
export interface NspawnValue {
  readonly section: string;
  readonly key: string;
  /**
   * Words for `Environment=` and `Parameters=`, one list of fields for each line of
   * `Bind=` (joined as they came), one text for everything else.
   */
  readonly values: readonly (readonly string[])[];
}

/** Values by `Section.Key`, in the order of first appearance. */
export type NspawnValues = ReadonlyMap<string, NspawnValue>;

/**
 * Parses the text. Each line of a repeatable key adds to `values`; of any other key the last
 * line counts. An empty assignment of a word list clears what came before.
 *
 * @throws MbctlError (usage) when a quote is not closed
 */
export function readNspawn(text: string): NspawnValues {
  const found = new Map<string, NspawnValue>();
  for (const { section, key, value } of unitEntries(parseUnitFile(text))) {
    const id = `${section}.${key}`;
    const row = nspawnKey(section, key);
    const parsed =
      row?.kind === "words"
        ? splitNspawnWords(value)
        : row?.kind === "fields"
          ? splitBindFields(value)
          : [value];
    const earlier = row?.isRepeatable === true && value !== "" ? (found.get(id)?.values ?? []) : [];
    found.set(id, {
      section,
      key,
      values: value === "" && row?.isRepeatable ? [] : [...earlier, parsed],
    });
  }
  return found;
}

/** The one text of a key (`Exec.KillSignal`), or undefined when it is not set. */
export function nspawnText(values: NspawnValues, id: string): string | undefined {
  return values.get(id)?.values.at(-1)?.[0];
}

/** All words of a word list (`Exec.Parameters`, `Exec.Environment`). */
export function nspawnWords(values: NspawnValues, id: string): string[] {
  return values.get(id)?.values.flat() ?? [];
}
