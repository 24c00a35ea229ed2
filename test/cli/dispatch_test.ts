import { describe, expect, test } from "bun:test";
import { dispatch } from "../../lib/cli/dispatch.ts";
import { fixtureTable } from "./fixture_verbs.ts";
import { expectGolden } from "./golden.ts";
import { renderTranscript, type Surroundings, transcript } from "./transcript.ts";

async function session(
  name: string,
  commands: readonly (readonly string[])[],
  around?: Surroundings,
): Promise<void> {
  let text = "";
  for (const words of commands) {
    text += `${renderTranscript(words, await transcript(fixtureTable, words, around))}\n`;
  }
  expectGolden(name, text);
}

describe("main()", () => {
  test("tells its verbs and how each is used", () =>
    session("help.txt", [
      [],
      ["--help"],
      ["help"],
      ["machines"],
      ["machines", "--help"],
      ["help", "machines"],
      ["help", "machines", "pull"],
      ["machines", "pull", "--nonsense", "-h"],
      ["machines", "shell", "--help"],
      ["machines", "start", "--help"],
      ["fail", "--help"],
      ["machines", "shell", "web", "--", "ls", "--help"],
    ]));

  test("says what was meant where words name no verb", () =>
    session("unknown_verbs.txt", [
      ["machine", "list"],
      ["machines", "lst"],
      ["machines", "pul", "x", "y"],
      ["machines", "frobnicate"],
      ["machine"],
      ["list"],
      ["pull", "x"],
      ["fial", "bug"],
      ["xyzzy"],
      ["xyzzy", "plugh"],
      ["machines", "--bogus"],
      ["help", "machines", "pll"],
      ["--jsn", "machines", "list"],
      ["--root"],
      [""],
      ["constructor"],
    ]));

  test("gives every kind of error its exit code and words", () =>
    session("errors.txt", [
      ["fail", "failed"],
      ["fail", "usage"],
      ["fail", "host"],
      ["fail", "conflict"],
      ["fail", "tool"],
      ["fail", "interrupted"],
      ["fail", "bug"],
      ["machines", "shell", "web", "--", "false"],
    ]));

  test("answers in text, and in JSON where it is asked for", () =>
    session("answers.txt", [
      ["machines", "list"],
      ["machines", "list", "--json"],
      ["--json", "machines", "list"],
      ["machines", "pull", "r/x:1", "web"],
      ["-v", "--root", "sub/dir", "machines", "pull", "r/x:1", "web", "--dry-run", "-y"],
      ["ask"],
      ["ask", "--yes"],
    ]));

  test("colours a terminal and shows no control character of the data", () =>
    session(
      "terminal.txt",
      [
        ["machines", "list"],
        ["fail", "tool"],
        ["machines", "pull", "x\u001b[2J", "y", "-v"],
      ],
      { terminals: ["stdout", "stderr"] },
    ));

  test.each([{ NO_COLOR: "1" }, { TERM: "dumb" }])(
    "uses no colours with %j",
    async (environment) => {
      const seen = await transcript(fixtureTable, ["machines", "list"], {
        terminals: ["stdout"],
        environment,
      });
      expect(seen.stdout).not.toMatch(/\u001b/);
    },
  );

  test("shows the stack of a bug with -v only", async () => {
    const quiet = await transcript(fixtureTable, ["fail", "bug"]);
    const verbose = await transcript(fixtureTable, ["fail", "bug", "-v"]);
    expect(quiet.stderr).not.toMatch(/fixture_verbs\.ts/);
    expect(verbose.stderr).toMatch(/fixture_verbs\.ts/);
    expect(verbose.exitCode).toBe(70);
  });

  test("says once that it was stopped when a tool failed of the same Ctrl-C", async () => {
    const signal = AbortSignal.abort(new Error("Stopped by SIGINT"));
    const seen = await transcript(fixtureTable, ["fail", "conflict"], {
      signal,
    });
    expect(seen.exitCode).toBe(130);
    const tool = await transcript(fixtureTable, ["fail", "tool"], { signal });
    expect(tool.stderr).not.toMatch(/skopeo/);
    expect(seen.stderr).toMatch(/in use/);
  });
});

describe("dispatch()", () => {
  const rows: [string, Partial<ReturnType<typeof dispatch>>][] = [
    ["machines list -v", { name: "machines list", rest: ["-v"], leading: [] }],
    ["-v machines list", { name: "machines list", rest: [], leading: ["-v"] }],
    ["--root /x machines list", { name: "machines list", leading: ["--root", "/x"] }],
    ["--root=/x machines list", { name: "machines list", leading: ["--root=/x"] }],
    ["fail list", { name: "fail", rest: ["list"] }],
    ["help machines pull x", { name: "machines pull", rest: ["x"], leading: ["--help"] }],
    ["machines", { name: undefined, rest: ["machines"] }],
    ["machines -v list", { name: undefined }],
    ["-- machines list", { name: undefined }],
  ];
  test.each(rows)("%s", (line, expected) => {
    expect(dispatch(fixtureTable, line.split(" "))).toMatchObject(expected);
  });
});
