/**
 * A thin reader and renderer for unit-like files (`.nspawn`, `.service` drop-ins, `.network`). It keeps
 * order, repeated keys and sections, comments and values verbatim: what was not changed
 * is written back byte for byte. It follows config_parse() of systemd's conf-parser.c:
 * lines that begin with `#` or `;` are comments, an odd number of backslashes at a line's end joins the
 * next line with a blank between, comments amid joined lines are skipped, blanks around key and value are cut.
 *
 * @module
 */

export type UnitItem =
  | { readonly kind: "section"; readonly name: string; readonly raw: string }
  /** Value without quotes taken off: that is the key's own grammar. */
  | {
      readonly kind: "entry";
      readonly key: string;
      readonly value: string;
      readonly raw: string;
    }
  /** Blank lines, comments, and what systemd would warn of and skip. */
  | { readonly kind: "other"; readonly raw: string };

/** `[NAME]`, as a line of its own. */
export function unitSection(name: string): UnitItem {
  return { kind: "section", name, raw: `[${name}]\n` };
}

/** `KEY=value`, as a line of its own; the value must already be in the key's grammar. */
export function unitEntry(key: string, value: string): UnitItem {
  return { kind: "entry", key, value, raw: `${key}=${value}\n` };
}

/** Comment lines, one for each line of the text. */
export function unitComment(text: string): UnitItem {
  const lines = text.split("\n").map((line) => (line === "" ? "#\n" : `# ${line}\n`));
  return { kind: "other", raw: lines.join("") };
}

/** An empty line. */
export function unitBlank(): UnitItem {
  return { kind: "other", raw: "\n" };
}

/** Parses any text; `formatUnitFile()` of the result is the text again. */
export function parseUnitFile(text: string): UnitItem[] {
  const items: UnitItem[] = [];
  // systemd ends a line at LF, CR and NUL; a pair of LF and CR is one end.
  const lines = text.match(/[^\n\r\0]*(?:\r\n|\n\r|[\n\r\0])|[^\n\r\0]+$/g) ?? [];
  let pending: { raw: string; logical: string } | undefined;
  for (const raw of lines) {
    const line = raw.replace(/[\n\r\0]+$/, "");
    if (/^[ \t]*[#;]/.test(line)) {
      if (pending === undefined) items.push({ kind: "other", raw });
      else pending.raw += raw;
      continue;
    }
    const joined = {
      raw: (pending?.raw ?? "") + raw,
      logical: (pending?.logical ?? "") + line,
    };
    if (endsInOddBackslashes(joined.logical)) {
      pending = { raw: joined.raw, logical: `${joined.logical.slice(0, -1)} ` };
      continue;
    }
    pending = undefined;
    items.push(parseLogicalLine(joined.logical, joined.raw));
  }
  if (pending !== undefined) items.push(parseLogicalLine(pending.logical, pending.raw));
  return items;
}

/** Writes the items back: each as it was read. */
export function formatUnitFile(items: readonly UnitItem[]): string {
  return items
    .map((item, index) =>
      // A last line without an end needs one when something was put behind it.
      index < items.length - 1 && !/[\n\r\0]$/.test(item.raw) ? `${item.raw}\n` : item.raw,
    )
    .join("");
}

/** One key of a unit-like file with all its values, in order. */
export interface UnitEntry {
  readonly section: string;
  readonly key: string;
  readonly value: string;
}

/** All entries with their sections. Entries above the first section are left out, as systemd does. */
export function unitEntries(items: readonly UnitItem[]): UnitEntry[] {
  const entries: UnitEntry[] = [];
  let section: string | undefined;
  for (const item of items) {
    if (item.kind === "section") section = item.name;
    else if (item.kind === "entry" && section !== undefined) {
      entries.push({ section, key: item.key, value: item.value });
    }
  }
  return entries;
}

function parseLogicalLine(logical: string, raw: string): UnitItem {
  const line = trimBlanks(logical);
  if (line.startsWith("[") && line.endsWith("]"))
    return { kind: "section", name: line.slice(1, -1), raw };
  const equals = line.indexOf("=");
  if (equals < 1 || line.startsWith("[")) return { kind: "other", raw };
  return {
    kind: "entry",
    key: trimBlanks(line.slice(0, equals)),
    value: trimBlanks(line.slice(equals + 1)),
    raw,
  };
}

function endsInOddBackslashes(line: string): boolean {
  return ((/\\*$/.exec(line)?.[0].length ?? 0) & 1) === 1;
}

/** Only these are blanks to systemd; String.trim() would cut more. */
function trimBlanks(text: string): string {
  return text.replace(/^[ \t\n\r]+|[ \t\n\r]+$/g, "");
}
