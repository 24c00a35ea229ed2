/**
 * `--env` and `--env-file`, as podman reads them.
 *
 * @module
 */

import { resolve } from "node:path";
import type { VerbContext } from "../lib/cli/context.ts";
import { type EnvEntry, parseEnvArgument } from "../lib/env/env_entry.ts";
import { parseEnvFile } from "../lib/env/env_file.ts";
import { usageError } from "../lib/errors.ts";
import { readTextIfPresent } from "../lib/host/files.ts";

/**
 * The variables of a command line, those of the file first. `KEY` alone is the caller's own, and left
 * out where the caller has none.
 *
 * @throws {MbctlError} (usage)
 */
export function givenVariables(
  { environment, workingDirectory }: VerbContext,
  texts: readonly string[],
  file: string | undefined,
): EnvEntry[] {
  const named = texts.flatMap((text) => {
    if (text.includes("=")) return [parseEnvArgument(text)];
    const own = environment[text];
    return own === undefined ? [] : [parseEnvArgument(`${text}=${own}`)];
  });
  return [...(file === undefined ? [] : readFile(resolve(workingDirectory, file))), ...named];
}

function readFile(path: string): EnvEntry[] {
  const text = readTextIfPresent(path);
  if (text !== undefined) return parseEnvFile(text, path);
  throw usageError(`Cannot read the variables of "${path}": there is no such file`);
}
