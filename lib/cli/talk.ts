/**
 * All that goes to standard error, in one of two forms: text for people, with
 * progress below it on a terminal; or, with `--progress json`, lines of JSON and
 * nothing else.
 *
 * @module
 */

import { describeError, errorFacts } from "./exit_codes.ts";
import type { Io } from "./io.ts";
import { renderJsonLine } from "./json.ts";
import { createLog, type Log, type LogLevel, type Loudness, renderLogLine } from "./log.ts";
import { type Progress, type ProgressForm, silentProgress } from "./progress.ts";
import { createEvents } from "./progress_events.ts";
import { createLines } from "./progress_lines.ts";
import { createScreen, type Surface } from "./progress_screen.ts";
import { type Clock, processClock, type TaskView, trackTasks } from "./progress_tasks.ts";
import { talkRenderer, withoutStyles } from "./terminal.ts";

/** How it is talked. */
export interface TalkSettings extends Loudness {
  /** `--progress`. */
  readonly form: ProgressForm;
}

export interface Talk extends Omit<Surface, "write"> {
  readonly log: Log;
  readonly progress: Progress;
  /** The last words: what went wrong, in this order, and how the process will end. */
  fail(errors: readonly unknown[], exitCode: number): void;
}

/** The talk of a run. */
export function createTalk(
  { stderr, environment }: Pick<Io, "stderr" | "environment">,
  settings: TalkSettings,
  clock: Clock = processClock,
): Talk {
  const { form, isQuiet, isVerbose } = settings;
  const render = talkRenderer(stderr, environment);
  const isLive = form === "auto" && stderr.isTerminal && environment.TERM !== "dumb";
  const screen = isLive ? createScreen(stderr, render) : undefined;
  const surface: Surface = screen ?? {
    write: (text) => stderr.write(render(text)),
    clear() {},
    pause() {},
    resume() {},
    end() {},
  };
  const json = (event: object) => stderr.write(renderJsonLine(event));
  const say = (level: LogLevel, text: string) => {
    if (form === "json") json({ event: "log", level, text: withoutStyles(text) });
    else surface.write(renderLogLine(level, text));
  };
  const viewOf = (): TaskView => {
    if (form === "json") return createEvents((line) => stderr.write(line));
    return screen ?? createLines(surface.write);
  };
  const tasks = isQuiet ? undefined : trackTasks(viewOf(), clock);
  const end = () => {
    tasks?.end();
    surface.end();
  };
  return {
    log: createLog(say, settings),
    progress: tasks ?? silentProgress,
    clear: surface.clear,
    pause: surface.pause,
    resume: surface.resume,
    end,
    fail(errors, exitCode) {
      end();
      for (const error of errors) {
        if (form === "json") json(errorEvent(error, exitCode, isVerbose));
        else surface.write(describeError(error, isVerbose));
      }
    },
  };
}

/**
 * How to talk as long as the words are not parsed, or cannot be: in JSON where they
 * seem to ask for it.
 */
export function earlySettings(words: readonly string[]): TalkSettings {
  const end = words.indexOf("--");
  const own = end < 0 ? words : words.slice(0, end);
  const isJson = own.some(
    (word, index) =>
      word === "--progress=json" || (word === "json" && own[index - 1] === "--progress"),
  );
  return { form: isJson ? "json" : "plain", isVerbose: own.includes("-v"), isQuiet: false };
}

function errorEvent(error: unknown, exitCode: number, isVerbose: boolean): object {
  const { kind, message, causes, hint, stacks } = errorFacts(error, isVerbose);
  return {
    event: "error",
    kind,
    message,
    cause: causes.length > 0 ? causes.join("\n") : undefined,
    hint,
    exitCode,
    stack: stacks.length > 0 ? stacks.join("\n") : undefined,
  };
}
