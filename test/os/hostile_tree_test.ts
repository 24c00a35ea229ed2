/** A hostile tree: whatever is written has a link at its name, or on the way to it, that leads out. */

import { expect, test } from "bun:test";
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import * as fc from "fast-check";
import { readTree } from "../../lib/os/read_tree.ts";
import { planSettling } from "../../lib/os/settle_plan.ts";
import { applyTreeChange, settleSystem } from "../../lib/os/settle_system.ts";
import { MbctlError } from "../../lib/errors.ts";
import { makeTestTree, settings, trees } from "./_trees.ts";

/** All that a folder holds, with what is in its files. */
function listing(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return entry.isFile() ? `${path}: ${readFileSync(path, "utf8")}` : path;
    })
    .sort();
}

/** Where links lead that a tree has no business with. */
function makeOutside(base: string): string {
  const outside = join(base, "outside");
  mkdirSync(join(outside, "folder"), { recursive: true });
  for (const name of ["passwd", "shadow", "hostname", "random-seed", "folder/file"])
    writeFileSync(join(outside, name), `the host's own ${name}\n`);
  return outside;
}

test.each(["absolute", "relative"])(
  "settleSystem() follows no %s link that stands at the name of what it writes or removes",
  (kind) => {
    for (const entries of Object.values(trees)) {
      using tree = makeTestTree(entries);
      const outside = makeOutside(tree.base);
      const { changes } = planSettling(readTree(tree.path), settings, { isNew: true });
      for (const { path } of changes) {
        const name = join(tree.path, path);
        rmSync(name, { recursive: true, force: true });
        mkdirSync(dirname(name), { recursive: true });
        const up = "../".repeat(path.split("/").length - 1);
        symlinkSync(kind === "absolute" ? join(outside, "passwd") : `${up}outside/passwd`, name);
      }
      const before = listing(outside);
      settleSystem(tree.path, settings, { isNew: true });
      expect(listing(outside)).toEqual(before);
      expect(lstatSync(join(tree.path, "etc/hostname")).isFile()).toBe(true);
      expect(readdirSync(tree.base).sort()).toEqual(["outside", "tree"]);
    }
  },
);

test("settleSystem() goes through no folder that is a link out, and leaves the host alone", () => {
  for (const folder of [
    "etc",
    "etc/systemd",
    "etc/systemd/system",
    "etc/ssh",
    "home",
    "etc/network",
  ]) {
    for (const target of ["../../../../../../../outside", "/outside", "OUTSIDE"]) {
      using tree = makeTestTree(trees.debian13 ?? {});
      const outside = makeOutside(tree.base);
      writeFileSync(join(outside, "ssh_host_rsa_key"), "the host's own key");
      const name = join(tree.path, folder);
      rmSync(name, { recursive: true, force: true });
      mkdirSync(dirname(name), { recursive: true });
      symlinkSync(target === "OUTSIDE" ? outside : target, name);
      const before = listing(outside);
      try {
        settleSystem(tree.path, settings, { isNew: true });
      } catch (error) {
        if (!(error instanceof MbctlError)) throw error;
      }
      expect(listing(outside)).toEqual(before);
    }
  }
});

test("settleSystem() copies no file of the host's into the home of the first user", () => {
  using tree = makeTestTree(trees.debian13 ?? {});
  makeOutside(tree.base);
  rmSync(join(tree.path, "etc/skel"), { recursive: true });
  symlinkSync("../../outside/folder", join(tree.path, "etc/skel"));
  settleSystem(tree.path, settings, { isNew: true });
  expect(readdirSync(join(tree.path, "home/build"))).toEqual([]);
});

test("settleSystem() gives all of his home to the first user, links too", () => {
  using tree = makeTestTree({
    ...trees.debian13,
    "etc/skel/deep/file": "",
    "etc/skel/link": { link: ".profile" },
  });
  settleSystem(tree.path, settings, { isNew: true });
  const home = join(tree.path, "home/build");
  const found = readdirSync(home, { recursive: true }).map((name) => String(name));
  expect(found.sort()).toEqual([".profile", "deep", "deep/file", "link"]);
  const owners = new Set(["", ...found].map((name) => lstatSync(join(home, name)).uid));
  expect([...owners]).toEqual([1001]);
});

test("settleSystem() names a folder that stands where it must write, and leaves it", () => {
  using tree = makeTestTree({ ...trees.fedora43, "etc/hostname/deep": "" });
  expect(() => settleSystem(tree.path, settings)).toThrow(
    'Cannot write "/etc/hostname" of the root tree: it is a folder there',
  );
  expect(readdirSync(join(tree.path, "etc/hostname"))).toEqual(["deep"]);
});

test("readTree() reads nothing outside, no device, and no more than a megabyte", () => {
  using tree = makeTestTree({
    "etc/passwd": { link: "/../../outside/passwd" },
    big: "x".repeat(2 << 20),
  });
  makeOutside(tree.base);
  const view = readTree(tree.path);
  expect(view.read("/etc/passwd")).toBeUndefined();
  expect(view.read("/../outside/passwd")).toBeUndefined();
  expect(view.read("/big")?.length).toBe(1 << 20);
  expect(view.list("/..")).toEqual(["big", "etc"]);
});

test("applyTreeChange() never leaves the tree, whatever path and links there are", () => {
  const part = fc.constantFrom("..", ".", "etc", "link", "a", "b", "");
  const path = fc
    .array(part, { minLength: 1, maxLength: 6 })
    .map((parts) => `/${parts.join("/")}/end`);
  fc.assert(
    fc.property(path, path, (path, target) => {
      using tree = makeTestTree({ etc: null, link: { link: target } });
      const outside = makeOutside(tree.base);
      const before = listing(outside);
      for (const change of [
        { kind: "write", path, text: "x" } as const,
        { kind: "link", path, target: outside } as const,
        { kind: "write", path: `${path}/x`, text: "x" } as const,
        { kind: "empty", path } as const,
        { kind: "remove", path } as const,
      ]) {
        try {
          applyTreeChange(tree.path, change);
        } catch (error) {
          // Links that loop, files that are no folders.
          if (!(error instanceof MbctlError)) throw error;
        }
      }
      expect(listing(outside)).toEqual(before);
      expect(readdirSync(tree.base).sort()).toEqual(["outside", "tree"]);
    }),
    { numRuns: 150 },
  );
}, 60_000);

test("planSettling() links no unit to a place that a hostile unit names", () => {
  using tree = makeTestTree({
    ...trees.debian13,
    "usr/lib/systemd/system/systemd-resolved.service": `[Install]
WantedBy=../../../../outside.target multi-user.target /etc/passwd.target -x.target a/b.target
Alias=../evil.service /etc/shadow
Also=../../x.service systemd-resolved.service systemd-networkd.service
`,
    "usr/lib/systemd/system/systemd-networkd.service":
      "[Install]\nAlso=systemd-resolved.service systemd-networkd.service\n",
  });
  const { changes } = planSettling(readTree(tree.path), settings, { isNew: true });
  const below = "/etc/systemd/system/";
  const links = changes.flatMap((change) => (change.kind === "link" ? [change.path] : []));
  const masked = ["console-getty.service", "fstrim.timer", "systemd-modules-load.service"];
  expect([...new Set(links)].sort()).toEqual(
    [
      ...masked.map((unit) => `${below}${unit}`),
      `${below}multi-user.target.wants/systemd-resolved.service`,
      "/etc/resolv.conf",
    ].sort(),
  );
});
