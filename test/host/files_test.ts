import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  nameExists,
  readLinkIfPresent,
  rewriteInPlace,
  writeFileDurably,
  writeSymlink,
} from "../../lib/host/files.ts";

let base = "";
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "mbctl-files-"));
});
afterAll(() => rmSync(base, { recursive: true }));

test("writeFileDurably() writes text and mode, and leaves nothing else", () => {
  const path = join(base, "one");
  expect(writeFileDurably(path, "text", 0o600)).toBe(true);
  expect(readFileSync(path, "utf8")).toBe("text");
  expect(statSync(path).mode & 0o7777).toBe(0o600);
  expect(readdirSync(base)).toEqual(["one"]);
});

test("writeFileDurably() leaves a file alone that is right already", () => {
  const path = join(base, "one");
  const before = statSync(path).ino;
  expect(writeFileDurably(path, "text", 0o600)).toBe(false);
  expect(statSync(path).ino).toBe(before);
  expect(writeFileDurably(path, "text", 0o644)).toBe(true);
});

test("writeFileDurably() replaces a link instead of following it", () => {
  const target = join(base, "target");
  writeFileSync(target, "untouched");
  symlinkSync(target, join(base, "link"));
  writeFileDurably(join(base, "link"), "new", 0o644);
  expect(readFileSync(target, "utf8")).toBe("untouched");
  expect(lstatSync(join(base, "link")).isFile()).toBe(true);
});

test("rewriteInPlace() leaves the file the one that it was, follows no link, and makes none", () => {
  const path = join(base, "mounted");
  writeFileSync(path, "a longer text\n", { mode: 0o640 });
  const before = statSync(path);
  rewriteInPlace(path, "caf\xe9\n", "latin1");
  expect(readFileSync(path, "latin1")).toBe("caf\xe9\n");
  expect([statSync(path).ino, statSync(path).mode]).toEqual([before.ino, before.mode]);
  symlinkSync(path, join(base, "to-mounted"));
  expect(() => rewriteInPlace(join(base, "to-mounted"), "x", "utf8")).toThrow("ELOOP");
  expect(() => rewriteInPlace(join(base, "none"), "x", "utf8")).toThrow("ENOENT");
  rmSync(path);
  rmSync(join(base, "to-mounted"));
});

test("writeFileDurably() gets over what a killed run staged", () => {
  writeFileSync(join(base, ".two.mbctl-new"), "half");
  writeFileDurably(join(base, "two"), "whole", 0o644);
  expect(readFileSync(join(base, "two"), "utf8")).toBe("whole");
  expect(nameExists(join(base, ".two.mbctl-new"))).toBe(false);
});

test("writeSymlink() replaces another link in one step", () => {
  const path = join(base, "sym");
  expect(writeSymlink(path, "a")).toBe(true);
  expect(writeSymlink(path, "a")).toBe(false);
  expect(writeSymlink(path, "b")).toBe(true);
  expect(readLinkIfPresent(path)).toBe("b");
});

test("nameExists() sees a link that leads nowhere", () => {
  symlinkSync("/nowhere", join(base, "dangling"));
  expect(nameExists(join(base, "dangling"))).toBe(true);
});
