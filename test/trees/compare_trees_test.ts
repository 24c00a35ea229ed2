import { afterAll, beforeEach, expect, test } from "bun:test";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compareTrees } from "../../lib/trees/compare_trees.ts";
import { setXattr } from "../../lib/host/libc.ts";
import { makeNode, setTimes } from "../host/_odd_files.ts";

const base = fs.mkdtempSync(join(tmpdir(), "mbctl-compare-"));
const [left, right] = [join(base, "left"), join(base, "right")];
afterAll(() => fs.rmSync(base, { recursive: true }));

const byte = (path: string, text: string) =>
  Buffer.concat([Buffer.from(`${path}/`), Buffer.from([0xff]), Buffer.from(text)]);

beforeEach(() => {
  fs.rmSync(left, { recursive: true, force: true });
  fs.rmSync(right, { recursive: true, force: true });
  fs.mkdirSync(join(left, "etc"), { recursive: true });
  fs.writeFileSync(join(left, "etc/passwd"), "root");
  fs.writeFileSync(byte(join(left, "etc"), "odd"), "bytes");
  fs.writeFileSync(join(left, "big"), Buffer.alloc(3_000_000, 7));
  fs.symlinkSync("etc/passwd", join(left, "link"));
  fs.linkSync(join(left, "big"), join(left, "etc/big2"));
  fs.writeFileSync(join(left, "etc/lone"), "1");
  fs.linkSync(join(left, "etc/lone"), join(left, "etc/lone2"));
  makeNode(join(left, "null"), 0o020666, [1, 3]);
  setXattr(join(left, "etc/passwd"), "user.note", Buffer.from("x"));
  Bun.spawnSync(["cp", "-a", left, right]);
});

test("compareTrees() finds no difference between a tree and what cp -a made of it", async () => {
  expect(await compareTrees(left, right)).toBeUndefined();
});

const at = (name: string) => join(left, name);
const rows: readonly (readonly [change: string, () => void, difference: RegExp])[] = [
  [
    "content",
    () => fs.writeFileSync(at("etc/passwd"), "tOOr"),
    /^\/etc\/passwd: its (time|content) is/,
  ],
  [
    "content alone, in its third chunk",
    () => {
      const { atime, mtime } = fs.statSync(at("big"));
      const file = fs.openSync(at("big"), "r+");
      fs.writeSync(file, "x", 2_500_000);
      fs.closeSync(file);
      const time = { seconds: Math.floor(mtime.getTime() / 1000), nanoseconds: 0 };
      void atime;
      for (const tree of [left, right]) setTimes(join(tree, "big"), time, time);
    },
    /^\/(big|etc\/big2): its content is another$/,
  ],
  ["size", () => fs.appendFileSync(at("etc/passwd"), "x"), /^\/etc\/passwd: its (time|size) is/],
  [
    "mode",
    () => fs.chmodSync(at("etc/passwd"), 0o4755),
    /^\/etc\/passwd: its mode is 4755, not 644$/,
  ],
  ["owner", () => fs.lchownSync(at("link"), 5, 6), /^\/link: its owner is 5:6, not 0:0$/],
  [
    "nanosecond",
    () => {
      const ns = fs.statSync(at("etc/passwd"), { bigint: true }).mtimeNs + 1n;
      const time = {
        seconds: Number(ns / 1_000_000_000n),
        nanoseconds: Number(ns % 1_000_000_000n),
      };
      setTimes(at("etc/passwd"), time, time);
    },
    /^\/etc\/passwd: its time is/,
  ],
  [
    "attribute",
    () => setXattr(at("etc/passwd"), "user.note", Buffer.from("y")),
    /^\/etc\/passwd: its attribute user.note is another$/,
  ],
  [
    "more attributes",
    () => setXattr(at("etc/passwd"), "user.more", Buffer.from("y")),
    /^\/etc\/passwd: it has other extended attributes$/,
  ],
];
test.each(rows)("compareTrees() sees another %s", async (_, change, difference) => {
  change();
  expect(await compareTrees(left, right)).toMatch(difference);
});

const replaced: readonly (readonly [what: string, () => void, difference: RegExp])[] = [
  [
    "a missing name",
    () => fs.rmSync(at("link")),
    /^\/: its (time|size) is|^\/link: it is missing$/,
  ],
  [
    "a name too many, of bytes",
    () => fs.writeFileSync(byte(left, "more"), ""),
    /it is not of the image$|^\/: its time/,
  ],
  [
    "another target",
    () => {
      fs.rmSync(at("link"));
      fs.symlinkSync("etc/passwE", at("link"));
    },
    /^\/(link)?: it(s time is| leads elsewhere)/,
  ],
  [
    "another device",
    () => {
      fs.rmSync(at("null"));
      makeNode(at("null"), 0o020666, [1, 5]);
    },
    /^\/(null)?: its (time|device number|mode) is/,
  ],
  [
    "a copy for a hard link",
    () => {
      fs.rmSync(at("etc/lone2"));
      fs.writeFileSync(at("etc/lone2"), "1");
    },
    /^\/etc(\/lone2?)?: its (time|count of names) is/,
  ],
];
test.each(replaced)("compareTrees() sees %s", async (_, change, difference) => {
  change();
  expect(await compareTrees(left, right)).toMatch(difference);
  // The folder's own time gives it away: with that mended the entry itself must.
  for (const path of ["", "etc", "link", "null", "etc/lone", "etc/lone2"]) {
    if (fs.lstatSync(at(path), { throwIfNoEntry: false }) === undefined) continue;
    const time = { seconds: 1, nanoseconds: 2 };
    for (const tree of [left, right]) setTimes(join(tree, path), time, time);
  }
  expect(await compareTrees(left, right)).not.toBeUndefined();
});
