import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  countPart,
  formatCounts,
  formatFailure,
  listFailures,
  parseReport,
  sumCounts,
} from "./summary.ts";

/** A report as bun 1.4.5 writes it, all but the root left out. */
const report = (tests: number, failures: number, skipped: number) =>
  `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="${tests}" assertions="9" failures="${failures}" skipped="${skipped}" time="0.03">
  <testsuite name="x &lt;testsuites tests=&quot;99&quot;&gt;" tests="1" failures="7" skipped="0">
  </testsuite>
</testsuites>
`;

const folder = mkdtempSync(join(tmpdir(), "mbctl-summary-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("parseReport()", () => {
  test.each([
    [report(6, 0, 0), { passed: 6, failed: 0, skipped: 0 }],
    [report(6, 3, 2), { passed: 1, failed: 3, skipped: 2 }],
    [report(0, 0, 0), { passed: 0, failed: 0, skipped: 0 }],
    ["", undefined],
    [report(6, 0, 0).slice(0, -20), undefined],
    ['<testsuites tests="x"></testsuites>', undefined],
  ])("%j gives %j", (xml, counts) => expect(parseReport(xml)).toEqual(counts));
});

describe("countPart()", () => {
  const fine = report(6, 0, 1);
  test.each([
    ["0\n", fine, { passed: 5, failed: 0, skipped: 1 }],
    ["0\n", undefined, { passed: 0, failed: 0, skipped: 0 }], // a part without tests of its own
    ["1\n", report(6, 2, 0), { passed: 4, failed: 2, skipped: 0 }],
    ["1\n", fine, { passed: 5, failed: 1, skipped: 1 }], // a file could not be loaded, a linter complained
    ["139\n", undefined, { passed: 0, failed: 1, skipped: 0 }], // a crash
    ["0\n", fine.slice(0, -20), { passed: 0, failed: 1, skipped: 0 }],
    [undefined, fine, { passed: 5, failed: 1, skipped: 1 }], // never came to its end
    [undefined, undefined, { passed: 0, failed: 1, skipped: 0 }],
  ])("exit code %j and report %j give %j", (status, xml, counts) =>
    expect(countPart(status, xml === undefined ? [] : [xml])).toEqual(counts),
  );
});

test("listFailures() finds what bun's own report has, also in one that is cut off", () => {
  const source = join(folder, "failing_test.ts");
  writeFileSync(
    source,
    `import { describe, expect, test } from "bun:test";
describe("a < b", () => {
  test('it is "so" & fine', () => {});
  test('it is "not" & fine', () => expect("one\\ntwo").toBe("one"));
});
test("throws", () => { throw new Error(); });
`,
  );
  const outfile = join(folder, "failing/report.xml");
  mkdirSync(join(folder, "failing"));
  Bun.spawnSync(
    [process.execPath, "test", "--reporter=junit", `--reporter-outfile=${outfile}`, source],
    { stdout: "ignore", stderr: "ignore" },
  );
  const xml = readFileSync(outfile, "utf8");
  const failures = listFailures(xml);
  expect(failures.map(({ name }) => name)).toEqual(['a < b > it is "not" & fine', "throws"]);
  expect(failures[0]?.place).toEndWith("failing_test.ts:4");
  expect(failures[0]?.message).toContain('- "one"\n+ "one\n+ two"');
  expect(listFailures(xml.slice(0, xml.indexOf("throws")))).toEqual(failures.slice(0, 1));
  expect(listFailures(report(6, 2, 0))).toEqual([]);
});

test("formatFailure() shows the first lines of a long message", () => {
  const message = Array.from({ length: 20 }, (_, index) => `line ${index + 1}`).join("\n");
  const lines = formatFailure({ name: "a > b", place: "a_test.ts:3", message }).split("\n");
  expect(lines[0]).toBe("failed: a > b (a_test.ts:3)");
  expect(lines.slice(1, 3)).toEqual(["    line 1", "    line 2"]);
  expect(lines.at(-1)).toBe("    … 8 more lines");
  expect(lines).toHaveLength(14);
});

test("formatCounts() speaks of skipped tests only where there are some", () => {
  const sum = sumCounts([
    { passed: 3, failed: 0, skipped: 0 },
    { passed: 4, failed: 1, skipped: 0 },
  ]);
  expect(formatCounts(sum)).toBe("7 passed, 1 failed");
  expect(formatCounts({ ...sum, skipped: 2 })).toBe("7 passed, 1 failed, 2 skipped");
});

describe("as a program", () => {
  const summarize = (...words: string[]) => {
    const child = Bun.spawnSync([
      process.execPath,
      join(import.meta.dir, "summary.ts"),
      folder,
      ...words,
    ]);
    return { exitCode: child.exitCode, stdout: child.stdout.toString() };
  };

  test("it ends with the sum, in the file as well, and fails with what failed", () => {
    writeFileSync(join(folder, "one.status"), "0\n");
    writeFileSync(join(folder, "one.xml"), report(2, 0, 0));
    writeFileSync(join(folder, "two.status"), "0\n");
    writeFileSync(join(folder, "other.xml"), report(3, 0, 1));
    expect(summarize("one", "two=other")).toEqual({
      exitCode: 0,
      stdout:
        "one: 2 passed, 0 failed\ntwo: 2 passed, 0 failed, 1 skipped\n4 passed, 0 failed, 1 skipped\n",
    });
    expect(readFileSync(join(folder, "summary"), "utf8")).toBe("4 passed, 0 failed, 1 skipped\n");
    expect(summarize("one", "three")).toEqual({
      exitCode: 1,
      stdout: "one: 2 passed, 0 failed\nthree: 0 passed, 1 failed\n2 passed, 1 failed\n",
    });
  });

  test("a part may have a folder of reports; one that is not whole counts as a failure", () => {
    mkdirSync(join(folder, "files"));
    writeFileSync(join(folder, "four.status"), "0\n");
    writeFileSync(join(folder, "files/a.xml"), report(2, 0, 0));
    writeFileSync(join(folder, "files/b.xml"), report(3, 0, 0));
    writeFileSync(join(folder, "files/b.log"), "no report");
    expect(summarize("four=files").stdout).toBe("four: 5 passed, 0 failed\n5 passed, 0 failed\n");
    writeFileSync(join(folder, "files/c.xml"), report(3, 0, 0).slice(0, -20));
    expect(summarize("four=files").stdout).toBe("four: 5 passed, 1 failed\n5 passed, 1 failed\n");
  });

  test("the tests that failed come before the sums", () => {
    writeFileSync(join(folder, "five.status"), "1\n");
    writeFileSync(
      join(folder, "five.xml"),
      '<testsuites name="bun test" tests="2" failures="1" skipped="0"><testcase name="b" classname="a" file="a_test.ts" line="3">\n<failure type="Error" message="no"></failure></testcase></testsuites>',
    );
    expect(summarize("five")).toEqual({
      exitCode: 1,
      stdout: "failed: a > b (a_test.ts:3)\n    no\nfive: 1 passed, 1 failed\n1 passed, 1 failed\n",
    });
  });

  test("it fails where it was given nothing to sum", () => {
    expect(summarize()).toEqual({
      exitCode: 1,
      stdout: "0 passed, 1 failed\n",
    });
  });
});
