import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { EnvEntry } from "../../lib/env/env_entry.ts";
import {
  escapeLineBreaks,
  splitEnvironment,
  unescapeLineBreaks,
} from "../../lib/env/split_environment.ts";
import { SHELLS, shellText } from "./shell_oracle.ts";

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const DEFAULTS: readonly EnvEntry[] = [
  ["PATH", PATH],
  ["TERM", "xterm-256color"],
  ["LANG", "C.UTF-8"],
];

describe("splitEnvironment()", () => {
  test("gives an image without variables the everyday ones", () => {
    expect(splitEnvironment([])).toEqual({ nspawn: DEFAULTS, file: [] });
  });

  test("takes the everyday ones from the image, and puts all others into the file", () => {
    const image: EnvEntry[] = [
      ["NGINX_VERSION", "1.27"],
      ["HOME", "/home/x y"],
      ["PATH", "/opt/bin:/bin"],
      ["my.var", "ok"],
      ["LANG", "de_DE.UTF-8"],
    ];
    expect(splitEnvironment(image)).toEqual({
      nspawn: [
        ["PATH", "/opt/bin:/bin"],
        ["TERM", "xterm-256color"],
        ["HOME", "/home/x y"],
        ["LANG", "de_DE.UTF-8"],
      ],
      file: [
        ["NGINX_VERSION", "1.27"],
        ["my.var", "ok"],
      ],
    });
  });

  test("lets the user's value win, at the place of the image's", () => {
    const split = splitEnvironment(
      [
        ["A", "image"],
        ["B", "image"],
        ["A", "image again"],
      ],
      [
        ["C", "user"],
        ["A", "user"],
        ["TERM", "vt100"],
      ],
    );
    expect(split).toEqual({
      nspawn: [
        ["PATH", PATH],
        ["TERM", "vt100"],
        ["LANG", "C.UTF-8"],
      ],
      file: [
        ["A", "user"],
        ["B", "image"],
        ["C", "user"],
      ],
    });
  });

  test("sends a value with a line break to the nspawn file, escaped", () => {
    const split = splitEnvironment([
      ["KEY", "-----BEGIN\nab\\ncd\r\n"],
      ["PATH", "/a\n/b"],
      ["CR", "a\rb"],
    ]);
    expect(split).toEqual({
      nspawn: [
        ["TERM", "xterm-256color"],
        ["LANG", "C.UTF-8"],
        ["MAN8S_ESCAPED_KEY", "-----BEGIN\\nab\\\\ncd\\r\\n"],
        ["MAN8S_ESCAPED_PATH", "/a\\n/b"],
      ],
      file: [["CR", "a\rb"]],
    });
  });

  const bad: readonly (readonly [entry: EnvEntry, message: string])[] = [
    [["", "x"], 'Cannot set the environment variable "": the name is empty'],
    [
      ["#x", "x"],
      'Cannot set the environment variable "#x": the name begins with #, which starts a comment in man8env.env',
    ],
    [
      ["MAN8S_X", "x"],
      'Cannot set the environment variable "MAN8S_X": names beginning with MAN8S_ are mbctl\'s own',
    ],
    [["A", "x\0"], 'Cannot set the environment variable "A": its value holds a NUL'],
    [
      ["my.var", "a\nb"],
      'Cannot set the environment variable "my.var": its value holds a line break, and its name is none that a shell can set',
    ],
  ];
  test.each(bad)("refuses %j", (entry, message) => {
    expect(() => splitEnvironment([entry])).toThrow(message);
    expect(() => splitEnvironment([], [entry])).toThrow(message);
  });
});

describe("escapeLineBreaks()", () => {
  test("is undone by unescapeLineBreaks()", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary" }),
        (value) => unescapeLineBreaks(escapeLineBreaks(value)) === value,
      ),
    );
  });

  for (const shell of SHELLS) {
    test(`printf %b of ${shell.join(" ")} reads it back`, async () => {
      const samples = fc.sample(shellText(), { numRuns: 1000, seed: 8 });
      const script = "while IFS= read -r line; do printf '%b\\0' \"$line\"; done";
      const child = Bun.spawn([...shell, "-c", script], {
        stdin: new TextEncoder().encode(
          samples.map((value) => `${escapeLineBreaks(value)}\n`).join(""),
        ),
        stdout: "pipe",
      });
      const output = await new Response(child.stdout).text();
      expect(output.split("\0").slice(0, -1)).toEqual(samples);
    });
  }
});
