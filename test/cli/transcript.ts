/**
 * Runs the command line in this process and keeps what it said: exit code,
 * standard output, standard error.
 *
 * @module
 */

import { EXIT_BY_SIGNAL } from "../../lib/cli/exit_codes.ts";
import type { Interruption } from "../../lib/cli/interrupt.ts";
import type { Io, TextSink } from "../../lib/cli/io.ts";
import type { VerbTable } from "../../lib/cli/dispatch.ts";
import { type MainOptions, main } from "../../lib/cli/main.ts";

export interface Transcript {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Surroundings {
  /** Which streams are terminals; none by default. */
  readonly terminals?: readonly ("stdin" | "stdout" | "stderr")[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly workingDirectory?: string;
  readonly signal?: AbortSignal;
  readonly options?: Omit<MainOptions, "io" | "interruption">;
}

/** Runs `mbctl WORDS…` with a table of verbs. */
export async function transcript(
  table: VerbTable,
  words: readonly string[],
  around: Surroundings = {},
): Promise<Transcript> {
  const said = { stdout: "", stderr: "" };
  const isTerminal = (name: "stdin" | "stdout" | "stderr") =>
    around.terminals?.includes(name) === true;
  const sink = (name: "stdout" | "stderr"): TextSink => ({
    isTerminal: isTerminal(name),
    columns: 80,
    rows: 24,
    write(text) {
      said[name] += text;
    },
  });
  const io: Io = {
    stdout: sink("stdout"),
    stderr: sink("stderr"),
    stdin: { isTerminal: isTerminal("stdin") },
    environment: around.environment ?? {},
    workingDirectory: around.workingDirectory ?? "/somewhere",
  };
  const exitCode = await main(table, words, {
    ...around.options,
    io,
    interruption: quietInterruption(around.signal),
  });
  return { exitCode, ...said };
}

/** An interruption that never comes, or comes from `signal`. */
function quietInterruption(signal: AbortSignal = new AbortController().signal): Interruption {
  return {
    signal,
    exitCode: () => (signal.aborted ? EXIT_BY_SIGNAL.SIGINT : undefined),
    release() {},
  };
}

/** A transcript as it is kept in a golden file, like a session in a shell. */
export function renderTranscript(words: readonly string[], seen: Transcript): string {
  const indent = (mark: string, text: string) =>
    text === ""
      ? ""
      : `${text
          .replace(/\n$/, "")
          .split("\n")
          .map((line) => `${mark} ${line}`.trimEnd())
          .join("\n")}\n${text.endsWith("\n") ? "" : `${mark} (no line feed)\n`}`;
  const command = [
    "mbctl",
    ...words.map((word) => (/^[\w./:=@-]+$/.test(word) ? word : JSON.stringify(word))),
  ];
  return `$ ${command.join(" ")}\n${indent("1|", seen.stdout)}${indent("2|", seen.stderr)}exit ${seen.exitCode}\n`;
}
