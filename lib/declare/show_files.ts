/**
 * What changes in a machine's files, for people. Values of variables are hidden. Pure.
 *
 * @module
 */

import type { EditedFiles } from "../change/present_machine.ts";
import { parseTomlIfWhole } from "../config/toml.ts";
import type { MachinePaths } from "../paths.ts";
import { formatDiff, formatEnvDiff, formatUnitDiff, type LineHider } from "../merge/file_diff.ts";

/** All texts of a machine; latin1, but for machine.toml. */
export interface ShownFiles extends EditedFiles {
  readonly machineToml: string;
}

/** A file that differs. */
export interface FileDiff {
  readonly path: string;
  readonly diff: string;
}

/** Unified diffs of the files that differ; of a machine that is to be made `before` is undefined. */
export function diffFiles(
  paths: MachinePaths,
  before: ShownFiles | undefined,
  after: ShownFiles,
): FileDiff[] {
  // The bytes that the texts stand for; what is no UTF-8 shows as a replacement character.
  const decode = (text: string) => Buffer.from(text, "latin1").toString("utf8");
  const hide = hideTomlEnv(before?.machineToml ?? "", after.machineToml);
  return [
    {
      path: paths.machineToml,
      diff: formatDiff(before?.machineToml, after.machineToml, paths.machineToml, hide),
    },
    {
      path: paths.nspawn,
      diff: decode(formatUnitDiff(before?.nspawn, after.nspawn, paths.nspawn)),
    },
    {
      path: paths.envFile,
      diff: decode(formatEnvDiff(before?.envFile, after.envFile, paths.envFile)),
    },
    {
      path: paths.unitDropIn,
      diff: decode(formatUnitDiff(before?.unitDropIn, after.unitDropIn, paths.unitDropIn)),
    },
  ].filter(({ diff }) => diff !== "");
}

/** `KEY = (hidden)` for the lines with values of variables. */
function hideTomlEnv(...texts: readonly string[]): LineHider {
  const secret = new Set(texts.flatMap(linesOfEnv));
  return (line) => {
    if (!secret.has(line)) return line;
    const [key] = /^\s*[^=#]*=/.exec(line) ?? [];
    return `${key ?? ""} (hidden)`.trimStart();
  };
}

/** The lines of a machine.toml that have values of variables, or parts of them. */
function linesOfEnv(text: string): string[] {
  const lines = text.split("\n");
  const usual = new Set(usualLinesOfEnv(lines));
  // TOML has many ways to write the same: what the parser finds and the lines above do not have is looked for.
  const pieces = valuesOfEnv(text).flatMap((value) => value.split("\n").map((it) => it.trim()));
  const elsewhere = pieces.filter(
    (piece) => piece !== "" && ![...usual].some((line) => hasPiece(line, piece)),
  );
  // One that is written by escapes is in no line: better no line than that one.
  if (elsewhere.some((piece) => !lines.some((line) => hasPiece(line, piece)))) return lines;
  return lines.filter(
    (line) => usual.has(line) || elsewhere.some((piece) => hasPiece(line, piece)),
  );
}

function hasPiece(line: string, piece: string): boolean {
  return line.includes(piece) || line.includes(JSON.stringify(piece).slice(1, -1));
}

/** Below `[env]` and `[apps.env]`, and of inline tables `env = {…}` and `env.KEY`, as people and mbctl write them. */
function usualLinesOfEnv(lines: readonly string[]): string[] {
  let isEnv = false;
  return lines.filter((line) => {
    const table = /^\s*\[\[?\s*["']?([A-Za-z0-9_.-]+)["']?\s*\]\]?/.exec(line)?.[1];
    if (table !== undefined) {
      isEnv = table.split(".").includes("env");
      return false;
    }
    return (isEnv && line.trim() !== "") || /(^|[{,])\s*["']?env["']?\s*[.=]/.test(line);
  });
}

/** All values below keys `env`, however they are written; none of a text that is no TOML. */
function valuesOfEnv(text: string): string[] {
  const values: string[] = [];
  const collect = (value: unknown, isEnv: boolean) => {
    if (typeof value !== "object" || value === null) {
      if (isEnv) values.push(String(value));
    } else {
      for (const [key, inner] of Object.entries(value)) collect(inner, isEnv || key === "env");
    }
  };
  collect(parseTomlIfWhole(text), false);
  return values;
}
