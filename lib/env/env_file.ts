/**
 * The format of `man8env.env`: one `KEY=value` a line, the value verbatim to the
 * end of the line. No quoting, no expansion, no evaluation. A line that begins with
 * `#` is a comment, a line of nothing but spaces and tabs is blank. The only reader besides this
 * one is man8s-init (init-templates/), which follows the same rules.
 *
 * @module
 */
import { MbctlError, usageError } from "../errors.ts";
import { checkEnvName, type EnvEntry } from "./env_entry.ts";

/**
 * Reads the text of an env file.
 *
 * @param text the whole file; a carriage return belongs to the value
 * @param file its name, for error messages
 * @returns the variables in the order of the file, a repeated name repeated
 * @throws MbctlError (usage) that names the file and the line number
 */
export function parseEnvFile(text: string, file = "man8env.env"): EnvEntry[] {
  const entries: EnvEntry[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (line.startsWith("#") || /^[ \t]*$/.test(line)) continue;
    const where = `${file}:${index + 1}`;
    const equals = line.indexOf("=");
    if (equals < 1) {
      const state = equals < 0 ? "no equals sign" : "no name before the equals sign";
      throw usageError(
        `Cannot read the line ${JSON.stringify(shorten(line))} (${where}): ${state}`,
        `edit ${where}: every line is KEY=value, or begins with #`,
      );
    }
    if (line.includes("\0")) {
      throw usageError(
        `Cannot read the variable "${line.slice(0, equals)}" (${where}): it holds a NUL`,
      );
    }
    entries.push([line.slice(0, equals), line.slice(equals + 1)]);
  }
  return entries;
}

export interface FormatEnvFileOptions {
  /** Text of a comment on top; may have several lines. */
  readonly header?: string;
}

/**
 * Writes the text of an env file. `parseEnvFile(formatEnvFile(x))` is `x`.
 *
 * @throws MbctlError (usage) when a name is not representable, or a value holds a
 * line break or a NUL; see `splitEnvironment()` for where such values go
 */
export function formatEnvFile(
  entries: readonly EnvEntry[],
  options: FormatEnvFileOptions = {},
): string {
  const lines: string[] = [];
  if (options.header !== undefined) {
    for (const line of options.header.split("\n")) lines.push(line === "" ? "#" : `# ${line}`);
  }
  for (const [name, value] of entries) {
    checkEnvName(name);
    if (/[\n\0]/.test(value)) {
      throw new MbctlError(
        "usage",
        `Cannot write the variable "${name}" to an env file: its value holds a ${value.includes("\0") ? "NUL" : "line break"}`,
      );
    }
    lines.push(`${name}=${value}`);
  }
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

/** A secret may stand in the line: error messages show its beginning only. */
function shorten(line: string): string {
  return line.length > 24 ? `${line.slice(0, 24)}…` : line;
}
