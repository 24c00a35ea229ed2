/**
 * Runs one verb: parses its words, makes its context, and turns whatever happens
 * into an exit code and words for the user.
 *
 * @module
 */

import { resolve } from "node:path";
import { MbctlError, usageError } from "../errors.ts";
import { createAnswer } from "./answer.ts";
import type { VerbContext } from "./context.ts";
import { EXIT_DONE, exitCodeOf } from "./exit_codes.ts";
import { renderVerbHelp } from "./help.ts";
import { type Interruption, listenForInterrupts } from "./interrupt.ts";
import { type Io, processIo, type TextSink } from "./io.ts";
import { type ParsedArguments, parseArguments } from "./parse.ts";
import type { ProgressForm } from "./progress.ts";
import type { Clock } from "./progress_tasks.ts";
import { createPrompt, type PromptSettings } from "./prompt.ts";
import { createTalk, earlySettings, type Talk, type TalkSettings } from "./talk.ts";
import { styledSink } from "./terminal.ts";
import type { Verb } from "./verb.ts";

/** What a run takes from its surroundings; tests put their own in. */
export interface RunOptions {
  readonly io?: Io;
  /** Stops the run; without it the signals of the process do. */
  readonly interruption?: Interruption;
  /** Keys and screen of questions. */
  readonly questions?: Pick<PromptSettings, "input" | "output">;
  /** The clock of progress. */
  readonly clock?: Clock;
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
  let talk = createTalk(io, { ...earlySettings(words), isVerbose: false });
  let interruption = options.interruption;
  let isVerbose = false;
  try {
    const { own, shared } = parseArguments(verb, words);
    if (shared.help === true) {
      styledSink(io.stdout, io.environment).write(renderVerbHelp(verb));
      return EXIT_DONE;
    }
    const settings = talkSettings(shared);
    ({ isVerbose } = settings);
    talk = createTalk(io, settings, options.clock);
    interruption ??= listenForInterrupts(() => {
      talk.log.info("mbctl: stopping; a second Ctrl-C ends it at once");
    }, verb.ownsSignals === true);
    const context = createContext(io, talk, shared, interruption.signal, options);
    return (await verb.run(context, own)) ?? EXIT_DONE;
  } catch (error) {
    const exitCode = interruption?.exitCode() ?? exitCodeOf(error);
    talk.fail(failuresToTell(error, interruption, isVerbose), exitCode);
    return exitCode;
  } finally {
    talk.end();
    interruption?.release();
  }
}

/** How the flags say that it is to be talked. */
function talkSettings(shared: ParsedArguments["shared"]): TalkSettings {
  const isVerbose = shared.verbose === true;
  const isQuiet = shared.quiet === true;
  if (isVerbose && isQuiet) {
    throw usageError(
      'Cannot read flag "--quiet": "--verbose" is given too',
      "leave one of them out",
    );
  }
  // The parser has checked it; verbs without the flag have no value.
  return { form: (shared.progress ?? "auto") as ProgressForm, isVerbose, isQuiet };
}

function createContext(
  io: Io,
  talk: Talk,
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
    get rows() {
      return io.stdout.rows;
    },
    write(text) {
      if (io.stdout.isTerminal) talk.clear();
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
    log: talk.log,
    prompt: createPrompt({
      isTerminal: terminals.stdin && terminals.stderr && io.environment.TERM !== "dumb",
      yes: isOn("yes"),
      signal,
      // A question is text, and would stand between the lines of JSON.
      obstacle: shared.progress === "json" ? "with --progress json" : undefined,
      beforeQuestion: talk.pause,
      afterQuestion: talk.resume,
      ...options.questions,
    }),
    progress: talk.progress,
    signal,
    json: isOn("json"),
    dryRun: isOn("dryRun"),
    yes: isOn("yes"),
    quiet: isOn("quiet"),
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
function failuresToTell(
  error: unknown,
  interruption: Interruption | undefined,
  isVerbose: boolean,
): unknown[] {
  if (interruption?.signal.aborted !== true) return [error];
  const isConsequence =
    (error instanceof MbctlError && (error.kind === "interrupted" || error.kind === "tool")) ||
    (error instanceof Error && error.name === "AbortError");
  const { reason } = interruption.signal;
  return isConsequence && !isVerbose ? [reason] : [reason, error];
}
