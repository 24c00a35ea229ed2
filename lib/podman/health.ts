/**
 * `--health-*`: a health check of the user's own.
 *
 * @module
 */

import { usageError } from "../errors.ts";
import { parseDuration } from "../spec/duration.ts";
import type { HealthProbe } from "../spec/health_check.ts";
import { type Draft, note, unsupported } from "./draft.ts";
import type { Convert, Given } from "./run_option.ts";

type OwnCheck = Exclude<Draft["health"], "none">;

/** `--health-cmd`: a line for a shell, `none`, or a JSON list as HEALTHCHECK of a Dockerfile has it. */
export function convertHealthCommand(draft: Draft, { value }: Given): void {
  // podman takes these words in front of a plain text too (pkg/specgenutil, MakeHealthCheckFromCli).
  const [, kind, line = ""] = /^(none|cmd-shell|cmd)(?:\s+(.*))?$/is.exec(value.trim()) ?? [];
  const words = kind === undefined ? [value] : /^cmd$/i.test(kind) ? line.split(/\s+/) : [line];
  setHealthTest(draft, readList(value) ?? [kind ?? "CMD-SHELL", ...words]);
}

/** `["CMD", …]`, `["CMD-SHELL", LINE]`, `["NONE"]`; of any other list the words are a command, one alone a line for a shell. */
export function setHealthTest(draft: Draft, test: readonly string[]): void {
  const [first = "", ...rest] = test;
  const kind = first.toUpperCase();
  if (kind === "NONE") turnOff(draft);
  else if (kind === "CMD-SHELL") setProbe(draft, { kind: "shell", line: rest.join(" ") });
  else if (kind === "CMD") setProbe(draft, { kind: "command", words: rest });
  else
    setProbe(
      draft,
      test.length > 1 ? { kind: "command", words: test } : { kind: "shell", line: first },
    );
}

/** `--no-healthcheck`. */
export function turnOff(draft: Draft): void {
  draft.health = "none";
}

/** A time of the check; `0` is the image's (podman), and `disable` no timer at all. */
export function healthTime(key: "intervalMs" | "timeoutMs" | "startPeriodMs"): Convert {
  return (draft, { value, written }) => {
    if (value === "disable") {
      unsupported(
        draft,
        written,
        "a check without a timer would never be asked; use --no-healthcheck",
      );
      return;
    }
    const ms = parseDuration(value);
    if (ms > 0) own(draft)[key] = ms;
  };
}

/** `--health-retries`; 0 is the image's. */
export function convertHealthRetries(draft: Draft, { value }: Given): void {
  if (!/^\d{1,6}$/.test(value)) {
    throw usageError(`Cannot read the retries ${JSON.stringify(value)}: it is no number`);
  }
  if (Number(value) > 0) own(draft).retries = Number(value);
}

/** `--health-on-failure`: none, restart, stop, kill. */
export function convertHealthAction(draft: Draft, { value, written }: Given): void {
  if (value === "none" || value === "restart" || value === "stop") {
    own(draft).onFailure = value;
  } else if (value === "kill") {
    // In podman it leaves the rest to the restart policy of the unit around it.
    own(draft).onFailure = "restart";
    note(draft, written, 'it becomes on_failure = "restart", which ends the program too');
  } else {
    throw usageError(
      `Cannot read the action ${JSON.stringify(value)}: it is none`,
      "write none, restart, stop or kill",
    );
  }
}

function own(draft: Draft): OwnCheck {
  if (draft.health === "none") draft.health = {};
  return draft.health;
}

function setProbe(draft: Draft, probe: HealthProbe): void {
  const isEmpty =
    probe.kind === "shell"
      ? probe.line.trim() === ""
      : "words" in probe && probe.words.length === 0;
  if (isEmpty) throw usageError("Cannot check the health: the command is empty");
  own(draft).probe = probe;
}

/** A JSON list of strings; undefined for any other text. */
function readList(text: string): string[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) &&
      value.length > 0 &&
      value.every((word) => typeof word === "string")
      ? value
      : undefined;
  } catch {
    return undefined;
  }
}
