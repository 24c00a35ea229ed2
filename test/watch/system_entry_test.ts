import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { hasLogin, hasOwnJournal, journalFiles } from "../../lib/watch/system_entry.ts";

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "mbctl-journal-"));
});
afterAll(() => rmSync(root, { recursive: true }));

test("journalFiles() are regular files of the tree, and nothing that a link leads to", () => {
  const tree = join(root, "tree");
  const folder = join(tree, "var/log/journal/0123");
  mkdirSync(folder, { recursive: true });
  const outside = join(root, "outside");
  mkdirSync(outside);
  for (const name of ["system.journal", "system@0-1.journal~", "note.txt", "-x.journal"]) {
    writeFileSync(join(folder, name), "");
    writeFileSync(join(outside, name), "");
  }
  symlinkSync(join(outside, "system.journal"), join(folder, "user-1000.journal"));
  symlinkSync(outside, join(tree, "var/log/journal/4567"));
  expect(journalFiles(tree).sort()).toEqual(
    ["-x.journal", "system.journal", "system@0-1.journal~"].map((name) => join(folder, name)),
  );
});

test.each(["/nowhere", "/var/log/journal", "../../../../../../../../"])(
  "journalFiles() of a tree whose journal is a link to %s are none of the host's",
  (target) => {
    const tree = mkdtempSync(join(root, "linked-"));
    mkdirSync(join(tree, "var/log"), { recursive: true });
    symlinkSync(target, join(tree, "var/log/journal"));
    expect(journalFiles(tree)).toEqual([]);
  },
);

test("a process that is no machine's process 1 has neither login nor journal", () => {
  expect([hasLogin(process.pid), hasOwnJournal(process.pid)]).toEqual([false, false]);
});
