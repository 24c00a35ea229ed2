/** `make install` and `make uninstall`, into a folder of the test's own. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import packageJson from "../package.json" with { type: "json" };
import { parseHostConfig } from "../lib/config/host_config.ts";

const project = join(import.meta.dir, "..");
let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "mbctl-install-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function make(...words: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(["make", "-s", ...words], {
    cwd: project,
    // A make above this test must not hand its own settings down.
    env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "/root" },
    stdout: "ignore",
  });
  if (exitCode !== 0) throw new Error(stderr.toString());
}

/** `MODE PATH` of every file below a folder. */
function files(below: string): string[] {
  return readdirSync(below, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => `${(statSync(path).mode & 0o777).toString(8)} ${relative(below, path)}`)
    .sort((a, b) => (a.slice(4) < b.slice(4) ? -1 : 1));
}

const bridge = files(join(project, "systemd-configs")).map(
  (file) => `644 usr/share/mbctl/systemd-configs/${file.slice("644 ".length)}`,
);
const documents = readdirSync(project)
  .filter((name) => /^(README.*\.md|CHANGELOG\.md|LICENSE|config\.toml\.example)$/.test(name))
  .concat(
    readdirSync(join(project, "docs"))
      .filter((name) => name.endsWith(".md"))
      .map((name) => `docs/${name}`),
  )
  .map((name) => `644 usr/share/doc/mbctl/${name}`);

describe("make install", () => {
  test("puts the program, the bridge's files, completions and a default configuration in their places", () => {
    make("install", "PREFIX=/usr", `DESTDIR=${folder}/fresh`);
    const wanted = [
      "644 etc/mbctl/config.toml",
      "755 usr/bin/mbctl",
      "644 usr/lib/systemd/system/mbctl-recover.service",
      "644 usr/lib/systemd/system/mbctl-upgrade.service",
      "644 usr/lib/systemd/system/mbctl-upgrade.timer",
      "644 usr/share/bash-completion/completions/mbctl",
      ...documents,
      "644 usr/share/fish/vendor_completions.d/mbctl.fish",
      ...bridge,
      "644 usr/share/zsh/site-functions/_mbctl",
    ];
    expect(files(join(folder, "fresh"))).toEqual(
      wanted.sort((a, b) => (a.slice(4) < b.slice(4) ? -1 : 1)),
    );
  }, 60_000);

  test("installs a timer whose service calls that program", () => {
    const unit = join(folder, "fresh/usr/lib/systemd/system/mbctl-upgrade.service");
    expect(readFileSync(unit, "utf8")).toContain(
      "\nExecStart=/usr/bin/mbctl machines upgrade --all --auto\n",
    );
  });

  test("installs a program that runs, and the completions that it prints", () => {
    const program = join(folder, "fresh/usr/bin/mbctl");
    const run = (...words: string[]) => Bun.spawnSync([program, ...words]).stdout.toString();
    expect(run("version")).toBe(`${packageJson.version}\n`);
    const installed = {
      bash: "bash-completion/completions/mbctl",
      zsh: "zsh/site-functions/_mbctl",
      fish: "fish/vendor_completions.d/mbctl.fish",
    };
    for (const [shell, path] of Object.entries(installed)) {
      expect(readFileSync(join(folder, "fresh/usr/share", path), "utf8")).toBe(
        run("completion", shell),
      );
    }
  });

  test("keeps the configuration of the host, which make uninstall leaves as well", () => {
    const config = join(folder, "fresh/etc/mbctl/config.toml");
    writeFileSync(config, 'bridge = "br0"\n');
    chmodSync(config, 0o600);
    make("install", "PREFIX=/usr", `DESTDIR=${folder}/fresh`);
    expect(readFileSync(config, "utf8")).toBe('bridge = "br0"\n');
    make("uninstall", "PREFIX=/usr", `DESTDIR=${folder}/fresh`);
    expect(files(join(folder, "fresh"))).toEqual(["600 etc/mbctl/config.toml"]);
  }, 60_000);

  test("goes below /usr/local by default, and takes a folder with a blank in its name", () => {
    make("install", `DESTDIR=${folder}/with blank`);
    expect(files(join(folder, "with blank"))).toContain("755 usr/local/bin/mbctl");
    const zsh = "644 usr/local/share/zsh/site-functions/_mbctl";
    expect(files(join(folder, "with blank"))).toContain(zsh);
    // Where a path is split at its blank, the rest of it is made in the current directory.
    expect(existsSync(join(project, "blank"))).toBe(false);
  }, 60_000);
});

describe("config.toml.example", () => {
  const text = readFileSync(join(project, "config.toml.example"), "utf8");

  test("says what holds without it", () => {
    expect(parseHostConfig(text, "config.toml")).toEqual(parseHostConfig("", "config.toml"));
  });

  test("has keys that are known, with values that fit", () => {
    const { bridge, stopTimeoutSec } = parseHostConfig(undefined, "config.toml");
    const config = parseHostConfig(text.replaceAll(/^#([a-z_]+ = |\[)/gm, "$1"), "config.toml");
    expect(config).toMatchObject({
      bridge,
      stopTimeoutSec,
      busybox: "/usr/bin/busybox",
    });
    expect(config.prefix).toBeDefined();
    expect(config.hosts.map(({ name }) => name)).toEqual(["hostb"]);
  });
});
