/** Tar streams of machines, well-formed and hostile, written below a folder. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Received, receiveTree } from "../../lib/copy/received_tree.ts";
import { readThing, sendFiles } from "../../lib/copy/send_files.ts";
import { type TarEntry, renderTar } from "../lab/images/tar.ts";

let place: string;
let folder: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "mbctl-copy-"));
  folder = join(place, "folder");
  mkdirSync(folder, { mode: 0o700 });
  writeFileSync(join(place, "outside"), "outside");
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

function receive(bytes: Uint8Array, keepsOwners = false): Received {
  let at = 0;
  const read = (buffer: Buffer, offset: number, length: number) => {
    // Odd pieces, as a pipe gives them.
    const piece = bytes.subarray(at, at + Math.min(length, 777));
    buffer.set(piece, offset);
    at += piece.length;
    return piece.length;
  };
  return receiveTree(read, folder, keepsOwners);
}

const dir = (path: string, mode = 0o755): TarEntry => ({ path, type: "dir", mode });

describe("receiveTree()", () => {
  test("writes files, folders and links, without set-id bits", () => {
    const entries: readonly TarEntry[] = [
      dir("./", 0o750),
      dir("./sub/", 0o555),
      { path: "./sub/file", mode: 0o4755, content: "content" },
      { path: "./sub/same", type: "hardlink", linkTarget: "./sub/file" },
      { path: "./link", type: "symlink", linkTarget: "/etc/shadow" },
      { path: "./pipe", type: "fifo" },
    ];
    const received = receive(renderTar(entries));
    expect(received).toEqual({ kind: "directory", name: "", leftOut: ["pipe"] });
    const modeOf = (path: string) => (statSync(join(folder, path)).mode & 0o7777).toString(8);
    expect([modeOf("."), modeOf("sub"), modeOf("sub/file")]).toEqual(["750", "555", "755"]);
    expect(readFileSync(join(folder, "sub/same"), "utf8")).toBe("content");
    expect(readlinkSync(join(folder, "link"))).toBe("/etc/shadow");
    chmodSync(join(folder, "sub"), 0o755);
  });

  test("tells a file from a folder", () => {
    expect(receive(renderTar([{ path: "./one", content: "1" }]))).toEqual({
      kind: "file",
      name: "one",
      leftOut: [],
    });
  });

  const evil: readonly (readonly [what: string, entries: readonly TarEntry[]])[] = [
    [
      "through a link",
      [
        dir("./"),
        { path: "./l", type: "symlink", linkTarget: ".." },
        { path: "./l/x", content: "x" },
      ],
    ],
    [
      "a folder over a link",
      [dir("./"), { path: "./l", type: "symlink", linkTarget: ".." }, dir("./l/")],
    ],
    [
      "a file over a link",
      [
        dir("./"),
        { path: "./l", type: "symlink", linkTarget: "../outside" },
        { path: "./l", content: "x" },
      ],
    ],
    [
      "a second name of the host's file",
      [dir("./"), { path: "./h", type: "hardlink", linkTarget: "../outside" }],
    ],
    [
      "a second name of a link",
      [
        dir("./"),
        { path: "./l", type: "symlink", linkTarget: "../outside" },
        { path: "./h", type: "hardlink", linkTarget: "./l" },
      ],
    ],
    ["a folder that never came", [dir("./"), { path: "./a/b", content: "x" }]],
    ["a file twice", [dir("./"), { path: "./a", content: "x" }, { path: "./a", content: "y" }]],
    ["a folder over a file", [dir("./"), { path: "./a", content: "x" }, dir("./a/")]],
  ];
  test.each(evil)("refuses %s", (_what, entries) => {
    expect(() => receive(renderTar(entries))).toThrow();
    expect(readFileSync(join(place, "outside"), "utf8")).toBe("outside");
    expect(readdirSync(place).sort()).toEqual(["folder", "outside"]);
  });

  test.each(["../x", "/x", "./a/../../x", "../../../../../x"])("keeps %s inside", (path) => {
    receive(renderTar([dir("./"), { path, content: "x" }]));
    expect(readdirSync(place).sort()).toEqual(["folder", "outside"]);
    expect(readdirSync(folder)).toEqual(["x"]);
  });

  test("refuses what is cut off, what is no archive, and nothing", () => {
    const whole = renderTar([dir("./"), { path: "./a", content: "x".repeat(2000) }]);
    expect(() => receive(whole.subarray(0, 1500))).toThrow("truncated");
    expect(() => receive(new Uint8Array(1024).fill(1))).toThrow();
    expect(() => receive(new Uint8Array())).toThrow("nothing came");
  });

  test("is the inverse of sendFiles(): long names, odd names, odd sizes, links", async () => {
    const source = join(place, "source");
    const deep = join(source, "d".repeat(120), "e".repeat(120));
    mkdirSync(deep, { recursive: true });
    writeFileSync(join(deep, `ö ${"f".repeat(150)}`), "deep");
    writeFileSync(join(source, "empty"), "", { mode: 0o600 });
    writeFileSync(join(source, "big"), Buffer.alloc(300_001, 7));
    writeFileSync(Buffer.concat([Buffer.from(`${source}/`), Buffer.from([0xff, 0x0a])]), "bytes");
    const chunks: Uint8Array[] = [];
    const thing = await readThing(source);
    const options = { owner: { uid: 5, gid: 6 }, onLeftOut: () => {} };
    for await (const chunk of sendFiles(source, thing, "source", options)) {
      chunks.push(chunk.slice());
    }
    // What is sent has no entry of its own for the folder.
    receive(Buffer.concat([renderTar([dir("./")]).subarray(0, 512), ...chunks]));
    const compared = Bun.spawnSync(["diff", "-r", source, folder]);
    expect(compared.stdout.toString()).toBe("");
    expect(readdirSync(folder, { encoding: "latin1" }).sort()).toEqual(
      readdirSync(source, { encoding: "latin1" }).sort(),
    );
  });
});
