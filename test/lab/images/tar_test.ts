import { expect, test } from "bun:test";
import { run } from "../run.ts";
import { renderTar, type TarEntry } from "./tar.ts";

const long = `deep/${"x".repeat(120)}/${"y".repeat(120)}`;

/** Each row: an entry, and the line by which GNU tar lists it. */
const rows: readonly (readonly [TarEntry, string])[] = [
  [{ path: "plain", content: "hello" }, "-rw-r--r-- 0/0 5 2024-01-01 00:00 plain"],
  [
    { path: "dir/", type: "dir", mode: 0o1777, uid: 7, gid: 8 },
    "drwxrwxrwt 7/8 0 2024-01-01 00:00 dir/",
  ],
  [
    { path: "link", type: "symlink", linkTarget: "../../etc/passwd" },
    "lrw-r--r-- 0/0 0 2024-01-01 00:00 link -> ../../etc/passwd",
  ],
  [
    { path: "hard", type: "hardlink", linkTarget: "plain" },
    "hrw-r--r-- 0/0 0 2024-01-01 00:00 hard link to plain",
  ],
  [
    { path: "null", type: "char", device: [1, 3], mode: 0o666 },
    "crw-rw-rw- 0/0 1,3 2024-01-01 00:00 null",
  ],
  [{ path: "loop", type: "block", device: [7, 0] }, "brw-r--r-- 0/0 7,0 2024-01-01 00:00 loop"],
  [{ path: "pipe", type: "fifo" }, "prw-r--r-- 0/0 0 2024-01-01 00:00 pipe"],
  [{ path: "suid", mode: 0o4755, content: "" }, "-rwsr-xr-x 0/0 0 2024-01-01 00:00 suid"],
  [{ path: long, content: new Uint8Array(513) }, `-rw-r--r-- 0/0 513 2024-01-01 00:00 ${long}`],
  [
    { path: "big-ids", uid: 3_000_000, gid: 4_000_000 },
    "-rw-r--r-- 3000000/4000000 0 2024-01-01 00:00 big-ids",
  ],
  [{ path: "Größe", mtime: 0 }, "-rw-r--r-- 0/0 0 1970-01-01 00:00 Größe"],
  [{ path: "../up", content: "!" }, "-rw-r--r-- 0/0 1 2024-01-01 00:00 ../up"],
  [{ path: "/abs", content: "!" }, "-rw-r--r-- 0/0 1 2024-01-01 00:00 /abs"],
];

test.each(
  rows.map(([entry, line]) => ({
    line: line.slice(0, 60),
    entry,
    whole: line,
  })),
)("renderTar() writes what GNU tar lists as $line", async ({ entry, whole }) => {
  expect((await list([entry])).trim()).toBe(whole);
});

test("renderTar() writes many entries after each other", async () => {
  const listed = await list(rows.map(([entry]) => entry));
  expect(listed.trim().split("\n")).toEqual(rows.map(([, line]) => line));
});

test("renderTar() keeps extended attributes", async () => {
  const listed = await list(
    [{ path: "noted", content: "x", xattrs: { "user.note": "a=b\nc" } }],
    ["--xattrs", "-vv"],
  );
  // With three --verbose, GNU tar adds a line with length and name of each attribute.
  expect(listed.trim().split("\n")).toEqual([
    "-rw-r--r--* 0/0 1 2024-01-01 00:00 noted",
    " x: 5 user.note",
  ]);
});

async function list(
  entries: readonly TarEntry[],
  options: readonly string[] = [],
): Promise<string> {
  const { stdout } = await run(
    [
      "tar",
      "--list",
      ...options,
      "--verbose",
      "--numeric-owner",
      "--absolute-names",
      "--quoting-style=literal",
      "-f",
      "-",
    ],
    {
      stdin: renderTar(entries),
      env: { PATH: process.env.PATH ?? "", LC_ALL: "C.UTF-8", TZ: "UTC" },
    },
  );
  // Columns are padded for the eye.
  return stdout.replaceAll(/ {2,}/g, " ");
}
