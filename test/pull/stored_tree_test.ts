/** Trees kept in the store: machines are cloned from them, and verifying finds what is wrong with one. */

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
import { writeImage } from "../lab/images/layout.ts";
import { mbctlBinary } from "../lab/lab.ts";

const needed = ["systemd-nspawn", "busybox"];
const canRun =
  process.getuid?.() === 0 && existsSync(mbctlBinary) && needed.every((name) => Bun.which(name));

describe.skipIf(!canRun)('image_trees = "always"', () => {
  let base = "";
  let root = "";
  let image = "";
  const mbctl = (...words: string[]) => {
    const { exitCode, stdout, stderr } = Bun.spawnSync([
      ...[mbctlBinary, ...words.slice(0, 2), `--root=${root}`, ...words.slice(2)],
    ]);
    return { exitCode, stdout: `${stdout}`, stderr: `${stderr}` };
  };
  const succeed = (...words: string[]) => {
    const outcome = mbctl(...words);
    if (outcome.exitCode !== 0) throw new Error(`${words.join(" ")}: ${outcome.stderr}`);
    return outcome.stdout;
  };
  const machines = () => join(root, "var/lib/man8machines");
  const trees = () =>
    readdirSync(join(machines(), ".mbctl-trees")).filter((name) => !name.endsWith(".json"));

  beforeAll(async () => {
    base = mkdtempSync(join(tmpdir(), "mbctl-trees-"));
    root = join(base, "root");
    mkdirSync(join(root, "etc/mbctl"), { recursive: true });
    writeFileSync(
      join(root, "etc/mbctl/config.toml"),
      'prefix = "300:2e98:a4b0:1789::/64"\nimage_trees = "always"\n',
    );
    image = join(base, "image");
    await writeImage(image, {
      config: { config: { Cmd: ["/app"] } },
      layers: [
        [{ path: "app", content: "one", mode: 0o755 }],
        [
          { path: "etc/", type: "dir" },
          { path: "etc/link", type: "symlink", linkTarget: "../app" },
        ],
      ],
    });
    succeed("oci", "load", image, "--name=example.org/app:1");
  });
  afterAll(() => rmSync(base, { recursive: true, force: true }));

  test("the first machine leaves a tree, the second one is cloned from it without the layers", () => {
    expect(succeed("machines", "pull", "example.org/app:1", "dry", "--dry-run")).toMatch(
      /^unpack .* for this machine and later ones\nclone /m,
    );
    succeed("machines", "pull", "example.org/app:1", "first");
    expect(trees()).toHaveLength(1);
    const dry = succeed("machines", "pull", "example.org/app:1", "second", "--dry-run");
    expect(dry).toMatch(/^clone /m);
    expect(dry).not.toMatch(/^unpack /m);
    writeFileSync(join(machines(), "first/app"), "changed by the first machine");
    succeed("machines", "pull", "example.org/app:1", "second", "--pull=never");
    expect(readFileSync(join(machines(), "second/app"), "utf8")).toBe("one");
    // man8s-init is the machine's, not the image's.
    expect(existsSync(join(machines(), ".mbctl-trees", trees()[0] ?? "", "man8s-init"))).toBe(
      false,
    );
  });

  test("cache verify compares the tree with its layers; a tree that was changed is thrown out and made anew", () => {
    expect(succeed("cache", "verify")).toMatch(/^tree sha256:[0-9a-f]{64}: right$/m);
    writeFileSync(join(machines(), ".mbctl-trees", trees()[0] ?? "", "app"), "two");
    const { exitCode, stdout } = mbctl("cache", "verify");
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^tree sha256:[0-9a-f]{64}: \/app: its (time|content) is/m);
    expect(trees()).toEqual([]);
    succeed("machines", "pull", "example.org/app:1", "third", "--pull=never");
    expect(readFileSync(join(machines(), "third/app"), "utf8")).toBe("one");
    expect(succeed("cache", "verify")).toMatch(/: right$/m);
  });
});
