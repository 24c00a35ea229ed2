import { afterAll, expect, test } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeHostsFile } from "../../lib/names/hosts_file.ts";
import { hostState, machine } from "./_state.ts";

const root = mkdtempSync(join(tmpdir(), "mbctl-hosts-"));
afterAll(() => rmSync(root, { recursive: true }));
const path = join(root, "etc/hosts");
const [some, none] = [hostState({ machines: [machine("web")] }), hostState({})];

test("writeHostsFile() makes a file only where there is something to say", () => {
  mkdirSync(join(root, "etc"));
  expect(writeHostsFile(root, none)).toBe(false);
  expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined();
  expect(writeHostsFile(root, some)).toBe(true);
  expect(statSync(path).mode & 0o777).toBe(0o644);
});

test("writeHostsFile() keeps the mode, and bytes that are no UTF-8, and writes no more than it must", () => {
  const before = Buffer.from("127.0.0.1 localhost # caf\xe9 \u20ac\x80\n", "latin1");
  writeFileSync(path, before);
  chmodSync(path, 0o664);
  expect(writeHostsFile(root, some)).toBe(true);
  const after = readFileSync(path);
  expect(after.subarray(0, before.length).equals(before)).toBe(true);
  expect(after.toString("latin1")).toContain(" web.hosta web # mbctl\n");
  expect(statSync(path).mode & 0o777).toBe(0o664);
  expect(writeHostsFile(root, some)).toBe(false);
  expect(writeHostsFile(root, none)).toBe(true);
  expect(readFileSync(path).equals(before)).toBe(true);
});
