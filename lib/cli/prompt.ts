/**
 * Questions to the user, on a terminal only; without one the error names the flag
 * that answers. They are drawn on standard error, so standard output stays the
 * answer. The library that draws them is loaded when the first question is asked.
 *
 * @module
 */

import type { Readable, Writable } from "node:stream";
import { MbctlError, usageError } from "../errors.ts";
import { escapeLine } from "./terminal.ts";

/** What each question needs. */
export interface Question {
  readonly message: string;
  /** What to type to answer without a terminal: `--yes`, `--mount /data=skip`. */
  readonly flag: string;
}

export interface Option<Value extends string> {
  readonly value: Value;
  readonly label: string;
  /** Shown beside the option while it is chosen. */
  readonly hint?: string;
}

/**
 * Each question throws an MbctlError: "usage" where there is no terminal,
 * "interrupted" when the user cancels it (Ctrl-C, Esc) or the work is stopped.
 */
export interface Prompt {
  /** Whether questions can be asked at all. */
  readonly isPossible: boolean;
  /** Yes or no; true without asking under `--yes`. */
  confirm(question: Question): Promise<boolean>;
  select<Value extends string>(
    question: Question & {
      readonly options: readonly Option<Value>[];
      readonly initial?: Value;
    },
  ): Promise<Value>;
  /** A line of text. `validate` returns what is wrong with it, or undefined. */
  text(
    question: Question & {
      readonly placeholder?: string;
      readonly validate?: (text: string) => string | undefined;
    },
  ): Promise<string>;
  /** A line of text that is not shown while it is typed. */
  hidden(question: Question): Promise<string>;
}

export interface PromptSettings {
  /** Whether standard input and standard error both are terminals. */
  readonly isTerminal: boolean;
  /** Why nothing can be asked, where it is not for want of a terminal: `with --progress json`. */
  readonly obstacle?: string | undefined;
  /** `--yes`. */
  readonly yes: boolean;
  readonly signal: AbortSignal;
  /** Called before a question is drawn: takes progress off the screen. */
  readonly beforeQuestion?: () => void;
  /** Called when it was answered, or will not be. */
  readonly afterQuestion?: () => void;
  /** Where keys come from and questions go; the process's own by default. */
  readonly input?: Readable;
  readonly output?: Writable;
}

type Clack = typeof import("@clack/prompts");

/** Questions as the settings allow them. */
export function createPrompt(settings: PromptSettings): Prompt {
  const isPossible = settings.isTerminal && settings.obstacle === undefined;
  const ask = async <Value>(
    question: Question,
    draw: (clack: Clack, common: CommonOptions) => Promise<Value | symbol>,
  ): Promise<Value> => {
    if (!isPossible) {
      throw usageError(
        `Cannot ask ${settings.obstacle ?? "without a terminal"}: ${question.message}`,
        `answer with ${question.flag}`,
      );
    }
    settings.signal.throwIfAborted();
    settings.beforeQuestion?.();
    let answer: Value | symbol;
    try {
      const clack = await import("@clack/prompts");
      answer = await draw(clack, {
        message: escapeLine(question.message),
        input: settings.input ?? process.stdin,
        output: settings.output ?? process.stderr,
        signal: settings.signal,
      });
    } finally {
      settings.afterQuestion?.();
    }
    if (typeof answer === "symbol") {
      settings.signal.throwIfAborted();
      throw new MbctlError("interrupted", `Stopped at the question "${question.message}"`);
    }
    return answer;
  };
  return {
    isPossible,
    async confirm(question) {
      if (settings.yes) return true;
      return await ask<boolean>(question, (clack, common) =>
        clack.confirm({ ...common, initialValue: false }),
      );
    },
    async select({ options, initial, ...question }) {
      const index = await ask<number>(question, (clack, common) =>
        clack.select({
          ...common,
          options: options.map(({ label, hint }, value) => ({
            value,
            label: escapeLine(label),
            ...(hint === undefined ? {} : { hint: escapeLine(hint) }),
          })),
          initialValue: Math.max(
            0,
            options.findIndex(({ value }) => value === initial),
          ),
        }),
      );
      const chosen = options[index];
      if (chosen === undefined) throw new RangeError(`No option ${index}`);
      return chosen.value;
    },
    text: ({ placeholder, validate, ...question }) =>
      ask<string>(question, (clack, common) =>
        clack.text({
          ...common,
          ...(placeholder === undefined ? {} : { placeholder: escapeLine(placeholder) }),
          ...(validate === undefined ? {} : { validate: (text) => validate(text ?? "") }),
        }),
      ),
    hidden: (question) => ask<string>(question, (clack, common) => clack.password(common)),
  };
}

interface CommonOptions {
  readonly message: string;
  readonly input: Readable;
  readonly output: Writable;
  readonly signal: AbortSignal;
}
