/**
 * Differences of a machine's files, for people. What may be a secret is hidden, and that it changed is seen.
 *
 * @module
 */

import { FILE_HEADERS_ONLY, formatPatch, structuredPatch } from "diff";
import type { Conflict } from "./outcomes.ts";

/**
 * Turns a line, without its end, into what may be shown of it.
 *
 * @param above what it goes on with: the lines above, as far as each ends in a backslash; "" for none.
 */
export type LineHider = (line: string, above?: string) => string;

/**
 * A unified diff (POSIX diff, "Diff -u Output Format") with three lines of context.
 *
 * @param before undefined for a file that there was not.
 * @param after undefined for a file that will not be.
 * @param name of the file, for the heading.
 * @param hide changes what is shown of each line; lines that differ are shown as such all the same.
 * @returns "" where there is no difference.
 */
export function formatDiff(
  before: string | undefined,
  after: string | undefined,
  name: string,
  hide: LineHider = (line) => line,
): string {
  if (before === after) return "";
  const separator = name.startsWith("/") ? "" : "/";
  const patch = structuredPatch(
    before === undefined ? "/dev/null" : `a${separator}${name}`,
    after === undefined ? "/dev/null" : `b${separator}${name}`,
    before ?? "",
    after ?? "",
    undefined,
    undefined,
    { context: 3 },
  );
  const [old, now] = [showLines(before ?? "", hide), showLines(after ?? "", hide)];
  const hunks = patch.hunks.map((hunk) => {
    // Where a side has no line, its start is the line before.
    let oldLine = hunk.oldStart - (hunk.oldLines === 0 ? 0 : 1);
    let newLine = hunk.newStart - (hunk.newLines === 0 ? 0 : 1);
    const lines = hunk.lines.map((line) => {
      const mark = line.slice(0, 1);
      if (mark === "\\") return line;
      const shown = mark === "+" ? now[newLine] : old[oldLine];
      if (mark !== "-") newLine++;
      if (mark !== "+") oldLine++;
      return `${mark}${shown ?? ""}`;
    });
    return { ...hunk, lines };
  });
  return formatPatch({ ...patch, hunks }, FILE_HEADERS_ONLY);
}

/** Each line of a text as it may be shown. */
function showLines(text: string, hide: LineHider): string[] {
  let above = "";
  return text.split("\n").map((line) => {
    const shown = hide(line, above);
    const goesOn = ((/\\*\r?$/.exec(line)?.[0] ?? "").replace("\r", "").length & 1) === 1;
    above = goesOn ? `${above}${line}\n` : "";
    return shown;
  });
}

/** As {@linkcode formatDiff}, for man8env.env: no value is shown but those of mbctl's own that are no secrets. */
export function formatEnvDiff(
  before: string | undefined,
  after: string | undefined,
  name: string,
): string {
  return formatDiff(before, after, name, hideEnvLine);
}

/** As {@linkcode formatDiff}, for container.nspawn and drop-ins: values of `Environment=` are not shown. */
export function formatUnitDiff(
  before: string | undefined,
  after: string | undefined,
  name: string,
): string {
  return formatDiff(before, after, name, hideUnitLine);
}

/** A conflict with its sides, for the message of an error; one line each for a side. */
export function formatConflict(conflict: Conflict, hide: LineHider): string {
  const side = (name: string, lines: string | undefined) => {
    const shown = lines === undefined ? ["(not there)"] : showLines(lines, hide);
    return `  ${name.padEnd(9)} ${shown.join(`\n${" ".repeat(12)}`)}\n`;
  };
  return [
    `${conflict.key}\n`,
    side("rendered", conflict.base),
    side("yours", conflict.ours),
    side("new", conflict.theirs),
  ].join("");
}

const HIDDEN = "(hidden)";

/** Variables of mbctl's own that say nothing secret. The arguments of the program may. */
const harmless =
  /^MAN8S_(CONTAINER_NAME|CONTAINER_TEMPLATE|NETWORK_INTERFACE|YGGDRASIL_ADDRESS|ULA_ADDRESS|IPV4_ADDRESS|IPV4_GATEWAY|OCI_IMAGE_URL|APPLICATION_USER|DHCP_WAIT)$/;

/** `KEY=(hidden)`; comments and lines of an unknown kind may hold what was a value once. */
export const hideEnvLine: LineHider = (line) => {
  if (/^[ \t\r]*$/.test(line)) return line;
  if (line.startsWith("#")) return `# ${HIDDEN}`;
  const equals = line.indexOf("=");
  if (equals < 1) return HIDDEN;
  const name = line.slice(0, equals);
  return harmless.test(name) ? line : `${name}=${HIDDEN}`;
};

/** A line of a unit that sets what may be secret, also in a comment. */
const secretEntry =
  /^([ \t]*[#;]?[ \t]*(?:Environment|SetCredential(?:Encrypted)?)[ \t]*=[ \t]*)(["']?)([^=:\s"']*)/;

/** `Environment=KEY=(hidden)` but for what says nothing secret. All other lines as they are. */
export const hideUnitLine: LineHider = (line, above = "") => {
  if (secretEntry.test(above)) return HIDDEN;
  const [, start, quote = "", name] = secretEntry.exec(line) ?? [];
  if (start === undefined) return line;
  const isShown =
    /^(PATH|TERM|HOME|LANG)$/.test(name ?? "") && !/\s\S/.test(line.slice(start.length));
  return isShown ? line : `${start}${quote}${name}=${HIDDEN}${quote}`;
};
