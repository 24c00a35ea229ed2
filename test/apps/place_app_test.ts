/** An application made, put in its place, replaced and removed, in a tree whose owner may be in the way. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { clearApp, placeApp, removeApp } from "../../lib/apps/place_app.ts";
import { stageApp } from "../../lib/apps/stage_app.ts";
import { makeRun } from "../../lib/host/run.ts";
import { app as plain } from "./_app.ts";

const imageText = JSON.stringify({
  architecture: "amd64",
  os: "linux",
  config: { Cmd: ["/bin/serve"], Volumes: { "/data": {} }, WorkingDir: "/srv/deep" },
});
const app = { ...plain, volumes: [{ path: "/data", kind: "data" }] } as const;
const run = makeRun({});

describe.skipIf(process.getuid?.() !== 0)("an application", () => {
  let top: string;
  let place: { tree: string; storage: string; appFolder: string };
  const inTree = (...path: string[]) => join(place.tree, ...path);

  beforeEach(() => {
    top = mkdtempSync(join(tmpdir(), "mbctl-place-"));
    const folder = (name: string) => join(top, name);
    place = { tree: folder("tree"), storage: folder("storage"), appFolder: folder("config") };
    for (const path of [...Object.values(place), folder("outside")]) mkdirSync(path);
  });
  afterEach(() => rmSync(top, { recursive: true, force: true }));

  /** The image's tree, in which every path may lead elsewhere. */
  function unpackWith(extra: (root: string) => void = () => {}) {
    return async (root: string) => {
      for (const folder of ["", "bin", "data", "run", "run/sub"]) mkdirSync(join(root, folder));
      writeFileSync(join(root, "bin/serve"), "", { mode: 0o755 });
      writeFileSync(join(root, "data/first"), "of the image");
      extra(root);
    };
  }
  const stage = async (extra?: (root: string) => void) =>
    await stageApp(
      { kind: "stage-app", place, app, imageText },
      { run, unpack: unpackWith(extra) },
    );

  test("is there as a whole, once it is placed, and not before", async () => {
    await stage();
    expect(readdirSync(inTree("oci/apps"))).toEqual([".mbctl-new.web"]);
    expect(existsSync(inTree("etc"))).toBe(false);
    placeApp(place, app);
    expect(readdirSync(inTree("oci/apps"))).toEqual(["web"]);
    expect(readdirSync(inTree("oci/apps/web")).sort()).toEqual([
      "app.toml",
      "check",
      "env",
      "image.json",
      "root",
      "run",
    ]);
    expect(lstatSync(inTree("oci/apps/web"))).toMatchObject({ uid: 0, gid: 0 });
    expect(lstatSync(inTree("oci/apps/web/env")).mode & 0o777).toBe(0o600);
    expect(readdirSync(inTree("oci/apps/web/run"))).toEqual(["sub"]);
    expect(existsSync(inTree("oci/apps/web/root/srv/deep"))).toBe(true);
    expect(readdirSync(inTree("etc/systemd/system")).sort()).toEqual([
      "multi-user.target.wants",
      "oci-web-log.service",
      "oci-web-log.socket",
      "oci-web.service",
    ]);
    const link = inTree("etc/systemd/system/multi-user.target.wants/oci-web.service");
    expect(readlinkSync(link)).toBe("../oci-web.service");
    expect(readFileSync(join(place.storage, "web/data/first"), "utf8")).toBe("of the image");
    expect(readdirSync(place.storage)).toEqual(["web"]);
    placeApp(place, app);
    expect(readdirSync(inTree("oci/apps"))).toEqual(["web"]);
  });

  test("that is replaced keeps its data", async () => {
    await stage();
    placeApp(place, app);
    writeFileSync(join(place.storage, "web/data/first"), "mine");
    await stage((root) => writeFileSync(join(root, "bin/new"), ""));
    placeApp(place, app);
    expect(readFileSync(join(place.storage, "web/data/first"), "utf8")).toBe("mine");
    expect(existsSync(inTree("oci/apps/web/root/bin/new"))).toBe(true);
    expect(readdirSync(inTree("oci/apps"))).toEqual(["web"]);
    expect(readdirSync(place.storage)).toEqual(["web"]);
  });

  test("that was staged in vain leaves nothing, and one that is removed its data", async () => {
    await stage();
    clearApp(place, app.name);
    expect(readdirSync(place.tree)).toEqual([]);
    expect(readdirSync(place.storage)).toEqual([]);
    await stage();
    placeApp(place, app);
    removeApp(place, app.name, false);
    removeApp(place, app.name, false);
    expect(readdirSync(place.tree)).toEqual(["etc"]);
    expect(readdirSync(inTree("etc/systemd/system"))).toEqual(["multi-user.target.wants"]);
    expect(readdirSync(inTree("etc/systemd/system/multi-user.target.wants"))).toEqual([]);
    expect(existsSync(join(place.storage, "web/data/first"))).toBe(true);
    removeApp(place, app.name, true);
    expect(readdirSync(place.storage)).toEqual([]);
  });

  test.each(["oci", "oci/apps", "etc", "etc/systemd", "etc/systemd/system"])(
    "goes nowhere by a link that the machine puts at %s meanwhile",
    async (path) => {
      const outside = join(top, "outside");
      await stage();
      mkdirSync(inTree("etc/systemd/system"), { recursive: true });
      renameSync(inTree(path), join(top, "away"));
      symlinkSync(outside, inTree(path));
      expect(() => placeApp(place, app)).toThrow("of the machine: a link is there");
      expect(() => removeApp(place, app.name, true)).toThrow("of the machine: a link is there");
      expect(readdirSync(outside)).toEqual([]);
    },
  );

  test.each(["web", "web/data"])("has no volume by a link at %s of the storage", async (path) => {
    const outside = join(top, "outside");
    mkdirSync(join(place.storage, path, ".."), { recursive: true });
    symlinkSync(outside, join(place.storage, path));
    await stage();
    // A link in the place of the volume itself is its own affair: systemd follows it inside of the machine.
    if (path === "web") expect(() => placeApp(place, app)).toThrow("a link is there");
    else placeApp(place, app);
    expect(readdirSync(outside)).toEqual([]);
  });

  test("links of its image lead nowhere but into it", async () => {
    const outside = join(top, "outside");
    await stage((root) => {
      for (const name of ["data", "run"]) {
        rmSync(join(root, name), { recursive: true });
        symlinkSync(`${"../".repeat(20)}${outside}`, join(root, name));
      }
      mkdirSync(join(root, "etc"));
      symlinkSync(join(outside, "shadow"), join(root, "etc/resolv.conf"));
      symlinkSync(outside, join(root, "srv"));
    });
    placeApp(place, app);
    expect(readdirSync(outside)).toEqual([]);
    expect(lstatSync(inTree("oci/apps/web/run")).isDirectory()).toBe(true);
    expect(lstatSync(inTree("oci/apps/web/root/etc/resolv.conf")).isFile()).toBe(true);
    expect(existsSync(inTree("oci/apps/web/root", outside, "deep"))).toBe(true);
  });
});
