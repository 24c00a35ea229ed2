/**
 * Runs one verb: parses its words, makes its context, and turns whatever happens
 * into an exit code and words for the user.
 *
 * @module
 */

import { resolve } from "node:path";
import { MbctlError } from "../errors.ts";
import { createAnswer } from "./answer.ts";
import type { VerbContext } from "./context.ts";
import { describeError, EXIT_DONE, exitCodeOf } from "./exit_codes.ts";
import { renderVerbHelp } from "./help.ts";
import { type Interruption, listenForInterrupts } from "./interrupt.ts";
import { type Io, processIo, type TextSink } from "./io.ts";
import { createLog } from "./log.ts";
import { type ParsedArguments, parseArguments } from "./parse.ts";
import { createScreen, type Screen } from "./progress.ts";
import { createPrompt, type PromptSettings } from "./prompt.ts";
import { styledSink, talkSink } from "./terminal.ts";
import type { Verb } from "./verb.ts";

/** What a run takes from its surroundings; tests put their own in. */
export interface RunOptions {
  readonly io?: Io;
  /** Stops the run; without it the signals of the process do. */
  readonly interruption?: Interruption;
  /** Keys and screen of questions. */
  readonly questions?: Pick<PromptSettings, "input" | "output">;
}

/**
 * Runs a verb with the words after its name.
 *
 * @returns the exit code; it never throws.
 */
export async function runVerb(
  verb: Verb,
  words: readonly string[],
  options: RunOptions = {},
): Promise<number> {
  const io = options.io ?? processIo();
  const stderr = talkSink(io.stderr, io.environment);
  const isDumb = io.environment.TERM === "dumb";
  const screen = createScreen(stderr, io.stderr.isTerminal && !isDumb, undefined, (text) =>
    io.stderr.write(text),
  );
  let interruption = options.interruption;
  let isVerbose = false;
  try {
    const { own, shared } = parseArguments(verb, words);
    if (shared.help === true) {
      styledSink(io.stdout, io.environment).write(renderVerbHelp(verb));
      return EXIT_DONE;
    }
    isVerbose = shared.verbose === true;
    interruption ??= listenForInterrupts(() => {
      screen.write("mbctl: stopping; a second Ctrl-C ends it at once\n");
    }, verb.ownsSignals === true);
    const context = createContext(io, screen, shared, interruption.signal, options);
    return (await verb.run(context, own)) ?? EXIT_DONE;
  } catch (error) {
    screen.end();
    stderr.write(describeFailure(error, interruption, isVerbose));
    return interruption?.exitCode() ?? exitCodeOf(error);
  } finally {
    screen.end();
    interruption?.release();
  }
}

function createContext(
  io: Io,
  screen: Screen,
  shared: ParsedArguments["shared"],
  signal: AbortSignal,
  options: RunOptions,
): VerbContext {
  const isOn = (key: string) => shared[key] === true;
  // On one terminal with it, the answer must not be written into the block of progress.
  const stdout: TextSink = {
    isTerminal: io.stdout.isTerminal,
    get columns() {
      return io.stdout.columns;
    },
    write(text) {
      if (io.stdout.isTerminal) screen.clear();
      io.stdout.write(text);
    },
  };
  const terminals = {
    stdin: io.stdin.isTerminal,
    stdout: io.stdout.isTerminal,
    stderr: io.stderr.isTerminal,
  };
  return {
    out: createAnswer(styledSink(stdout, io.environment), stdout, isOn("json")),
    log: createLog(screen.write, isOn("verbose")),
    prompt: createPrompt({
      isTerminal: terminals.stdin && terminals.stderr && io.environment.TERM !== "dumb",
      yes: isOn("yes"),
      signal,
      beforeQuestion: screen.clear,
      ...options.questions,
    }),
    progress: screen,
    signal,
    json: isOn("json"),
    dryRun: isOn("dryRun"),
    yes: isOn("yes"),
    verbose: isOn("verbose"),
    root: resolve(io.workingDirectory, String(shared.root)),
    terminals,
    environment: io.environment,
    workingDirectory: io.workingDirectory,
  };
}

/**
 * After an interrupt the children that got it too fail as well; that is no news.
 * Any other failure (of the tidying up, say) is told.
 */
function describeFailure(
  error: unknown,
  interruption: Interruption | undefined,
  isVerbose: boolean,
): string {
  if (interruption?.signal.aborted !== true) return describeError(error, isVerbose);
  const isConsequence =
    (error instanceof MbctlError && (error.kind === "interrupted" || error.kind === "tool")) ||
    (error instanceof Error && error.name === "AbortError");
  const stopped = describeError(interruption.signal.reason, false);
  return isConsequence && !isVerbose ? stopped : stopped + describeError(error, isVerbose);
}
