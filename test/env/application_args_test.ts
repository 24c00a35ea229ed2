import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatApplicationArgs } from "../../lib/env/application_args.ts";
import { SHELLS, shellText } from "./shell_oracle.ts";

const ROWS: readonly (readonly [words: readonly string[], line: string])[] = [
  [[], ""],
  [
    ["registry", "serve", "/etc/docker/registry/config.yml"],
    "registry serve /etc/docker/registry/config.yml",
  ],
  [["nginx", "-g", "daemon off;"], "nginx -g 'daemon off;'"],
  [["sh", "-c", "echo $HOME"], "sh -c 'echo $HOME'"],
  [["", ""], "'' ''"],
  [["a\nb"], 'a"$MAN8S_NEWLINE"b'],
  [["\n"], '"$MAN8S_NEWLINE"'],
  [["it's\nnot $1\n"], `'it'\\''s'"$MAN8S_NEWLINE"'not $1'"$MAN8S_NEWLINE"`],
];

describe("formatApplicationArgs()", () => {
  test.each(ROWS)("formats %j as %j", (words, line) => {
    expect(formatApplicationArgs(words)).toBe(line);
  });

  test("refuses a NUL", () => {
    expect(() => formatApplicationArgs(["a\n\0"])).toThrow("it holds a NUL");
  });

  for (const shell of SHELLS) {
    test(`${shell.join(" ")} evaluates the line back to the very words`, async () => {
      const samples = fc.sample(fc.array(shellText(), { maxLength: 6 }), {
        numRuns: 1000,
        seed: 8,
      });
      samples.push(...ROWS.map(([words]) => [...words]));
      const lines = samples.map((words) => formatApplicationArgs(words));
      expect(lines.filter((line) => line.includes("\n"))).toEqual([]);
      // As man8s-init does it: the line comes out of a file verbatim, then goes through eval.
      const script = `MAN8S_NEWLINE='\n'
while IFS= read -r line; do eval "set -- $line"; printf '%s\\0' "$#" "$@"; done`;
      const child = Bun.spawn([...shell, "-c", script], {
        stdin: new TextEncoder().encode(lines.map((line) => `${line}\n`).join("")),
        stdout: "pipe",
      });
      const output = await new Response(child.stdout).text();
      expect(output.split("\0").slice(0, -1)).toEqual(
        samples.flatMap((words) => [String(words.length), ...words]),
      );
      expect(await child.exited).toBe(0);
    });
  }
});
