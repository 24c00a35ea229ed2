import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { quoteLine, quoteWord, quoteWords } from "../../lib/env/posix_sh.ts";
import { SHELLS, shellText } from "./shell_oracle.ts";

const ROWS: readonly (readonly [word: string, quoted: string])[] = [
  ["", "''"],
  ["plain", "plain"],
  ["/usr/bin/env", "/usr/bin/env"],
  ["--tls-verify=false", "--tls-verify=false"],
  ["docker.io/library/nginx:1.27@sha256:ab", "docker.io/library/nginx:1.27@sha256:ab"],
  ["PATH=/bin", "'PATH=/bin'"],
  ["a+=b", "'a+=b'"],
  ["if", "'if'"],
  ["~", "'~'"],
  ["two words", "'two words'"],
  ["it's", "'it'\\''s'"],
  ["$HOME", "'$HOME'"],
  ["`id`", "'`id`'"],
  ["a\nb", "'a\nb'"],
  ["back\\slash", "'back\\slash'"],
  ["*", "'*'"],
  ["[::]:8080", "'[::]:8080'"],
  ["#x", "'#x'"],
  ["ü", "'ü'"],
];

describe("quoteWord()", () => {
  test.each(ROWS)("quotes %j as %j", (word, quoted) => {
    expect(quoteWord(word)).toBe(quoted);
  });

  test("refuses a NUL", () => {
    expect(() => quoteWord("a\0b")).toThrow('Cannot quote "a\\u0000b" for a shell: it holds a NUL');
  });

  for (const shell of SHELLS) {
    test(`${shell.join(" ")} reads back every word exactly`, async () => {
      const samples = fc.sample(fc.array(shellText(), { maxLength: 6 }), {
        numRuns: 1000,
        seed: 8,
      });
      samples.push(ROWS.map(([word]) => word));
      // One process for all: each sample becomes a `set --`, printed with its count.
      const script = samples
        .map((words) => `set -- ${quoteWords(words)}; printf '%s\\0' "$#" "$@"`)
        .join("\n");
      const child = Bun.spawn([...shell], {
        stdin: new TextEncoder().encode(script),
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

describe("quoteLine()", () => {
  for (const shell of SHELLS) {
    test(`gives ${shell.join(" ")} the same words, on one line`, async () => {
      const text = shellText().filter((word) => !word.endsWith("\n"));
      const samples = fc.sample(fc.array(text, { maxLength: 6 }), { numRuns: 300, seed: 9 });
      samples.push(["sh", "-c", "set -e\necho '$x' \\n\ndone"]);
      const lines = samples.map((words) => `set -- ${quoteLine(words)}; printf '%s\\0' "$#" "$@"`);
      expect(lines.filter((line) => line.includes("\n"))).toEqual([]);
      const child = Bun.spawn([...shell], {
        stdin: new TextEncoder().encode(lines.join("\n")),
        stdout: "pipe",
      });
      const output = await new Response(child.stdout).text();
      expect(output.split("\0").slice(0, -1)).toEqual(
        samples.flatMap((words) => [String(words.length), ...words]),
      );
    });
  }

  test("leaves a word that ends in a line break on several lines", () => {
    expect(quoteLine(["a\n"])).toBe("'a\n'");
  });
});
