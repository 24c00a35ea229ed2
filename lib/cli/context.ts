/**
 * What a verb is given to speak with the world: an answer, talk, questions,
 * progress and a signal that says when to stop. All of it is injected, so that a
 * test runs a verb in its own process and reads what it said.
 *
 * @module
 */

import type { Answer } from "./answer.ts";
import type { Log } from "./log.ts";
import type { Progress } from "./progress.ts";
import type { Prompt } from "./prompt.ts";

export interface VerbContext {
  /** The answer, to standard output. */
  readonly out: Answer;
  /** The talk, to standard error. */
  readonly log: Log;
  /** Questions, on the terminal only. */
  readonly prompt: Prompt;
  readonly progress: Progress;
  /** Aborted by the first Ctrl-C or SIGTERM; hand it to everything that waits. */
  readonly signal: AbortSignal;
  /** `--json`; false for verbs that do not read. */
  readonly json: boolean;
  /** `--dry-run`; false for verbs that do not change anything. */
  readonly dryRun: boolean;
  /** `--yes`; false for verbs that do not change anything. */
  readonly yes: boolean;
  /** `--quiet`; false for verbs that have no such flag. The log and progress obey it by themselves. */
  readonly quiet: boolean;
  /** `-v`. */
  readonly verbose: boolean;
  /** `--root`, absolute; `/` where it is not given. */
  readonly root: string;
  /** Whether the three standard streams are terminals. */
  readonly terminals: {
    readonly stdin: boolean;
    readonly stdout: boolean;
    readonly stderr: boolean;
  };
  /** The environment of the process. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Absolute; relative paths of the user's are meant from here. */
  readonly workingDirectory: string;
}
