/**
 * The dispatcher: words -> the verb they name -> its run. Verbs are loaded when
 * they are called, so that starting up costs the same however many there are.
 *
 * @module
 */

import { usageError } from "../errors.ts";
import type { CompletionSources } from "./completion_sources.ts";
import { dispatch, type VerbTable } from "./dispatch.ts";
import { EXIT_BUG, EXIT_DONE, exitCodeOf } from "./exit_codes.ts";
import { type Io, processIo } from "./io.ts";
import { asksForHelp } from "./parse.ts";
import { type RunOptions, runVerb } from "./run_verb.ts";
import { nearestVerb } from "./suggest.ts";
import { createTalk, earlySettings } from "./talk.ts";
import { styledSink } from "./terminal.ts";
import type { Verb } from "./verb.ts";

export interface MainOptions extends RunOptions {
  readonly completion?: CompletionSources;
}

/** The verb that the shells' completion calls; it is in no list. */
const COMPLETE = "__complete";

/**
 * Runs what a command line says.
 *
 * @param words the command line without the program's name.
 * @returns the exit code; it never throws.
 */
export async function main(
  table: VerbTable,
  words: readonly string[],
  options: MainOptions = {},
): Promise<number> {
  const io = options.io ?? processIo();
  try {
    if (words[0] === COMPLETE) {
      const { complete } = await import("./completion.ts");
      await complete(table, words.slice(1), io, options.completion);
      return EXIT_DONE;
    }
    const { leading, name, rest } = dispatch(table, words);
    const load = name === undefined ? undefined : table[name];
    if (load !== undefined) {
      const verb = (await load()).default;
      return await runVerb(verb, [...leading, ...rest], { ...options, io });
    }
    return await overview(table, [...leading, ...rest], rest, io);
  } catch (error) {
    const exitCode = exitCodeOf(error);
    createTalk(io, earlySettings(words)).fail([error], exitCode);
    return exitCode;
  }
}

/** What is said where the words name no verb: the list of verbs if it was asked for, else an error. */
async function overview(
  table: VerbTable,
  words: readonly string[],
  named: readonly string[],
  io: Io,
): Promise<number> {
  const operands = named.filter((word) => !word.startsWith("-"));
  const names = Object.keys(table);
  const group = operands.length === 0 ? undefined : operands.join(" ");
  const isGroup = (word: string) => names.some((name) => name.startsWith(`${word} `));
  if (group !== undefined && !isGroup(group)) {
    const [first = ""] = operands;
    const [, second = ""] = operands;
    const deeper = `${first} ${second}`;
    const known = isGroup(deeper) ? deeper : first;
    throw unknownVerb(operands, names, isGroup(known) ? `mbctl ${known} --help` : "mbctl --help");
  }
  const listed = names.filter((name) => group === undefined || name.startsWith(`${group} `));
  const { renderOverview } = await import("./help.ts");
  const verbs = await Promise.all(
    listed
      .map(async (name) => (await table[name]?.())?.default)
      .filter((verb) => verb !== undefined),
  );
  const page = renderOverview(
    verbs.filter((verb) => verb !== undefined),
    group,
  );
  const isAsked = asksForHelp(words);
  styledSink(isAsked ? io.stdout : io.stderr, io.environment).write(page);
  return isAsked ? EXIT_DONE : exitCodeOf(usageError(""));
}

function unknownVerb(words: readonly string[], names: readonly string[], help: string) {
  const meant = nearestVerb(words, names);
  const inGroup = names.some((name) => name.startsWith(`${words.slice(0, 2).join(" ")} `));
  return usageError(
    `Cannot find the verb "${words.slice(0, inGroup ? 3 : 2).join(" ")}": there is none of this name`,
    meant === undefined ? help : `did you mean "mbctl ${meant}"?`,
  );
}

/** The program: dispatches the words of this process. Call it once, in the entry file. */
export async function runProgram(table: VerbTable, options: MainOptions = {}): Promise<void> {
  tellBugs();
  process.exitCode = await main(table, process.argv.slice(2), options);
}

/**
 * Runs one verb with the words of this process; the last line of every script is
 * `if (import.meta.main) await runScript(verb)`, true only for the file that bun was given.
 */
export async function runScript(verb: Verb): Promise<void> {
  tellBugs();
  process.exitCode = await runVerb(verb, process.argv.slice(2));
}

/** What nobody waited for and nobody caught is a bug, and ends like one. */
function tellBugs(): void {
  const die = (error: unknown) => {
    const settings = { ...earlySettings(process.argv.slice(2)), isVerbose: true };
    createTalk(processIo(), settings).fail([error], EXIT_BUG);
    process.exit(EXIT_BUG);
  };
  process.on("uncaughtException", die);
  process.on("unhandledRejection", die);
}
