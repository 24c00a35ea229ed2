/**
 * Who waits for whom: one lock for each machine, so that two mbctl never work on one name at a time, and one
 * for each thing of the host as a whole.
 *
 * @module
 */

import { join } from "node:path";
import { type Lock, requireUnlocked, takeLock } from "../host/lock.ts";
import { type HeldLock, waitForLock, type WaitOptions } from "../host/waiting_lock.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { foldersBelow, machinePaths } from "../paths.ts";

/**
 * Takes a machine's lock, without waiting.
 *
 * @throws {MbctlError} (conflict) when another mbctl holds it.
 */
export function takeMachineLock(root: string, name: MachineName): Lock {
  return takeLock(machinePaths(root, name).lock, `the machine "${name}"`);
}

/**
 * Wants no other mbctl to work on a machine, without taking its lock: for those who only look.
 *
 * @throws {MbctlError} (conflict) when one does.
 */
export function requireNobodyAtWork(root: string, name: MachineName): void {
  requireUnlocked(machinePaths(root, name).lock, `the machine "${name}"`);
}

/**
 * Takes the lock of `host setup` and `host teardown`, without waiting.
 *
 * @throws {MbctlError} (conflict) when another mbctl holds it.
 */
export function takeSetupLock(root: string): Lock {
  return takeLock(join(foldersBelow(root).locks, ".setup.lock"), "the host's set-up");
}

/** Takes the lock of who edits config.toml; what was read of it before may be old. */
export async function waitForConfigLock(root: string, options: WaitOptions): Promise<HeldLock> {
  const path = join(foldersBelow(root).locks, ".config.lock");
  return await waitForLock(path, "exclusive", "config.toml", options);
}

/** Takes the lock of who derives the host's firewall, names and relays; the machines are read behind it. */
export async function waitForDeriveLock(root: string): Promise<HeldLock> {
  const path = join(foldersBelow(root).locks, ".derive.lock");
  return await waitForLock(path, "exclusive", "the host's firewall and names");
}
