import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseImageConfig } from "../../lib/image/config.ts";
import { machinePaths } from "../../lib/paths.ts";
import { requireChoices, requireMountPoints } from "../../lib/steps/require_choices.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { defaultChoices, type MachineSpec } from "../../lib/spec/machine_spec.ts";
import { app } from "../apps/_app.ts";
import { canMount, mountFileSystem } from "../trees/_loop.ts";

const root = mkdtempSync(join(tmpdir(), "choices-"));
afterAll(() => rmSync(root, { recursive: true }));
const name = parseMachineName("web");
const image = parseImageConfig({ architecture: "amd64", os: "linux", config: { Cmd: ["/app"] } });
const spec: MachineSpec = {
  ...defaultChoices,
  ...{ name, environment: [], volumes: [] },
  image: { reference: "x:1", digest: "sha256:0", manifestDigest: "sha256:1" },
};

test("requireChoices() gives the warnings of checkChoices(), and its errors", () => {
  expect(requireChoices(root, spec, image)).toEqual([]);
  const dropped = { ...spec, capabilities: { add: [], drop: ["ALL"] } };
  expect(requireChoices(root, dropped, image)).toHaveLength(1);
  expect(() => requireChoices(root, { ...spec, depends: [name] }, image)).toThrow("on itself");
});

test("requireChoices() wants a folder for a volume of the administrator's", () => {
  const source = join(root, "file");
  writeFileSync(source, "");
  const volumes = [{ path: "/v", kind: "host", source }] as const;
  expect(() => requireChoices(root, { ...spec, volumes }, image)).toThrow("it is no directory");
  const office = { ...spec, mode: "base", apps: [{ ...app, volumes }] } as const;
  expect(() => requireChoices(root, office, image)).toThrow("it is no directory");
});

test.skipIf(!canMount)(
  "requireChoices() wants quotas where a tree is to be limited, also where none is yet",
  async () => {
    await using mounted = await mountFileSystem("tmpfs", 16);
    const limited = { ...spec, limits: { disk: 1024 ** 3 } };
    expect(() => requireChoices(mounted.path, limited, image)).toThrow(
      `Cannot limit the disk space of ${mounted.path}: it lies on tmpfs`,
    );
    const folder = join(mounted.path, "var/lib/man8machines");
    mkdirSync(folder, { recursive: true });
    expect(() => requireChoices(mounted.path, limited, image)).toThrow(folder);
  },
  60_000,
);

test("requireMountPoints() refuses what cannot be mounted on in the tree that there is", () => {
  const volumes = (path: string) => [{ path, kind: "tmpfs" }] as const;
  const require = (path: string) =>
    requireMountPoints(root, { ...spec, volumes: volumes(path) }, image);
  // A machine that is to be made has none yet.
  require("/file");
  const { tree } = machinePaths(root, name);
  mkdirSync(join(tree, "folder"), { recursive: true });
  writeFileSync(join(tree, "file"), "");
  require("/folder");
  require("/folder/new");
  expect(() => require("/file")).toThrow('Cannot mount anything at "/file"');
  expect(() => require("/file/below")).toThrow("/file is no directory in the image");
});
