/** The fixture verbs as a program of their own, for tests that need a process. */

import type { VerbTable } from "../../lib/cli/dispatch.ts";
import { runProgram } from "../../lib/cli/main.ts";
import { defineVerb } from "../../lib/cli/verb.ts";
import { fixtureTable } from "./fixture_verbs.ts";

const facts = { summary: "x", examples: [] } as const;

const wait = defineVerb({
  ...facts,
  name: "wait",
  flags: { stubborn: { type: "boolean", help: "x" } },
  async run({ log, signal }, { stubborn }) {
    log.info("waiting");
    await new Promise<void>((resolve) => {
      // Something must be pending, or the process would end.
      const timer = setTimeout(resolve, 20_000);
      signal.addEventListener("abort", () => {
        if (stubborn) return;
        clearTimeout(timer);
        resolve();
      });
    });
    signal.throwIfAborted();
    return undefined;
  },
});

const own = defineVerb({
  ...facts,
  name: "own",
  ownsSignals: true,
  async run({ log }) {
    log.info("waiting");
    await Bun.sleep(700);
    return 7;
  },
});

const flood = defineVerb({
  ...facts,
  name: "flood",
  flags: {
    lines: { type: "integer", value: "N", default: 100_000, help: "x" },
  },
  run({ out }, { lines }) {
    for (let line = 0; line < lines; line++) out.print(`line ${line} ${"x".repeat(90)}`);
    return 3;
  },
});

/** Draws three lines, waits for the terminal to be 40 columns wide, and finishes. */
const fetch = defineVerb({
  ...facts,
  name: "fetch",
  progress: true,
  async run({ log, out, progress, signal }) {
    const tasks = ["a\x1b[2J\x07b", "https://me:secret@r.example/x"].map((label) =>
      progress.start(`${label} ${"x".repeat(20)}`, 1_000_000, { kind: "layer" }),
    );
    progress.start("layer 3", 10, { kind: "layer" }).done("in the store already");
    await Bun.sleep(250);
    log.info("ready");
    while (process.stderr.isTTY && process.stderr.columns !== 40) {
      signal.throwIfAborted();
      await Bun.sleep(10);
    }
    tasks[0]?.update(500_000);
    await Bun.sleep(250);
    log.warn("nearly there");
    for (const task of tasks) task.done();
    out.print("the answer");
    return undefined;
  },
});

const stray = defineVerb({
  ...facts,
  name: "stray",
  async run() {
    void Promise.reject(new TypeError("nobody waits for this"));
    await Bun.sleep(5000);
    return undefined;
  },
});

const table: VerbTable = {
  ...fixtureTable,
  wait: () => Promise.resolve({ default: wait }),
  own: () => Promise.resolve({ default: own }),
  flood: () => Promise.resolve({ default: flood }),
  fetch: () => Promise.resolve({ default: fetch }),
  stray: () => Promise.resolve({ default: stray }),
};

await runProgram(table, {
  completion: {
    machines: () => ["web", "db"],
    images: () => [
      "docker.io/library/nginx:stable",
      "docker.io/library/redis:7",
      "docker.io/library/redis:8",
    ],
    ofMachine: () => [],
    templates: () => [],
  },
});
