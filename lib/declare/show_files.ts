/**
 * What changes in a machine's files, for people. Values of variables are hidden. Pure.
 *
 * @module
 */

import type { EditedFiles } from "../change/present_machine.ts";
import type { MachinePaths } from "../machine/paths.ts";
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

/** `KEY = (hidden)` for the lines of `[env]` and `[apps.env]`, and for those of inline tables `env = {…}` and `env.KEY`. */
function hideTomlEnv(...texts: readonly string[]): LineHider {
  const secret = new Set(texts.flatMap(linesOfEnv));
  return (line) => {
    if (!secret.has(line)) return line;
    const [key] = /^\s*[^=#]*=/.exec(line) ?? [];
    return `${key ?? ""} (hidden)`.trimStart();
  };
}

function linesOfEnv(text: string): string[] {
  let isEnv = false;
  return text.split("\n").filter((line) => {
    const table = /^\s*\[\[?\s*["']?([A-Za-z0-9_.-]+)["']?\s*\]\]?/.exec(line)?.[1];
    if (table !== undefined) {
      isEnv = table.split(".").includes("env");
      return false;
    }
    return (isEnv && line.trim() !== "") || /(^|[{,])\s*["']?env["']?\s*[.=]/.test(line);
  });
}
