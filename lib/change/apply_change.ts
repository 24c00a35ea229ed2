/**
 * Changes of machines that are there. A change is prepared under hidden names, decided by one write of its
 * journal, and then carried out to its end, by the next run if this one is killed.
 *
 * @module
 */

import { statSync } from "node:fs";
import { basename, join } from "node:path";
import { MbctlError } from "../errors.ts";
import {
  freeNameBeside,
  nameExists,
  readLinkIfPresent,
  readTextIfPresent,
  removeFile,
  syncDirectory,
} from "../host/files.ts";
import { type Host, undisturbed } from "../host/host.ts";
import { waitForHealth } from "../health/read_health.ts";
import { type ApplyTools, applySteps } from "../steps/apply.ts";
import { takeMachineLock } from "../machine/lock.ts";
import { machinePaths, stagedName } from "../paths.ts";
import type { Step } from "../steps/step.ts";
import { type MachineName, parseMachineName } from "../spec/machine_name.ts";
import { type Journal, journalStep, readJournal, type Verification } from "./journal.ts";
import { editedDropIns } from "./present_machine.ts";

/** A change of one machine, as data. */
export interface Change {
  readonly name: MachineName;
  /** What it is called in errors and in the journal: "apply", "upgrade", "roll back"… */
  readonly verb: string;
  /** Under hidden names alone: the machine is as it was until all of them are done. */
  readonly prepare: readonly Step[];
  /** Clears what `prepare` left; each may be repeated. */
  readonly undo: readonly Step[];
  /** The change itself. Each may be repeated, and none needs room on the disk: what is big was prepared. */
  readonly redo: readonly Step[];
  /** The machine must be well afterwards, or all is taken back. */
  readonly verify?: Verification | undefined;
}

/** How a change ended that had to prove itself. */
export type Outcome = "done" | "taken back";

/**
 * Carries a change out.
 *
 * @returns "taken back" when the machine did not become well.
 * @throws {MbctlError} what a step throws. Before the decision everything is cleared; Ctrl-C counts until then.
 */
export async function applyChange(change: Change, tools: ApplyTools): Promise<Outcome> {
  const { verb, prepare, redo, verify } = change;
  const undo = [...change.undo, ...clearWrites(prepare)];
  const path = journalOf(tools.host, change.name);
  await applySteps([journalStep(path, { phase: "prepare", verb, steps: undo })], tools);
  try {
    const decision = journalStep(path, { phase: "commit", verb, steps: redo, verify });
    await applySteps([...prepare, decision], tools);
  } catch (error) {
    await clear(path, undo, tools);
    throw error;
  }
  return await carryOut(path, { phase: "commit", verb, steps: redo, verify }, change.name, tools);
}

/**
 * Ends what an earlier run had begun with a machine and was killed in.
 *
 * @returns what was found: a change that had not been decided is "cleared".
 */
export async function recoverChange(
  host: Host,
  name: MachineName,
  tools: ApplyTools,
): Promise<"nothing" | "cleared" | Outcome> {
  const path = journalOf(host, name);
  // The journal of a renaming stands under the old name: links lead to it from other names that it is about.
  const target = readLinkIfPresent(path);
  const isUnderWay = target !== undefined && nameExists(target);
  using _lock = isUnderWay ? takeMachineLock(host.root, journalOwner(target)) : undefined;
  const journal = readJournal(path);
  if (journal === undefined) {
    if (target !== undefined) removeJournal(path);
    // Of a run that was killed before it had begun.
    removeFile(stagedName(path));
    return "nothing";
  }
  if (journal.phase === "prepare") {
    await endJournal(path, journal.steps, tools);
    return "cleared";
  }
  return await carryOut(path, journal, name, tools);
}

async function carryOut(
  path: string,
  journal: Exclude<Journal, { phase: "prepare" }>,
  name: MachineName,
  tools: ApplyTools,
): Promise<Outcome> {
  const { verb, verify } = journal;
  // The user's Ctrl-C comes too late to keep the old state, and a half-done change helps nobody.
  const calm = undisturbedTools(tools);
  // What is put in its place was written before.
  const writtenMs = statSync(path).mtimeMs;
  let problem: unknown;
  if (journal.phase === "commit") {
    try {
      await applySteps(journal.steps, calm);
    } catch (error) {
      // A machine that cannot even start is not well. Anything else is ended by the next run.
      if (verify === undefined || !(error instanceof MbctlError)) throw error;
      problem = error;
    }
  }
  if (verify === undefined) {
    removeJournal(path);
    return "done";
  }
  if (problem === undefined) {
    // Of an earlier run, which was killed while it waited.
    const isLater = journal.phase === "verify";
    if (!isLater) await applySteps([journalStep(path, { phase: "verify", verb, verify })], calm);
    const health = await waitForHealth(tools.host, name, { graceMs: verify.graceMs });
    if (health === "healthy" || health === "running") {
      removeJournal(path);
      return "done";
    }
    if (isLater && isUsed(tools.host, name, writtenMs, verify.graceMs)) {
      removeJournal(path);
      tools.onWarning?.(
        `"${name}" is not well (${health}), but was used or edited since its ${verb}: it stays as it is; mbctl machines rollback ${name} goes back`,
      );
      return "done";
    }
    tools.onWarning?.(`"${name}" is not well (${health}): going back to what was before`);
  } else {
    tools.onWarning?.(`"${name}" does not start: going back to what was before`);
  }
  const back = [...verify.back, ...keepEdits(tools, name, writtenMs)];
  await applySteps([journalStep(path, { phase: "commit", verb, steps: back })], calm);
  await applySteps(back, calm);
  removeJournal(path);
  return "taken back";
}

/** Longer than a machine takes to show whether it is well. */
const patienceMs = 10 * 60_000;

/** Whether somebody may have written to a machine since it was changed: going back unasked would lose that. */
function isUsed(host: Host, name: MachineName, sinceMs: number, graceMs: number): boolean {
  return Date.now() - sinceMs > graceMs + patienceMs || editedSince(host, name, sinceMs).length > 0;
}

/** The files that an administrator has edited since. */
function editedSince(host: Host, name: MachineName, sinceMs: number): string[] {
  const { machineToml, nspawn, envFile } = machinePaths(host.root, name);
  return [machineToml, nspawn, envFile, ...editedDropIns(host, name)].filter(
    (path) => (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) > sinceMs,
  );
}

/** Going back takes edits away that were made since: they are kept in the configuration's folder, and named. */
function keepEdits({ host, onWarning }: ApplyTools, name: MachineName, sinceMs: number): Step[] {
  const { configuration } = machinePaths(host.root, name);
  return editedSince(host, name, sinceMs).flatMap((edited): Step[] => {
    const text = readTextIfPresent(edited, "latin1");
    if (text === undefined) return [];
    const path = freeNameBeside(join(configuration, basename(edited)));
    onWarning?.(`"${name}": ${edited} was edited meanwhile: that is kept as ${path}`);
    return [{ kind: "write-file", path, text, mode: 0o600, encoding: "latin1" }];
  });
}

/** Clears files on their way, of a run that was killed while it wrote one. */
function clearWrites(steps: readonly Step[]): Step[] {
  return steps.flatMap((step): Step[] => {
    if (step.kind === "hold") return clearWrites(step.steps);
    return step.kind === "write-file" ? [{ kind: "remove", path: stagedName(step.path) }] : [];
  });
}

/** Clears what was prepared. Where that fails, too, the next run does it: the user hears of the first failure. */
async function clear(path: string, undo: readonly Step[], tools: ApplyTools): Promise<void> {
  try {
    await endJournal(path, undo, tools);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    tools.onWarning?.(`what was prepared is left for the next run to clear: ${error.message}`);
  }
}

/** Clears what was prepared, then forgets it. */
async function endJournal(path: string, steps: readonly Step[], tools: ApplyTools): Promise<void> {
  await applySteps(steps, undisturbedTools(tools));
  removeJournal(path);
}

/** Tools for what must come to its end. */
export function undisturbedTools(tools: ApplyTools): ApplyTools {
  return { ...tools, host: undisturbed(tools.host), signal: undefined };
}

function removeJournal(path: string): void {
  removeFile(path);
  removeFile(stagedName(path));
  const folder = path.slice(0, path.lastIndexOf("/"));
  if (nameExists(folder)) syncDirectory(folder);
}

/** The machine under whose name a journal stands. */
function journalOwner(path: string): MachineName {
  return parseMachineName(path.slice(path.lastIndexOf("/") + "/.mbctl-change.".length));
}

function journalOf(host: Host, name: MachineName): string {
  return machinePaths(host.root, name).changeMarker;
}
