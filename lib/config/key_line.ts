/**
 * Where a key stands in a TOML text: a parser's values do not say.
 *
 * @module
 */

/**
 * The line of a key, counted from 1; undefined where it is written in a way that this search does not know
 * (inline tables, dotted keys).
 *
 * @param path the names from the top, a number for a place in a list of tables: `["volumes", 1, "kind"]`.
 */
export function lineOfKey(text: string, path: readonly (string | number)[]): number | undefined {
  const table = path.slice(0, -1).join(".");
  const key = path.at(-1);
  const counts = new Map<string, number>();
  let current = "";
  let isQuoted = false;
  for (const [index, line] of text.split("\n").entries()) {
    const wasQuoted = isQuoted;
    if ((line.match(/"""|'''/g) ?? []).length % 2 === 1) isQuoted = !isQuoted;
    if (wasQuoted) continue;
    const header = /^\s*(\[\[?)\s*([^\][]+?)\s*\]\]?\s*(?:#.*)?$/.exec(line);
    if (header !== null) {
      const name = unquoted(header[2] ?? "");
      const count = counts.get(name) ?? 0;
      counts.set(name, count + 1);
      current = header[1] === "[[" ? `${name}.${count}` : name;
      // The table itself is what is looked for: `[colours]`.
      if (current === path.join(".") || name === path.join(".")) return index + 1;
      continue;
    }
    const assigned = /^\s*([A-Za-z0-9_-]+|"[^"]*"|'[^']*')\s*=/.exec(line);
    if (assigned !== null && current === table && unquoted(assigned[1] ?? "") === String(key)) {
      return index + 1;
    }
  }
  // An entry of a list: the line of the list.
  return typeof key === "number" ? lineOfKey(text, path.slice(0, -1)) : undefined;
}

function unquoted(text: string): string {
  return text.replaceAll(/["']/g, "");
}
