/**
 * Sums the reports of a test run into one plain last line, `N passed, N failed`.
 *
 *     bun test/summary.ts FOLDER PART[=REPORT]…
 *
 * For each part the folder holds `PART.status`, the exit code of its command, and, where its tests
 * came to their end, `REPORT.xml`, bun's JUnit report, or a folder `REPORT` with one for each file.
 * A part whose command failed although no test of its did (a crash, a linter, a file that cannot be
 * loaded) counts as one failure, and so does a part that never came to its end. The tests that
 * failed come before the sums, as who has the end of a log alone must know them. The last line goes
 * to `summary` in the folder as well.
 *
 * @module
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Counts of test cases. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const nothing: Counts = { passed: 0, failed: 0, skipped: 0 };

/**
 * Reads the counts of a JUnit report as bun 1.4 writes it: on its root element.
 *
 * @returns undefined for what is no whole report.
 */
export function parseReport(xml: string): Counts | undefined {
  const root = /<testsuites\b[^>]*>/.exec(xml)?.[0];
  if (root === undefined || !xml.trimEnd().endsWith("</testsuites>")) return undefined;
  const count = (name: string) =>
    Number(new RegExp(` ${name}="(\\d+)"`).exec(root)?.[1] ?? Number.NaN);
  const [tests, failed, skipped] = [count("tests"), count("failures"), count("skipped")];
  const passed = tests - failed - skipped;
  return passed >= 0 ? { passed, failed, skipped } : undefined;
}

/** A test that failed, and how. */
export interface Failure {
  /** The names of its `describe`s and its own: `lists > is empty`. */
  readonly name: string;
  /** `FILE:LINE` */
  readonly place: string;
  /** What bun says of it; may have several lines. */
  readonly message: string;
}

const entities: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

/** The value of an attribute in a start tag, as bun writes both; empty where there is none. */
function readAttribute(tag: string, name: string): string {
  const escaped = new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1] ?? "";
  return escaped.replace(/&(?:#(\d+)|(\w+));/g, (whole, code?: string, word = "") =>
    code === undefined ? (entities[word] ?? whole) : String.fromCodePoint(Number(code)),
  );
}

/** The tests that failed, of a JUnit report as bun 1.4 writes it; also of one that is cut off. */
export function listFailures(xml: string): Failure[] {
  return [...xml.matchAll(/(<testcase\b[^>]*>)\s*(<failure\b[^>]*>)/g)].map(
    ([, testCase = "", failure = ""]) => ({
      name: [readAttribute(testCase, "classname"), readAttribute(testCase, "name")]
        .filter((part) => part !== "")
        .join(" > "),
      place: `${readAttribute(testCase, "file")}:${readAttribute(testCase, "line")}`,
      message: readAttribute(failure, "message").trimEnd(),
    }),
  );
}

/** Lines that a failure's message may take: an end of a log that is shown must hold them all. */
const messageLines = 12;

/** Names a failure, with the first lines of its message. */
export function formatFailure({ name, place, message }: Failure): string {
  const lines = message.split("\n");
  const shown = lines.slice(0, messageLines);
  const left = lines.length - shown.length;
  const more = left > 0 ? [`… ${left} more lines`] : [];
  return [`failed: ${name} (${place})`, ...[...shown, ...more].map((line) => `    ${line}`)].join(
    "\n",
  );
}

/**
 * The counts of one part.
 *
 * @param status the content of its status file; undefined where there is none.
 * @param xmls its reports; none where it has no tests of its own.
 */
export function countPart(status: string | undefined, xmls: readonly string[]): Counts {
  const reports = xmls.map(parseReport);
  const counts = sumCounts(reports.map((report) => report ?? nothing));
  const isSound = status?.trim() === "0" && !reports.includes(undefined);
  return isSound || counts.failed > 0 ? counts : { ...counts, failed: 1 };
}

/** Adds counts up. */
export function sumCounts(all: readonly Counts[]): Counts {
  return all.reduce(
    (sum, { passed, failed, skipped }) => ({
      passed: sum.passed + passed,
      failed: sum.failed + failed,
      skipped: sum.skipped + skipped,
    }),
    nothing,
  );
}

/** `12 passed, 0 failed`, and `, 3 skipped` where there are any. */
export function formatCounts({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

/** The reports of a part: one file, or all of a folder. */
function readReports(path: string): string[] {
  const names = existsSync(path) ? readdirSync(path).filter((name) => name.endsWith(".xml")) : [];
  const files = [`${path}.xml`, ...names.map((name) => join(path, name))];
  return files.filter((file) => existsSync(file)).map((file) => readFileSync(file, "utf8"));
}

function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

if (import.meta.main) {
  const [folder = ".", ...words] = process.argv.slice(2);
  const parts = words.map((word) => {
    const [part = "", report = part] = word.split("=");
    const status = readIfThere(join(folder, `${part}.status`));
    const reports = readReports(join(folder, report));
    return { part, counts: countPart(status, reports), failures: reports.flatMap(listFailures) };
  });
  for (const failure of parts.flatMap(({ failures }) => failures)) {
    console.log(formatFailure(failure));
  }
  for (const { part, counts } of parts) console.log(`${part}: ${formatCounts(counts)}`);
  // No part at all is no success.
  const total =
    parts.length === 0 ? { ...nothing, failed: 1 } : sumCounts(parts.map(({ counts }) => counts));
  const line = formatCounts(total);
  writeFileSync(join(folder, "summary"), `${line}\n`);
  console.log(line);
  process.exitCode = total.failed > 0 ? 1 : 0;
}
