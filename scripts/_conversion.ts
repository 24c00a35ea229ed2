/**
 * What the verbs that convert other programs' words have in common: what they may read, and how they answer.
 *
 * @module
 */

import { statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { VerbContext } from "../lib/cli/context.ts";
import type { FlagSpecs } from "../lib/cli/verb.ts";
import { MbctlError, usageError } from "../lib/errors.ts";
import {
  makeDirectory,
  nameExists,
  readTextIfPresent,
  writeFileDurably,
} from "../lib/host/files.ts";
import {
  type Conversion,
  describeRemark,
  type MachineText,
  renderConversion,
} from "../lib/podman/conversion.ts";
import type { ConvertTools } from "../lib/podman/run_option.ts";

export const conversionFlags = {
  output: {
    type: "string",
    short: "o",
    value: "DIR",
    kind: "directory",
    help: "write DIR/NAME.toml for each machine, instead of the answer",
  },
  force: { type: "boolean", help: "write over files that are there" },
  strict: { type: "boolean", help: "exit with 1 when something has no equivalent" },
} as const satisfies FlagSpecs;

/** What converters may look at: files and folders of this host. */
export function convertTools(directory: string): ConvertTools {
  return { directory, readText: readGivenText, kindOf };
}

/**
 * The text of a file that was named.
 *
 * @throws {MbctlError} (usage) when there is none.
 */
export function readGivenText(path: string): string {
  const isFolder = kindOf(path) === "folder";
  const text = isFolder ? undefined : readTextIfPresent(path);
  if (text !== undefined) return text;
  throw usageError(
    `Cannot read ${JSON.stringify(path)}: ${isFolder ? "it is a folder" : "there is no such file"}`,
  );
}

function kindOf(path: string): "folder" | "other" | undefined {
  // Links are followed, as podman does; mbctl looks again when it binds the folder.
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? undefined : stat.isDirectory() ? "folder" : "other";
}

/**
 * Answers with the texts, or writes them, and says what is lost.
 *
 * @returns the exit code.
 * @throws {MbctlError} (conflict) for a file that is there already.
 */
export function answerConversion(
  context: VerbContext,
  conversion: Conversion,
  {
    output,
    force,
    strict,
  }: { readonly output: string | undefined; readonly force: boolean; readonly strict: boolean },
): number | undefined {
  const { out, log, json, workingDirectory } = context;
  const machines = renderConversion(conversion);
  const written =
    output === undefined ? [] : writeTexts(resolve(workingDirectory, output), machines, force);
  const remarks = (kind: "unsupported" | "note") =>
    conversion.remarks.filter((remark) => remark.kind === kind);
  const lost = remarks("unsupported");
  if (!json) {
    for (const remark of remarks("note")) log.info(`note: ${describeRemark(remark)}`);
    for (const remark of lost) log.warn(`no equivalent: ${describeRemark(remark)}`);
  }
  const listed = (kind: "unsupported" | "note") =>
    remarks(kind).map(({ machine, option, reason }) => ({
      machine: machine ?? null,
      option,
      reason,
    }));
  out.answer({ machines, unsupported: listed("unsupported"), notes: listed("note") }, () =>
    output === undefined ? joinTexts(machines) : written.map((path) => `${path}\n`).join(""),
  );
  return strict && lost.length > 0 ? 1 : undefined;
}

/** @returns the files' paths. */
function writeTexts(folder: string, machines: readonly MachineText[], force: boolean): string[] {
  const files = machines.map(({ name, toml }) => ({ path: join(folder, `${name}.toml`), toml }));
  const there = files.filter(({ path }) => nameExists(path));
  if (there.length > 0 && !force) {
    throw new MbctlError(
      "conflict",
      `Cannot write ${there.map(({ path }) => path).join(" and ")}: there is such a file`,
      { hint: "give --force to write over it, or another --output" },
    );
  }
  makeDirectory(folder, 0o755);
  // Passwords may stand under [env].
  for (const { path, toml } of files) writeFileDurably(path, toml, 0o600);
  return files.map(({ path }) => path);
}

/** One text as it is; several, which are no one TOML file, with their names. */
function joinTexts(machines: readonly MachineText[]): string {
  const [only] = machines;
  if (machines.length === 1 && only !== undefined) return only.toml;
  return machines.map(({ name, toml }) => `# ${name}.toml\n${toml}`).join("\n");
}
