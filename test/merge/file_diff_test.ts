import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  formatConflict,
  formatDiff,
  formatEnvDiff,
  formatUnitDiff,
  hideEnvLine,
  hideUnitLine,
} from "../../lib/merge/file_diff.ts";

describe("formatDiff()", () => {
  const rows: readonly (readonly [
    what: string,
    before: string | undefined,
    after: string | undefined,
    diff: string,
  ])[] = [
    ["says nothing without a difference", "a\n", "a\n", ""],
    ["says nothing of a file that is nowhere", undefined, undefined, ""],
    [
      "shows a changed line",
      "a\nb\nc\n",
      "a\nB\nc\n",
      "--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n",
    ],
    ["shows a new file", undefined, "a\n", "--- /dev/null\n+++ b/x\n@@ -0,0 +1,1 @@\n+a\n"],
    ["shows a file that goes", "a\n", undefined, "--- a/x\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a\n"],
    [
      "shows that the last line's end is gone",
      "a\n",
      "a",
      "--- a/x\n+++ b/x\n@@ -1,1 +1,1 @@\n-a\n+a\n\\ No newline at end of file\n",
    ],
    ["keeps carriage returns", "a\r\n", "a\n", "--- a/x\n+++ b/x\n@@ -1,1 +1,1 @@\n-a\r\n+a\n"],
  ];
  test.each(rows)("%s", (_, before, after, diff) => {
    expect(formatDiff(before, after, "x")).toBe(diff);
  });

  test("is what diff(1) says, hidden or not", async () => {
    const texts = [
      "",
      "a\n",
      "b\na\n",
      "a\nb",
      "x\ny\nz\na\nb\nc\nd\ne\nf\ng\n",
      "x\nY\nz\na\nb\nc\nd\ne\nf\nG\nh\n",
    ];
    const dir = mkdtempSync(join(tmpdir(), "mbctl-diff-"));
    try {
      for (const before of texts) {
        for (const after of texts) {
          writeFileSync(join(dir, "before"), before);
          writeFileSync(join(dir, "after"), after);
          const run = Bun.spawn(["diff", "-u", join(dir, "before"), join(dir, "after")]);
          const lines = (await run.stdout.text()).split("\n").slice(2);
          const ours = formatDiff(before, after, "x").split("\n").slice(2);
          // GNU diff leaves out a length of 1.
          const short = (text: string) =>
            text.replace(/^@@ .*/, (head) => head.replaceAll(/,1(?= )/g, ""));
          expect(ours.map(short)).toEqual(lines);
        }
      }
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  test("lets a file's name begin no lines of its own", () => {
    expect(formatDiff("a\n", "b\n", "x\n+++ b/etc/shadow")).toBe(
      '--- "a/x\\n+++ b/etc/shadow"\n+++ "b/x\\n+++ b/etc/shadow"\n@@ -1,1 +1,1 @@\n-a\n+b\n',
    );
  });
});

describe("formatEnvDiff()", () => {
  test("shows that a value changed, and never a value", () => {
    const before =
      "MAN8S_CONTAINER_NAME=web\nMAN8S_APPLICATION_ARGS=app --key s1\nA=s2\nB=s3\n# C=s4\n";
    const after =
      "MAN8S_CONTAINER_NAME=web2\nMAN8S_APPLICATION_ARGS=app --key s1\nA=s5\n# C=s6\n-----BEGIN s7\nD=s8";
    expect(formatEnvDiff(before, after, "man8env.env")).toBe(`--- a/man8env.env
+++ b/man8env.env
@@ -1,5 +1,6 @@
-MAN8S_CONTAINER_NAME=web
+MAN8S_CONTAINER_NAME=web2
 MAN8S_APPLICATION_ARGS=(hidden)
-A=(hidden)
-B=(hidden)
-# (hidden)
+A=(hidden)
+# (hidden)
+(hidden)
+D=(hidden)
\\ No newline at end of file
`);
  });
});

describe("hideEnvLine()", () => {
  const rows: readonly (readonly [line: string, shown: string])[] = [
    ["", ""],
    [" \t", " \t"],
    ["A=", "A=(hidden)"],
    ["A=b=c", "A=(hidden)"],
    ["=x", "(hidden)"],
    ["#A=s", "# (hidden)"],
    ["MAN8S_YGGDRASIL_ADDRESS=300::1", "MAN8S_YGGDRASIL_ADDRESS=300::1"],
    ["MAN8S_ESCAPED_KEY=s", "MAN8S_ESCAPED_KEY=(hidden)"],
    ["MAN8S_CONTAINER_NAME_=s", "MAN8S_CONTAINER_NAME_=(hidden)"],
  ];
  test.each(rows)("shows %j as %j", (line, shown) => expect(hideEnvLine(line)).toBe(shown));
});

describe("hideUnitLine()", () => {
  const rows: readonly (readonly [line: string, shown: string])[] = [
    ["Boot=no", "Boot=no"],
    ["Environment=PATH=/bin:/usr/bin", "Environment=PATH=/bin:/usr/bin"],
    ['Environment="LANG=a b"', 'Environment="LANG=(hidden)"'],
    ["Environment=PATH=/bin KEY=s", "Environment=PATH=(hidden)"],
    ["Environment=KEY=s", "Environment=KEY=(hidden)"],
    [' # Environment = "KEY=s t" B=u', ' # Environment = "KEY=(hidden)"'],
    ["SetCredential=key:s", "SetCredential=key=(hidden)"],
    ["EnvironmentFile=/x", "EnvironmentFile=/x"],
  ];
  test.each(rows)("shows %j as %j", (line, shown) => expect(hideUnitLine(line)).toBe(shown));

  test("hides what a backslash joins to it", () => {
    const text = (value: string) =>
      `[Exec]\nEnvironment=A=1 \\\n  # B=s1 \\\n  C=${value} \\\n  D=s3\nUser=a\n`;
    expect(formatUnitDiff(text("s2"), text("s4"), "x")).toBe(`--- a/x
+++ b/x
@@ -1,6 +1,6 @@
 [Exec]
 Environment=A=(hidden)
 (hidden)
-(hidden)
+(hidden)
 (hidden)
 User=a
`);
    const conflict = { key: "Exec.Environment=A", ours: "Environment=A=s1 \\\n  B=s2" };
    expect(formatConflict(conflict, hideUnitLine)).not.toMatch(/s[12]/);
  });

  test("is what a diff of an nspawn file shows", () => {
    expect(
      formatUnitDiff("[Exec]\nEnvironment=K=1\n", "[Exec]\nEnvironment=K=2\n", "container.nspawn"),
    ).toBe(`--- a/container.nspawn
+++ b/container.nspawn
@@ -1,2 +1,2 @@
 [Exec]
-Environment=K=(hidden)
+Environment=K=(hidden)
`);
  });
});

describe("formatConflict()", () => {
  test("shows both sides, and what they began from", () => {
    expect(formatConflict({ key: "A", base: "A=1", ours: "A=2\nA=3" }, (line) => line)).toBe(`A
  rendered  A=1
  yours     A=2
            A=3
  new       (not there)
`);
    expect(formatConflict({ key: "A", theirs: "A=s" }, hideEnvLine)).not.toContain("s\n");
  });
});
