/** Whole transcripts of a verb that takes long, told in each form, by a clock of the test. */

import { describe, expect, test } from "bun:test";
import type { VerbTable } from "../../lib/cli/dispatch.ts";
import type { VerbContext } from "../../lib/cli/context.ts";
import { earlySettings } from "../../lib/cli/talk.ts";
import { defineVerb } from "../../lib/cli/verb.ts";
import { MbctlError } from "../../lib/errors.ts";
import { type FakeClock, fakeClock } from "./fake_clock.ts";
import { expectGolden } from "./golden.ts";
import { renderTranscript, type Surroundings, transcript } from "./transcript.ts";

const digest = `sha256:${"7".repeat(64)}`;

/** 40 s of a pull: two layers of which one goes on from half of it, one that is there, and an unpacking. */
function pullSlowly({ progress, log, out, prompt }: VerbContext, clock: FakeClock): void {
  log.info("pulling r/x:1\x1b[2J");
  log.command("skopeo copy docker://x oci:y");
  const big = progress.start("layer 777777777777", 202_000_000, { kind: "layer", digest });
  const half = progress.start("layer 888", 1000, { kind: "layer", startBytes: 500 });
  progress.start("layer 999", 5000, { kind: "layer" }).done("in the store already");
  half.note("waiting for another mbctl");
  for (let seconds = 1; seconds <= 30; seconds++) {
    if (seconds === 15) {
      half.note(undefined);
      half.update(1000);
      half.done();
      log.warn("https://***@r.example is slow");
    }
    if (seconds <= 25) big.update(seconds * 8_000_000);
    clock.wait(1000);
  }
  big.update(202_000_000);
  big.done("verified");
  const tree = progress.start("unpacking\x1b[2J", 0, { kind: "tree" });
  clock.wait(12_000);
  tree.update(5_000_000);
  clock.wait(50);
  tree.done();
  log.debug(`questions: ${prompt.isPossible}`);
  out.print("the answer");
}

function tableWith(clock: FakeClock): VerbTable {
  const facts = { summary: "x", examples: [], changes: true, progress: true } as const;
  const verbs = {
    pull: defineVerb({
      ...facts,
      name: "pull",
      operands: { image: { kind: "image", help: "x" } },
      run: (context) => void pullSlowly(context, clock),
    }),
    fail: defineVerb({
      ...facts,
      name: "fail",
      run({ progress, log }) {
        const task = progress.start("layer 777777777777", 1000, { kind: "layer" });
        progress.start("layer 888");
        clock.wait(1000);
        task.failed("reset by peer");
        log.info("taking back");
        throw new MbctlError("tool", 'Cannot fetch "r/x": skopeo failed', {
          hint: "try again",
          cause: new MbctlError("failed", "exit 1\nunauthorized\x1b[2J", {
            cause: new Error("no route"),
          }),
        });
      },
    }),
    bug: defineVerb({
      ...facts,
      name: "bug",
      run() {
        throw new TypeError("undefined is not a function");
      },
    }),
    ask: defineVerb({
      ...facts,
      name: "ask",
      async run({ prompt }) {
        await prompt.confirm({ message: "Really?", flag: "--yes" });
        return undefined;
      },
    }),
  };
  return Object.fromEntries(
    Object.entries(verbs).map(([name, verb]) => [name, () => Promise.resolve({ default: verb })]),
  );
}

async function run(words: readonly string[], around: Surroundings = {}) {
  const clock = fakeClock();
  const seen = await transcript(tableWith(clock), words, { ...around, options: { clock } });
  return { ...seen, timers: clock.timers() };
}

async function session(
  name: string,
  commands: readonly (readonly string[])[],
  around?: Surroundings,
): Promise<void> {
  let text = "";
  for (const words of commands) text += `${renderTranscript(words, await run(words, around))}\n`;
  expectGolden(name, text);
}

describe("a verb that takes long", () => {
  test("says a line for what is finished, and one every ten seconds", () =>
    session("progress_plain.txt", [["pull", "x"], ["pull", "x", "-v"], ["fail"], ["bug"]]));

  test("says warnings and errors alone with --quiet", () =>
    session("progress_quiet.txt", [
      ["pull", "x", "--quiet"],
      ["-q", "fail"],
      ["pull", "x", "-q", "--progress", "json"],
      ["pull", "x", "-qv"],
    ]));

  test("says lines on a terminal too with --progress plain", async () => {
    const terminals = ["stdout", "stderr"] as const;
    const words = ["pull", "x", "--progress", "plain"];
    const seen = await run(words, { terminals, environment: { NO_COLOR: "1" } });
    const piped = await run(["pull", "x"]);
    expect(seen).toEqual(piped);
    const dumb = await run(["pull", "x"], { terminals, environment: { TERM: "dumb" } });
    expect(dumb).toEqual(piped);
  });

  test("tells failures in JSON to the last line with --progress json", () =>
    session("progress_json.txt", [
      ["fail", "--progress", "json"],
      ["--progress=json", "bug"],
      ["ask", "--progress", "json"],
      ["pull", "--progress", "json"],
      ["nonsense", "--progress=json"],
      ["pull", "x", "--progress", "jsn"],
    ]));
});

describe("--progress json", () => {
  const events = async (words: readonly string[]) => {
    const seen = await run(words, { terminals: ["stdin", "stderr"] });
    expect(seen.timers).toBe(0);
    return seen.stderr
      .trimEnd()
      .split("\n")
      .map((line): Record<string, unknown> => JSON.parse(line));
  };

  test("is one event a line, with what is known", async () => {
    const all = await events(["pull", "x", "--progress", "json", "-v"]);
    expect(new Set(all.map((event) => event.schemaVersion))).toEqual(new Set([1]));
    // The big layer moved once a second; of these events, a few.
    const few = all.filter(
      (event, index) =>
        event.event !== "progress" || all[index - 1]?.event !== "progress" || index % 10 === 0,
    );
    expectGolden("progress_events.txt", few.map((event) => `${JSON.stringify(event)}\n`).join(""));
  });

  test("has ten events a second of each task at most", async () => {
    const clock = fakeClock();
    const verb = defineVerb({
      ...{ name: "busy", summary: "x", examples: [], progress: true },
      run({ progress }) {
        const tasks = [progress.start("a", 1e6), progress.start("b", 1e6)];
        for (let ms = 0; ms < 2000; ms++) {
          for (const task of tasks) task.update(ms);
          clock.wait(1);
        }
      },
    });
    const table = { busy: () => Promise.resolve({ default: verb }) };
    const { stderr } = await transcript(table, ["busy", "--progress=json"], { options: { clock } });
    const progress = stderr.split("\n").filter((line) => /"progress".*"id":1,/.test(line));
    expect(progress).toHaveLength(20);
  });
});

describe("earlySettings()", () => {
  test.each([
    ["pull --progress json", "json", false],
    ["pull --progress=json -v", "json", true],
    ["pull --progress plain json", "plain", false],
    ["shell -- x --progress json -v", "plain", false],
    ["json", "plain", false],
    ["", "plain", false],
  ] as const)("of %j", (line, form, isVerbose) => {
    expect(earlySettings(line.split(" "))).toEqual({ form, isVerbose, isQuiet: false });
  });
});
