/** What is run in a machine, run by the shell that runs it there. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { renderProbe, renderSettings } from "../../lib/health/probe_files.ts";
import { checkOf } from "./_machines.ts";

const busybox = Bun.which("busybox") ?? "/bin/busybox";
/** Under `say` it prints its words, each with a NUL behind it, and what stands on its standard input. */
const say = '#!/bin/sh\nprintf "%s\\0" "$@"\ncat\n';
const wordsSettings = { numRuns: 60 };

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "mbctl-probe-"));
  for (const name of ["say", "wget", "plain"]) writeFileSync(join(folder, name), say);
  for (const name of ["say", "wget"]) chmodSync(join(folder, name), 0o755);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Gives the text to the shell as check_health.sh does, on standard input. */
function run(text: string | undefined, shell: readonly string[] = [busybox, "sh"]) {
  const input = Buffer.from(`export PATH='${folder}:/bin'\n${text}`);
  const { exitCode, stdout } = Bun.spawnSync([...shell], {
    stdin: input,
    cwd: "/",
    env: {},
    timeout: 10_000,
  });
  return { exitCode, stdout: stdout.toString() };
}

const word = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: fc.constantFrom(..."'\"\\$`%;&|<>*?~#!{}()\n\t -=i") }),
);
const clean = (text: string) => text.toWellFormed().replaceAll("\0", "");

describe("renderProbe()", () => {
  test("a program gets its words as they are, and an empty standard input", () => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 5 }), (words) => {
        const given = words.map(clean);
        const probe = { kind: "command", words: ["say", ...given] } as const;
        const expected = given.length === 0 ? "\0" : given.map((one) => `${one}\0`).join("");
        expect(run(renderProbe(checkOf(probe)))).toEqual({ exitCode: 0, stdout: expected });
      }),
      wordsSettings,
    );
  });

  test("a line gets to the image's shell as it is", () => {
    fc.assert(
      fc.property(word, (text) => {
        const check = { ...checkOf({ kind: "shell", line: clean(text) }), shell: ["say", "-c"] };
        expect(run(renderProbe(check))).toEqual({ exitCode: 0, stdout: `-c\0${clean(text)}\0` });
      }),
      wordsSettings,
    );
  });

  test("the image's program is run, and no applet of that name", () => {
    const probe = { kind: "command", words: ["wget", "x"] } as const;
    expect(run(renderProbe(checkOf(probe)))).toEqual({ exitCode: 0, stdout: "x\0" });
  });

  test.each([
    [["nothing"], 'there is no program "nothing" in the image\n'],
    [["plain"], 'there is no program "plain" in the image\n'],
    [["/nothing"], 'there is no program "/nothing" in the image\n'],
  ])("%j is told", (words, stdout) => {
    expect(run(renderProbe(checkOf({ kind: "command", words })))).toEqual({
      exitCode: 127,
      stdout,
    });
  });

  test("its exit code is the program's", () => {
    const probe = { kind: "shell", line: "exit 42" } as const;
    expect(run(renderProbe(checkOf(probe))).exitCode).toBe(42);
  });

  test("nothing runs in the machine for http and tcp", () => {
    expect(renderProbe(checkOf({ kind: "tcp", port: 1 }))).toBeUndefined();
    expect(renderProbe(checkOf({ kind: "http", port: 1, path: "/" }))).toBeUndefined();
  });
});

test("renderSettings(): the shell reads every value as it is", () => {
  fc.assert(
    fc.property(word, word, (path, directory) => {
      const http = checkOf({ kind: "http", port: 80, path: clean(path) });
      const command = {
        ...checkOf({ kind: "command", words: ["true"] }),
        workingDirectory: clean(directory),
      };
      const lines = `${renderSettings(http)}${renderSettings(command)}`;
      const { stdout } = run(`${lines}printf '%s\\0' "$path" "$directory" "$kind"\n`);
      expect(stdout).toBe(`${clean(path)}\0${clean(directory)}\0command\0`);
    }),
    wordsSettings,
  );
});

test("a whole system's own shell reads the probe: dash has no variables of busybox's", () => {
  const machine = { ...checkOf({ kind: "command", words: ["say", "a b"] }), isBooted: true };
  expect(renderSettings(machine)).toContain("shell=/bin/sh\n");
  for (const shell of ["dash", "bash"].filter((name) => Bun.which(name) !== null)) {
    const { exitCode, stdout } = run(renderProbe(machine), [Bun.which(shell) ?? ""]);
    expect([exitCode, stdout]).toEqual([0, "a b\0"]);
  }
});
