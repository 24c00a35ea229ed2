/**
 * Variables in compose files (compose-spec, 12-interpolation.md): `$NAME`, `${NAME}`, `${NAME:-default}`,
 * `${NAME-default}`, `${NAME:?error}`, `${NAME?error}`, `${NAME:+other}`, `${NAME+other}`; `$$` is a dollar.
 *
 * @module
 */

import { usageError } from "../errors.ts";

export interface Interpolation {
  readonly text: string;
  /** Names that had no value and no default: they became nothing. */
  readonly missing: readonly string[];
}

/**
 * Puts values in.
 *
 * @throws {MbctlError} (usage) for a variable that is demanded and missing, or a form that there is not.
 */
export function interpolate(text: string, variables: ReadonlyMap<string, string>): Interpolation {
  const missing: string[] = [];
  let result = "";
  let at = 0;
  while (at < text.length) {
    const dollar = text.indexOf("$", at);
    if (dollar < 0) break;
    result += text.slice(at, dollar);
    const rest = text.slice(dollar + 1);
    const [plain] = /^[A-Za-z_][A-Za-z0-9_]*/.exec(rest) ?? [];
    if (rest.startsWith("$")) {
      result += "$";
      at = dollar + 2;
    } else if (plain !== undefined) {
      result += variables.get(plain) ?? missed(missing, plain);
      at = dollar + 1 + plain.length;
    } else if (rest.startsWith("{")) {
      const length = closingBrace(rest);
      if (length < 0) throw noForm("a brace is not closed");
      const inner = expand(rest.slice(1, length), variables);
      result += inner.text;
      missing.push(...inner.missing);
      at = dollar + 2 + length;
    } else {
      throw noForm("a dollar stands alone");
    }
  }
  return { text: result + text.slice(at), missing };
}

/** What stands between the braces. */
function expand(inner: string, variables: ReadonlyMap<string, string>): Interpolation {
  const [, name, operator = "", word = ""] =
    /^([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-?+])(.*))?$/s.exec(inner) ?? [];
  if (name === undefined) throw noForm(`\${${inner}} is no variable`);
  const value = variables.get(name);
  const isThere = operator.startsWith(":")
    ? value !== undefined && value !== ""
    : value !== undefined;
  switch (operator.at(-1)) {
    case "-":
      return isThere ? { text: value ?? "", missing: [] } : interpolate(word, variables);
    case "+":
      return isThere ? interpolate(word, variables) : { text: "", missing: [] };
    case "?":
      if (isThere) return { text: value ?? "", missing: [] };
      throw usageError(
        `Cannot put variables in: ${name} is demanded${word === "" ? "" : ` (${word})`}`,
        `write ${name}=VALUE into a file, and give it: --env-file FILE`,
      );
    default:
      return value === undefined ? { text: "", missing: [name] } : { text: value, missing: [] };
  }
}

/** Where the brace that opens a text is closed; -1 where it is not. */
function closingBrace(text: string): number {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "{") depth++;
    else if (text[at] === "}" && --depth === 0) return at;
  }
  return -1;
}

function missed(missing: string[], name: string): string {
  missing.push(name);
  return "";
}

/** The text is not in it: it may be a password. */
function noForm(state: string) {
  return usageError(`Cannot put variables in: ${state}`, "write $$ for a dollar");
}
