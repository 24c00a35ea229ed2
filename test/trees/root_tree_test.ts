import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  existsSync,
  readFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import {
  makeDirectoryInside,
  makeFileInside,
  requireDirectoryInside,
  requireRootTree,
  resolveInside,
} from "../../lib/trees/root_tree.ts";

let base = "";
let tree = "";

beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "mbctl-root-tree-"));
  tree = join(base, "tree");
  mkdirSync(join(tree, "etc/deep/er"), { recursive: true });
  mkdirSync(join(base, "outside"));
  writeFileSync(join(tree, "etc/file"), "");
  writeFileSync(join(base, "outside/secret"), "");
  const links: Record<string, string> = {
    absolute: "/etc/deep",
    climbing: "../../../../../../etc/deep",
    host: `${base}/outside`,
    loop: "loop",
    one: "two",
    two: "one",
    dangling: "/nowhere/at/all",
    "etc/deep/up": "../..",
    root: "/",
  };
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(tree, name));
});

afterAll(() => rmSync(base, { recursive: true }));

const rows: readonly (readonly [path: string, inside: string, exists: boolean])[] = [
  ["/etc/deep", "/etc/deep", true],
  ["etc//./deep/", "/etc/deep", true],
  ["/absolute/er", "/etc/deep/er", true],
  ["/climbing/er", "/etc/deep/er", true],
  ["/etc/deep/up/etc", "/etc", true],
  ["/../../etc", "/etc", true],
  ["/root/root/etc", "/etc", true],
  ["/dangling", "/nowhere/at/all", false],
  ["/new/path", "/new/path", false],
  ["/", "/", true],
];

test.each(rows)("resolveInside() finds %p at %p", (path, inside, exists) => {
  expect(resolveInside(tree, path)).toEqual({
    hostPath: inside === "/" ? tree : join(tree, inside),
    insidePath: inside,
    exists,
  });
});

test("resolveInside() takes a link to the host for a path of the tree", () => {
  const found = resolveInside(tree, "/host/secret");
  expect(found).toEqual({
    hostPath: join(tree, base, "outside/secret"),
    insidePath: join(base, "outside/secret"),
    exists: false,
  });
});

test("resolveInside() keeps a last link when it is told to", () => {
  expect(resolveInside(tree, "/absolute", { followLast: false }).insidePath).toBe("/absolute");
});

test.each(["/loop", "/one/x"])("resolveInside() refuses the loop %p", (path) => {
  expect(() => resolveInside(tree, path)).toThrow("more than 40 symbolic links are on it");
});

test("resolveInside() refuses a file as a parent", () => {
  expect(() => resolveInside(tree, "/etc/file/x")).toThrow(
    "/etc/file is no directory in the image",
  );
});

test("resolveInside() never leaves the tree", () => {
  const part = fc.constantFrom(
    "..",
    ".",
    "",
    "absolute",
    "climbing",
    "host",
    "dangling",
    "root",
    "etc",
    "deep",
    "up",
    "x",
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const { hostPath } = resolveInside(tree, parts.join("/"));
      expect(hostPath === tree || hostPath.startsWith(`${tree}/`)).toBe(true);
    }),
  );
});

test("makeDirectoryInside() makes what a link leads to, inside the tree", () => {
  expect(makeDirectoryInside(tree, "/host/made")).toBe(join(tree, base, "outside/made"));
  expect(lstatSync(join(tree, base, "outside/made")).isDirectory()).toBe(true);
  expect(lstatSync(join(base, "outside/made"), { throwIfNoEntry: false })).toBeUndefined();
});

test("makeDirectoryInside() refuses a file's name", () => {
  expect(() => makeDirectoryInside(tree, "/etc/file")).toThrow(
    "something that is no directory has that name",
  );
});

test("requireRootTree() refuses what is no root tree", () => {
  expect(() => requireRootTree(join(base, "outside"))).toThrow(
    "it has none of /usr, /bin, /etc, /lib, /sbin",
  );
  expect(() => requireRootTree(join(base, "none"))).toThrow("there is no such directory");
  expect(() => requireRootTree(join(tree, "etc/file"))).toThrow("it is no directory");
  expect(() => requireRootTree("/")).toThrow("it is the root of this host");
  requireRootTree(tree);
});

test("makeFileInside() makes an empty file and its folders, and leaves what is there: a link too", () => {
  const text = () => readFileSync(join(tree, "made/resolv.conf"), "utf8");
  makeFileInside(tree, "/made/resolv.conf");
  expect(text()).toBe("");
  writeFileSync(join(tree, "made/resolv.conf"), "kept");
  makeFileInside(tree, "/made/resolv.conf");
  expect(text()).toBe("kept");
  makeFileInside(tree, "/dangling");
  expect(existsSync(join(tree, "nowhere"))).toBe(false);
  // A folder that is a link out of the tree leads to the same name in it.
  makeFileInside(tree, "/host/made");
  expect(existsSync(join(base, "outside/made"))).toBe(false);
  expect(existsSync(join(tree, base, "outside/made"))).toBe(true);
});

test("requireDirectoryInside() takes a directory or nothing", () => {
  for (const path of ["/", "/etc/deep", "/absolute", "/none/below", "/dangling"]) {
    requireDirectoryInside(tree, path);
  }
  expect(() => requireDirectoryInside(tree, "/absolute/../file")).toThrow(
    'Cannot mount anything at "/absolute/../file"',
  );
});
