import { afterAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatApplicationArgs } from "../../lib/env/application_args.ts";
import { InitRoot } from "./init_root.ts";

const root = new InitRoot();
root.applets("printf", "nonsense");
afterAll(() => root[Symbol.dispose]());

/** Runs a program that prints its arguments; `line` is what stands in the env file. */
function argumentsOf(line: string, env = ""): string[] {
  root.write("/man8env.env", `${env}MAN8S_APPLICATION_ARGS=printf '%s\\0' x ${line}\n`);
  const result = root.run();
  expect([result.code, result.stderr]).toEqual([
    0,
    `man8s-init: starting ${root.at("/bin/printf")} as 0:0\n`,
  ]);
  return result.stdout.split("\0").slice(1, -1);
}

describe("the arguments", () => {
  test("carry any words (property)", () => {
    const word = fc
      .oneof(
        fc.string({ unit: "binary", maxLength: 20 }),
        fc.stringMatching(/^[ '"$`\\\n\t*?~#;&|<>(){}!]{0,10}$/),
      )
      .filter((text) => !text.includes("\0") && text.isWellFormed());
    fc.assert(
      fc.property(fc.array(word, { maxLength: 20 }), (words) => {
        expect(argumentsOf(formatApplicationArgs(words))).toEqual(words);
      }),
      { numRuns: 80 },
    );
  });

  test("are a line for sh, in which an administrator may name variables of the file", () => {
    const rows: [line: string, words: string[]][] = [
      ["$PORT", ["80"]],
      ['--port="$PORT" ${PORT}80', ["--port=80", "8080"]],
      ["${MISSING:-none}", ["none"]],
      ["$LIST", ["a", "b"]],
      ["\"$LIST\" '$LIST'", ["a b", "$LIST"]],
      ['"a$MAN8S_NEWLINE"b', ["a\nb"]],
      ["/bin/* *", ["/bin/*", "*"]],
      ["$(echo hello)", ["hello"]],
    ];
    for (const [line, words] of rows) {
      expect([line, argumentsOf(line, "PORT=80\nLIST=a b\n")]).toEqual([line, words]);
    }
  });

  test("of a line that is none end the machine with 125 and a reason", () => {
    const rows = [
      ["'open", "it is no line of shell words"],
      ["$(", "it is no line of shell words"],
      ["a; )", "it is no line of shell words"],
    ];
    for (const [line, reason] of rows) {
      root.write("/man8env.env", `MAN8S_APPLICATION_ARGS=nonsense ${line}\n`);
      const result = root.run();
      expect([line, result.code, result.stderr.trimEnd().split("\n").at(-1)]).toEqual([
        line,
        125,
        `man8s-init: Cannot read MAN8S_APPLICATION_ARGS: ${reason}`,
      ]);
    }
    for (const line of ["", "MAN8S_APPLICATION_ARGS=\n", "MAN8S_APPLICATION_ARGS=$NOTHING\n"]) {
      root.write("/man8env.env", line);
      const result = root.run();
      expect([line, result.code, result.stderr]).toEqual([
        line,
        125,
        "man8s-init: Cannot start the app: MAN8S_APPLICATION_ARGS has no words\n",
      ]);
    }
  });
});
