/**
 * Machines whose processes stand still for a moment, by systemd's freezer (systemctl(1), "freeze").
 *
 * @module
 */

import { MbctlError } from "../errors.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { machineUnit } from "../spec/machine_name.ts";
import { CommandError, type Run } from "./run.ts";

const timeoutMs = 60_000;

/**
 * Freezes a machine while something is done. It is thawed whatever happens: by us; by a unit that waits for our
 * lock of the machine, when we are killed.
 *
 * @param run its commands must not end by Ctrl-C.
 * @param lock the file of the machine's lock, which we hold.
 * @returns for how long it was frozen, in milliseconds.
 * @throws {MbctlError} (tool) when systemd cannot freeze it.
 */
export async function whileFrozen(
  run: Run,
  name: MachineName,
  lock: string,
  work: () => Promise<void>,
): Promise<number> {
  const guard = `mbctl-thaw-${name}.service`;
  const script = 'flock "$1" true; exec systemctl thaw -- "$2"';
  const options = ["--quiet", "--collect", `--unit=${guard}`, `--description=Thaws ${name}`];
  // One of a run that was killed has done its work, or waits for our lock.
  await run(["systemctl", "stop", "--", guard], { allowExitCodes: [0, 5], timeoutMs });
  const watch = ["systemd-run", ...options, "--", "/bin/sh", "-c", script, "sh"];
  await run([...watch, lock, machineUnit(name)], { timeoutMs });
  const sinceMs = performance.now();
  let thawedMs = sinceMs;
  try {
    await freeze(run, name);
    await work();
  } finally {
    await thaw(run, name);
    thawedMs = performance.now();
    await run(["systemctl", "stop", "--", guard], { allowExitCodes: [0, 5], timeoutMs });
  }
  return thawedMs - sinceMs;
}

async function freeze(run: Run, name: MachineName): Promise<void> {
  try {
    await run(["systemctl", "freeze", "--", machineUnit(name)], { timeoutMs });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new MbctlError("tool", `Cannot freeze the machine "${name}": systemd refused`, {
      hint: "add --stop: the machine is then stopped meanwhile",
      cause: error.cause ?? error,
    });
  }
}

/** Lets a machine go on. One that is not frozen, or does not run, is no error. */
export async function thaw(run: Run, name: MachineName): Promise<void> {
  await run(["systemctl", "thaw", "--", machineUnit(name)], {
    allowExitCodes: [0, 1],
    timeoutMs,
  });
}
