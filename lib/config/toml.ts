/**
 * TOML as people write it: read, with errors that say where.
 *
 * @module
 */

import { parse, TomlError } from "smol-toml";
import { MbctlError } from "../errors.ts";

/**
 * Reads TOML.
 *
 * @throws {MbctlError} (usage) with file, line and column.
 */
export function parseToml(text: string, file: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [reason] = error.message.split("\n");
    throw invalidToml(file, `line ${error.line}, column ${error.column}: ${reason}`);
  }
}

/** The same of a text that may not be TOML, or not yet; undefined then. */
export function parseTomlIfWhole(text: string): Record<string, unknown> | undefined {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    return undefined;
  }
}

/** The error for a file that cannot be read. */
export function invalidToml(file: string, state: string): MbctlError {
  return new MbctlError("usage", `Cannot read ${JSON.stringify(file)}: ${state}`, {
    hint: "mend the file; the README and docs/machines.md have its format",
  });
}
