/** Images written to files and read again, by the program, on hosts below temporary folders. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Layout } from "../lab/images/layout.ts";
import { mbctlBinary } from "../lab/lab.ts";

const canRun = process.getuid?.() === 0 && existsSync(mbctlBinary) && Bun.which("skopeo") !== null;
const name = "example.org/team/app:1";

describe.skipIf(!canRun)("oci save and oci load", () => {
  let base = "";
  let hosts = 0;
  /** Digest of what each layout names. */
  const digests: Record<string, string> = {};

  /** A new host. */
  const newHost = () => {
    const root = join(base, `host${hosts++}`);
    mkdirSync(root);
    return root;
  };
  const mbctl = (root: string, ...words: string[]) => {
    const { exitCode, stdout, stderr } = Bun.spawnSync(
      [mbctlBinary, ...words.slice(0, 2), `--root=${root}`, ...words.slice(2)],
      { cwd: base },
    );
    return {
      exitCode,
      stdout: `${stdout}`.replaceAll(base, "BASE"),
      stderr: `${stderr}`.replaceAll(base, "BASE"),
    };
  };
  const skopeo = (...words: string[]) => {
    const { exitCode, stdout, stderr } = Bun.spawnSync(["skopeo", ...words]);
    if (exitCode !== 0) throw new Error(`${stderr}`);
    return `${stdout}`;
  };

  beforeAll(async () => {
    base = mkdtempSync(join(tmpdir(), "mbctl-save-"));
    for (const kind of ["oci", "docker", "index"] as const) {
      const layout = await Layout.create(join(base, kind));
      const image = await layout.addImage({
        config: { config: { Cmd: ["/app"] } },
        layers: [
          [{ path: "app", content: kind, mode: 0o755 }],
          [{ path: "more", content: "x".repeat(5000) }],
        ],
        mediaTypes: kind === "docker" ? "docker" : "oci",
      });
      const other = {
        ...image,
        digest: `sha256:${"0".repeat(64)}`,
        platform: { os: "linux", architecture: "s390x" },
      };
      // An index that names what is not there: it was for another platform.
      const top = kind === "index" ? await layout.addIndex([other, image]) : image;
      digests[kind] = top.digest;
      await layout.tag(name, top);
    }
  });
  afterAll(() => rmSync(base, { recursive: true, force: true }));

  const kinds = [
    ["oci", "oci-archive"],
    ["oci", "oci-dir"],
    ["docker", "oci-archive"],
    ["docker", "oci-dir"],
    ["index", "oci-archive"],
    ["index", "oci-dir"],
  ] as const;

  test.each(kinds)("an image of kind %s comes through %s with its digest", (kind, format) => {
    const [from, to] = [newHost(), newHost()];
    expect(mbctl(from, "oci", "load", join(base, kind))).toMatchObject({
      exitCode: 0,
      stdout: `${name} ${digests[kind]}\n`,
    });
    const saved = join(base, `${kind}-${format}`);
    expect(
      mbctl(from, "oci", "save", name, saved, `--format=${format}`, "--pull=never"),
    ).toMatchObject({ exitCode: 0 });
    expect(mbctl(to, "oci", "load", saved)).toMatchObject({
      exitCode: 0,
      stdout: `${name} ${digests[kind]}\n`,
    });
    const tree = join(to, "tree");
    expect(mbctl(to, "oci", "download", name, tree, "--pull=never")).toMatchObject({ exitCode: 0 });
    expect(readFileSync(join(tree, "app"), "utf8")).toBe(kind);
    expect(readdirSync(base).filter((entry) => entry.startsWith("."))).toEqual([]);
  });

  test("skopeo reads what was saved, and podman's way of loading finds the name", () => {
    for (const transport of ["oci-archive", "oci"]) {
      const path = join(base, `oci-oci-${transport === "oci" ? "dir" : "archive"}`);
      const raw = skopeo("inspect", "--raw", `${transport}:${path}:${name}`);
      expect(`sha256:${new Bun.CryptoHasher("sha256").update(raw).digest("hex")}`).toBe(
        digests.oci ?? "",
      );
    }
  });

  test("a docker-archive, plain and compressed, is loaded under its name, or under one that is given", () => {
    const archive = join(base, "docker.tar");
    skopeo(
      "copy",
      "--quiet",
      `oci:${join(base, "oci")}:${name}`,
      `docker-archive:${archive}:${name}`,
    );
    const host = newHost();
    expect(mbctl(host, "oci", "load", archive).stdout).toMatch(
      /^example\.org\/team\/app:1 sha256:[0-9a-f]{64}\n$/,
    );
    writeFileSync(`${archive}.gz`, Bun.gzipSync(new Uint8Array(readFileSync(archive))));
    const compressed = mbctl(
      newHost(),
      "oci",
      "load",
      `${archive}.gz`,
      "--name=example.org/other:2",
    );
    expect(compressed).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^example\.org\/other:2 sha256:/),
    });
    const tree = join(host, "tree");
    expect(mbctl(host, "oci", "download", name, tree, "--pull=never")).toMatchObject({
      exitCode: 0,
    });
    expect(readFileSync(join(tree, "app"), "utf8")).toBe("oci");
  });

  test("what is no image is refused, and nothing is left", () => {
    const host = newHost();
    writeFileSync(join(base, "text"), "no archive at all");
    mkdirSync(join(base, "empty"));
    for (const path of ["text", "empty", "missing"]) {
      const { exitCode, stderr } = mbctl(host, "oci", "load", join(base, path));
      expect([path, exitCode]).toEqual([path, 2]);
      expect(stderr).toMatch(/^mbctl: Cannot (load|read|use) /m);
      expect(stderr).toMatch(/^hint: /m);
    }
    const never = mbctl(host, "oci", "save", name, join(base, "out.tar"), "--pull=never");
    expect(never).toMatchObject({ exitCode: 1 });
    expect(existsSync(join(base, "out.tar"))).toBe(false);
  });

  test("a damaged blob is not saved, and an earlier file stays", () => {
    const host = newHost();
    mbctl(host, "oci", "load", join(base, "oci"));
    const target = join(base, "kept.tar");
    writeFileSync(target, "earlier");
    const { layers } = JSON.parse(mbctl(host, "oci", "inspect", name, "--json").stdout);
    const blob = join(host, "var/cache/mbctl/blobs", layers[1].digest.replace(":", "/"));
    writeFileSync(blob, Buffer.alloc(layers[1].size ?? readFileSync(blob).length));
    const { exitCode, stderr } = mbctl(host, "oci", "save", name, target, "--pull=never");
    expect(exitCode).toBe(1);
    expect(stderr).toContain(
      `Cannot save the blob ${layers[1].digest}: it was damaged in the store`,
    );
    expect(readFileSync(target, "utf8")).toBe("earlier");
    expect(existsSync(blob)).toBe(false);
    expect(readdirSync(base).filter((entry) => entry.startsWith("."))).toEqual([]);
  });

  test("a folder that holds something is not overwritten, and a folder is no archive", () => {
    const host = newHost();
    mbctl(host, "oci", "load", join(base, "oci"));
    const full = mbctl(host, "oci", "save", name, join(base, "oci"), "--format=oci-dir");
    expect([full.exitCode, full.stderr]).toEqual([
      2,
      'mbctl: Cannot save to "BASE/oci": the folder holds something\nhint: name a folder that is empty or does not exist\n',
    ]);
    const folder = mbctl(host, "oci", "save", name, join(base, "oci"));
    expect([folder.exitCode, folder.stderr]).toEqual([
      2,
      'mbctl: Cannot save to "BASE/oci": it is a folder\nhint: --format oci-dir saves to a folder\n',
    ]);
  });
});
