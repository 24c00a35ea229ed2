import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cutsInterfaceNames } from "../../lib/host/naming_scheme.ts";

test.each([
  ["", false],
  ["quiet net.ifnames=0", false],
  ["net.naming-scheme=latest", false],
  ["net.naming-scheme=v245", false],
  ["net.naming-scheme=v243 quiet", true],
  ["ro net.naming-scheme=v238\n", true],
  ["net.naming-scheme=rhel-8.4", true],
  ["net.naming-scheme=rhel-9.0", false],
  // The last one counts.
  ["net.naming-scheme=v238 net.naming-scheme=v252", false],
])("cutsInterfaceNames() of %j is %p", (words, isCut) => {
  const root = mkdtempSync(join(tmpdir(), "mbctl-naming-"));
  try {
    mkdirSync(join(root, "proc"));
    writeFileSync(join(root, "proc/cmdline"), words);
    expect(cutsInterfaceNames(root)).toBe(isCut);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test("cutsInterfaceNames() without a command line is false", () => {
  expect(cutsInterfaceNames("/no/such/root")).toBe(false);
});
