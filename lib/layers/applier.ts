/**
 * The applying process (apply_child.ts), seen from the outside.
 *
 * @module
 */

import { closeSync, writeSync } from "node:fs";
import { MbctlError } from "../errors.ts";
import { growPipe, makePipe } from "../host/libc.ts";
import { CommandError } from "../host/run.ts";
import { quickStart, selfCommand } from "../host/self.ts";
import type { Child, Spawn } from "../host/spawn.ts";
import type { ApplyReport, ApplyRequest } from "./apply_request.ts";
import { pipeBytes } from "./feed_layer.ts";

/** How it went. */
export type Outcome = Extract<ApplyReport, { done: unknown } | { failure: unknown }>;

/** An applying process at work. Disposing of it kills it, if it still runs. */
export interface Applier extends Disposable {
  /** For each layer, the pipe that takes its plain bytes. Whoever feeds a layer closes its pipe. */
  readonly pipes: readonly number[];
  /** Resolves when it has ended. @throws {MbctlError} (tool) when it was killed, or failed without saying why. */
  readonly outcome: Promise<Outcome>;
}

/** Starts an applying process. */
export function startApplier(
  request: ApplyRequest,
  spawn: Spawn,
  onWarning: (text: string, layer: number) => void,
): Applier {
  const [input, output] = [makePipe(), makePipe()];
  const layers = request.layers.map(() => makePipe());
  const text = Buffer.from(JSON.stringify(request));
  let child: Child;
  try {
    for (const { writeEnd } of layers) growPipe(writeEnd, pipeBytes);
    // Nobody reads yet: the pipe must hold all of it.
    growPipe(input.writeEnd, Math.max(text.length, 4096));
    writeSync(input.writeEnd, text);
    child = spawn(selfCommand("apply-layers"), {
      stdin: input.readEnd,
      stdout: output.writeEnd,
      descriptors: layers.map(({ readEnd }) => readEnd),
      env: quickStart,
    });
  } catch (error) {
    for (const { writeEnd } of layers) closeSync(writeEnd);
    closeSync(output.readEnd);
    throw error;
  } finally {
    for (const end of [input.readEnd, input.writeEnd, output.writeEnd]) closeSync(end);
    for (const { readEnd } of layers) closeSync(readEnd);
  }
  return {
    pipes: layers.map(({ writeEnd }) => writeEnd),
    outcome: readOutcome(request.tree, child, output.readEnd, onWarning),
    [Symbol.dispose]: () => child[Symbol.dispose](),
  };
}

async function readOutcome(
  tree: string,
  child: Child,
  output: number,
  onWarning: (text: string, layer: number) => void,
): Promise<Outcome> {
  let outcome: Outcome | undefined;
  try {
    for await (const line of linesOf(output)) {
      const report: ApplyReport = JSON.parse(line);
      if ("warning" in report) onWarning(report.warning, report.layer);
      else outcome = report;
    }
  } finally {
    closeSync(output);
  }
  try {
    await child.done();
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new MbctlError("tool", `Cannot make "${tree}": the applying process failed`, {
      cause: error.cause ?? error,
      hint: "look at the kernel's log, it may have run out of memory: journalctl -k",
    });
  }
  if (outcome === undefined) throw new Error("The applying process did not say how it went");
  return outcome;
}

async function* linesOf(file: number): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of Bun.file(file).stream()) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
