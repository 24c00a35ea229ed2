import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { completeWords } from "../../lib/cli/completion.ts";
import { hostSources } from "../../lib/cli/completion_sources.ts";
import type { OfMachine } from "../../lib/cli/flags.ts";
import { verbTable } from "../../scripts/mbctl.ts";
import { fixtureTable } from "./fixture_verbs.ts";
import { transcript } from "./transcript.ts";

const sources = {
  machines: (root: string) => (root === "/" ? ["web", "db"] : [`of-${root}`]),
  ofMachine: (root: string, kind: string, machine?: string) => [
    `${kind}-${root}-${machine}`,
    "one",
  ],
  images: () => ["docker.io/library/redis:7", "localhost:5000/x@sha256:00"],
  templates: (root: string) => [`of-${root}`],
};

describe("completeWords()", () => {
  const rows: [string, readonly string[], string?][] = [
    ["", ["machines", "fail", "ask", "help"]],
    ["mach", ["machines", "fail", "ask", "help"]],
    ["-", ["--help", "--version", "--verbose", "--root"]],
    ["--root ", [], "directories"],
    ["--root /x machines start ", ["of-/x"]],
    ["machines ", ["pull", "list", "logs", "start", "shell"]],
    ["help machines ", ["pull", "list", "logs", "start", "shell"]],
    ["machines list ", []],
    ["machines start ", ["web", "db"]],
    ["machines start web ", ["db"]],
    ["machines start --root=/y ", ["of-/y"]],
    ["machines pull ", ["docker.io/library/redis:7", "localhost:5000/x@sha256:00"]],
    ["machines pull oci:/x", ["docker.io/library/redis:7", "localhost:5000/x@sha256:00"], "files"],
    ["machines pull redis ", []],
    ["machines pull --template ", ["network_isolated", "host_network"]],
    ["machines pull --template=", ["--template=network_isolated", "--template=host_network"]],
    ["machines pull --tls-verify=", ["--tls-verify=true", "--tls-verify=false"]],
    ["machines pull --mount ", []],
    ["machines pull --network ", ["bridge", "of-/"]],
    ["machines pull --network=", ["--network=bridge", "--network=of-/"]],
    ["machines pull --progress ", ["auto", "plain", "json"]],
    ["machines start -", ["--dry-run", "--yes", "--quiet", "--verbose", "--root", "--help"]],
    ["machines logs -n ", []],
    ["machines logs -n5 ", ["web", "db"]],
    ["machines logs -f ", ["web", "db"]],
    ["machines logs -f -", ["--follow", "--lines", "--json", "--verbose", "--root", "--help"]],
    ["machines logs --follow -", ["--lines", "--json", "--verbose", "--root", "--help"]],
    ["machines shell web ", []],
    ["machines shell web -- ", [], "files"],
    ["machines start -- ", ["web", "db"]],
    ["ask ", [], "files"],
    ["ask --into ", [], "directories"],
    ["ask --into=/v", [], "directories"],
    ["fail ", ["failed", "usage", "host", "conflict", "tool", "interrupted", "bug"]],
    ["nonsense ", []],
    ["machines nonsense ", []],
    ["machines list --nonsense=", []],
  ];
  test.each(rows.map(([line, texts, shell]) => ({ line, texts, shell })))(
    "offers what may follow $line",
    async ({ line, texts, shell }) => {
      const completion = await completeWords(fixtureTable, line.split(" "), sources);
      expect(completion.candidates.map(({ text }) => text)).toEqual([...texts]);
      expect(completion.shell as string | undefined).toBe(shell);
    },
  );
});

test.each([
  ["machines forget web ", ["snapshot-/-web", "one"]],
  ["machines forget web one ", ["snapshot-/-web"]],
  ["machines app remove --root=/x web ", ["app-/x-web", "one"]],
  ["machines logs web --app ", ["app-/-web", "one"]],
  ["machines logs --app=", ["--app=app-/-undefined", "--app=one"]],
  ["machines pull x y --connector ", ["web", "db"]],
  ["connector add web ", ["db"]],
  ["connector remove web ", ["connector-/-web", "one"]],
  ["connector call db ", ["lent-command-/-db", "one"]],
])("completeWords() offers what is the machine's after %s", async (line, texts) => {
  const { candidates } = await completeWords(verbTable, line.split(" "), sources);
  expect(candidates.map(({ text }) => text)).toEqual(texts);
});

describe("the hidden verb __complete", () => {
  const run = (words: readonly string[]) =>
    transcript(fixtureTable, ["__complete", ...words], {
      options: { completion: sources },
    });

  test("offers what begins like the word, and says what it means", async () => {
    expect(await run(["zsh", "--", "machines", "l"])).toEqual({
      exitCode: 0,
      stdout: "list\tlist the machines\nlogs\tshow the journal of a machine\n",
      stderr: "",
    });
  });

  test("gives bash the part behind the last word break", async () => {
    const seen = await run(["bash", "mbctl machines pull docker.io/library/redis:"]);
    expect(seen.stdout).toBe("7\t\n");
  });

  test("tells the shell to offer files", async () => {
    expect((await run(["fish", "--", "ask", "x"])).stdout).toBe(":files\n");
  });

  test("says nothing where the line makes no sense", async () => {
    expect((await run(["bash", "mbctl --nonsense machines "])).stdout).toBe("");
    expect((await run(["bash"])).stdout).not.toMatch(/undefined/);
    expect((await run([])).exitCode).toBe(0);
  });
});

describe("hostSources", () => {
  test("finds machines by their configuration, images in the cache, templates in their folder", () => {
    const root = mkdtempSync(join(tmpdir(), "mbctl-completion-"));
    try {
      expect([hostSources.machines(root), hostSources.images(root)]).toEqual([[], []]);
      mkdirSync(join(root, "var/lib/man8machine_configs/web"), {
        recursive: true,
      });
      mkdirSync(join(root, "var/lib/man8machine_configs/.staging"));
      expect(hostSources.templates(root)).toEqual([]);
      mkdirSync(join(root, "etc/mbctl/templates"), { recursive: true });
      for (const name of ["lan.toml", "cable.toml", "notes"])
        writeFileSync(join(root, "etc/mbctl/templates", name), "");
      expect(hostSources.templates(root)).toEqual(["cable", "lan"]);
      for (const label of ["one", ".mbctl-new"])
        mkdirSync(join(root, "var/lib/man8machines/.mbctl-snapshots/web", label), {
          recursive: true,
        });
      expect(hostSources.ofMachine(root, "snapshot", "web")).toEqual(["one"]);
      expect(hostSources.ofMachine(root, "snapshot", "../web")).toEqual([]);
      const references = join(root, "var/cache/mbctl/references");
      mkdirSync(references, { recursive: true });
      const digest = `sha256-${"0".repeat(64)}`;
      for (const name of ["b%2Fb:1", "a:1", "a@sha256:00", "100%:1", digest])
        writeFileSync(join(references, `${name}.json`), "");
      writeFileSync(
        join(root, "var/lib/man8machine_configs/web/machine.toml"),
        'connectors = ["db", "cache"]\n[image]\nreference = "docker.io/library/redis:7"\n\n[lend]\nping = ["ping"]\n[[apps]]\nname = "shop" # "x"\n[apps.env]\nname = "no"\n[apps.lend]\n"a.b" = [ "c" ]\n[[apps]]\nname = "db"\n',
      );
      const ofWeb = (kind: OfMachine) => hostSources.ofMachine(root, kind, "web");
      expect(ofWeb("app")).toEqual(["shop", "db"]);
      expect(ofWeb("connector")).toEqual(["db", "cache"]);
      expect(ofWeb("lent-command")).toEqual(["ping", "a.b"]);
      expect(hostSources.ofMachine(root, "app", undefined)).toEqual(["db", "shop"]);
      const lender = join(root, "var/lib/man8machine_configs/db");
      mkdirSync(join(lender, ".mbctl"), { recursive: true });
      writeFileSync(join(lender, "machine.toml"), 'schema = 1\nmode = "connector"\n');
      const image = { config: { Entrypoint: ["/usr/bin/psql", "-h"] } };
      writeFileSync(join(lender, ".mbctl/image.json"), JSON.stringify(image));
      expect(hostSources.ofMachine(root, "lent-command", "db")).toEqual(["psql"]);
      expect([hostSources.machines(root), hostSources.images(root)]).toEqual([
        ["db", "web"],
        ["a:1", "b/b:1", "docker.io/library/redis:7"],
      ]);
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});
