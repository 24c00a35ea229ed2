/**
 * The scripts in the shells themselves. Needs bash, zsh and fish (Debian packages of
 * these names).
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { COMPLETION_SHELLS, completionScript } from "../../lib/cli/completion_scripts.ts";

let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "mbctl-shells-"));
  const entry = join(import.meta.dir, "fixture_program.ts");
  writeFileSync(join(folder, "mbctl"), `#!/bin/sh\nexec '${process.execPath}' '${entry}' "$@"\n`);
  chmodSync(join(folder, "mbctl"), 0o755);
  for (const shell of COMPLETION_SHELLS) {
    writeFileSync(join(folder, `completion.${shell}`), completionScript(shell));
  }
  mkdirSync(join(folder, "files/a folder"), { recursive: true });
  writeFileSync(join(folder, "files/a file"), "");
});

afterAll(() => rmSync(folder, { recursive: true }));

async function run(command: readonly string[], environment: Record<string, string> = {}) {
  const child = Bun.spawn([...command], {
    cwd: join(folder, "files"),
    env: {
      PATH: `${folder}:/usr/bin:/bin`,
      HOME: folder,
      TERM: "xterm",
      LC_ALL: "C.UTF-8",
      ...environment,
    },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { exitCode: await child.exited, stdout, stderr };
}

/** Types keys into an interactive shell on a terminal, and returns all that the shell then shows. */
async function type(command: readonly string[], keys: string, until: RegExp): Promise<string> {
  let shown = "";
  let isTyped = false;
  const { promise: seen, resolve } = Promise.withResolvers<void>();
  const child = Bun.spawn([...command], {
    cwd: join(folder, "files"),
    env: {
      PATH: `${folder}:/usr/bin:/bin`,
      HOME: folder,
      TERM: "xterm",
      LC_ALL: "C.UTF-8",
    },
    terminal: {
      cols: 200,
      rows: 50,
      data(terminal, data) {
        shown += new TextDecoder().decode(data);
        if (!isTyped && shown.includes("READY>")) {
          isTyped = true;
          shown = "";
          terminal.write(keys);
        }
        if (isTyped && until.test(shown)) resolve();
      },
    },
  });
  await Promise.race([seen, Bun.sleep(8000)]);
  child.kill("SIGKILL");
  await child.exited;
  return shown;
}

/** What the fixture verb says when the shell has completed its image. */
const PULLED = /"image":"docker\.io\/library\/nginx:stable","newName":"X"/;

describe("each script", () => {
  test.each([
    ["bash", ["bash", "-n"]],
    ["zsh", ["zsh", "-n"]],
    ["fish", ["fish", "--no-execute"]],
  ] as const)("is right for %s", async (shell, checker) => {
    expect(await run([...checker, join(folder, `completion.${shell}`)])).toEqual({
      exitCode: 0,
      stdout: "",
      stderr: "",
    });
  });
});

describe("bash", () => {
  /** The candidates for a line, by what bash would put into the variables of its completion. */
  async function candidates(line: string, words: readonly string[]): Promise<string[]> {
    const script = `. "$1"; line=$2; shift 2; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
      COMP_LINE=$line COMP_POINT=\${#line}; _mbctl; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const seen = await run([
      "bash",
      "--norc",
      "-c",
      script,
      "bash",
      join(folder, "completion.bash"),
      line,
      ...words,
    ]);
    expect(seen.stderr).toBe("");
    return seen.stdout.split("\n").filter((text) => text !== "");
  }

  const rows: [string, string[], string[]][] = [
    ["mbctl machines p", ["mbctl", "machines", "p"], ["pull"]],
    ["mbctl machines start ", ["mbctl", "machines", "start", ""], ["db", "web"]],
    [
      "mbctl machines pull docker.io/library/redis:",
      ["mbctl", "machines", "pull", "docker.io/library/redis", ":"],
      ["7", "8"],
    ],
    [
      "mbctl machines pull --template=net",
      ["mbctl", "machines", "pull", "--template", "=", "net"],
      ["network_isolated"],
    ],
    ["mbctl ask a", ["mbctl", "ask", "a"], ["a file", "a folder"]],
    ["mbctl ask --into=", ["mbctl", "ask", "--into", "="], ["a folder"]],
  ];
  test.each(rows)("completes %j", async (line, words, expected) => {
    expect((await candidates(line, words)).sort()).toEqual(expected);
  });

  test("completes at the TAB key, behind a colon too", async () => {
    writeFileSync(join(folder, "bashrc"), `PS1='READY>'; . ${folder}/completion.bash\n`);
    const shown = await type(
      ["bash", "--rcfile", `${folder}/bashrc`, "-i"],
      `mbctl machines pull docker.io/library/nginx:st\tX\r`,
      PULLED,
    );
    expect(shown).toMatch(PULLED);
  });
});

describe("zsh", () => {
  beforeAll(() => {
    writeFileSync(
      join(folder, ".zshrc"),
      `PS1='READY>'; autoload -U compinit; compinit -u -D; . ${folder}/completion.zsh\n`,
    );
  });

  test("completes files behind what is no part of their name", async () => {
    const shown = await type(
      ["zsh", "-i"],
      "mbctl machines pull oci:a\\ fo\tx X\r",
      /"newName":"X"/,
    );
    expect(shown).toMatch(/"image":"oci:a folder\/x"/);
  });

  test("completes at the TAB key", async () => {
    const shown = await type(
      ["zsh", "-i"],
      "mbctl machines pull docker.io/library/nginx:st\tX\r",
      PULLED,
    );
    expect(shown).toMatch(PULLED);
  });
});

describe("fish", () => {
  test.each([
    ["mbctl machines st", "start\n"],
    ["mbctl machines start w", "web\n"],
    ["mbctl machines pull docker.io/library/nginx:", "docker.io/library/nginx:stable\n"],
    ["mbctl ask a", "a file\na folder/\n"],
    ["mbctl ask --into=a", "--into=a folder/\n"],
    ["mbctl machines pull oci:a", "oci:a file\noci:a folder/\n"],
  ])("completes %j", async (line, expected) => {
    const seen = await run([
      "fish",
      "--no-config",
      "-c",
      `source $argv[1]; complete -C $argv[2]`,
      join(folder, "completion.fish"),
      line,
    ]);
    // Behind a tab stands an explanation; for files it is fish's own.
    const offered = seen.stdout.replace(/\t.*/g, "");
    expect({ ...seen, stdout: offered }).toEqual({
      exitCode: 0,
      stdout: expected,
      stderr: "",
    });
  });
});
