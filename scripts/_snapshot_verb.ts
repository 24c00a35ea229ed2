/**
 * What the verbs of snapshots have in common: what a machine's state costs is said first; then the machine's lock,
 * what a killed run has left, and the change itself.
 *
 * @module
 */

import { applyChange, type Change, recoverChange } from "../lib/change/apply_change.ts";
import type { VerbContext } from "../lib/cli/context.ts";
import { formatBytes } from "../lib/cli/quantity.ts";
import { MbctlError } from "../lib/errors.ts";
import { type Host, openHost } from "../lib/host/host.ts";
import { isStopped, readUnitStates } from "../lib/host/systemd.ts";
import type { Lock } from "../lib/host/lock.ts";
import { requireRoot } from "../lib/host/privilege.ts";
import type { ApplyTools, ImageTools } from "../lib/steps/apply.ts";
import { requireMachines } from "../lib/machine/lifecycle.ts";
import { takeMachineLock } from "../lib/machine/lock.ts";
import type { CloneCost } from "../lib/snapshots/clone_cost.ts";
import { pruneSnapshots } from "../lib/snapshots/forget.ts";
import type { MachineName } from "../lib/spec/machine_name.ts";
import { printSteps } from "./_print_steps.ts";

/** A copy that is larger is asked about. */
const askedBytes = 1e9;

/** A machine that is worked on, and what it is worked on with. */
export interface HeldMachine extends Disposable {
  readonly host: Host;
  readonly tools: ApplyTools;
}

/**
 * Takes a machine's lock and ends what a killed run has left; in a dry run does neither.
 *
 * @throws {MbctlError} (conflict) when another mbctl works on it, or its pull or removal was not ended.
 */
export async function holdMachine(
  context: VerbContext,
  name: MachineName,
  what: string,
): Promise<HeldMachine> {
  const { log, signal, dryRun } = context;
  const host = openHost(context);
  const tools: ApplyTools = {
    ...{ host, signal, machine: name },
    onStep: (text) => log.debug(text),
    onWarning: (text) => log.warn(text),
    onHeld: (heldMs) => log.info(`${name} was frozen for ${Math.ceil(heldMs)} ms`),
  };
  if (dryRun) return { host, tools, [Symbol.dispose]() {} };
  requireRoot(what);
  using held = new DisposableStack();
  held.use<Lock>(takeMachineLock(host.root, name));
  const earlier = await recoverChange(host, name, tools);
  if (earlier !== "nothing") log.info(`an earlier run of "${name}" was killed: ${earlier}`);
  requireMachines(host.root, [name]);
  const lock = held.move();
  return { host, tools, [Symbol.dispose]: () => lock.dispose() };
}

/**
 * Shows a change, or carries it out; then removes snapshots of mbctl's own making that are not kept.
 *
 * @returns whether it was carried out.
 */
export async function applyOrShow(
  context: VerbContext,
  { tools }: HeldMachine,
  change: Change,
  image?: ImageTools,
): Promise<boolean> {
  if (context.dryRun) {
    printSteps(context, [...change.prepare, ...change.redo]);
    return false;
  }
  const own = image === undefined ? tools : { ...tools, image };
  await applyChange(change, own);
  for (const label of await pruneSnapshots(change.name, tools)) {
    context.log.info(`removed the snapshot "${label}": snapshots_keep of config.toml`);
  }
  return true;
}

/**
 * Wants a machine that was stopped for a moment to run again.
 *
 * @throws {MbctlError} (failed) when it does not: what was changed stays so.
 */
export async function requireStarted(
  { host }: HeldMachine,
  name: MachineName,
  kept: string | undefined,
): Promise<void> {
  if (!isStopped((await readUnitStates(host.run, [name])).get(name))) return;
  const back = kept === undefined ? "" : `; mbctl machines rollback ${name} ${kept} takes it back`;
  throw new MbctlError("failed", `Cannot start "${name}" again: its program does not run`, {
    hint: `mbctl machines logs ${name} -n 20 says why${back}`,
  });
}

/**
 * Says what is copied in full, and asks when it is much.
 *
 * @param what "clone web", "roll web back".
 * @throws {MbctlError} (host) when there is no room for it, (interrupted) when the user does not want it.
 */
export async function askForCost(
  context: VerbContext,
  cost: CloneCost,
  what: string,
): Promise<void> {
  const { kinds, copiedBytes, lacking } = cost;
  if (!kinds.includes("copy")) return;
  const size = formatBytes(copiedBytes);
  if (lacking !== undefined) {
    const free = formatBytes(lacking.freeBytes);
    throw new MbctlError(
      "host",
      `Cannot ${what}: ${size} to copy, ${free} free below ${lacking.into}`,
      {
        hint: "make room (df -h): mbctl cache prune, or mbctl machines forget; on btrfs and XFS nothing is copied",
      },
    );
  }
  context.log.info(`copies ${size}: the file system shares no blocks`);
  if (copiedBytes <= askedBytes || context.dryRun) return;
  const message = `Copy ${size}?`;
  if (await context.prompt.confirm({ message, flag: "--yes" })) return;
  throw new MbctlError("interrupted", "Nothing was changed");
}
