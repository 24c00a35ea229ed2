/**
 * Starting and stopping machines, by systemd's own units, and what must be there for it.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { MbctlError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { requireRoot } from "../host/privilege.ts";
import { CommandError } from "../host/run.ts";
import { readUnitStates, type UnitAction } from "../host/systemd.ts";
import { explainSources, requireSources } from "./bound_sources.ts";
import { findUnready, neededMachines, readPatienceMs } from "../health/needed_machines.ts";
import { noSuchMachine, pendingWork, readMachineSpecs } from "./inventory.ts";
import { requireNobodyAtWork } from "./lock.ts";
import { type MachineName, machineUnit, parseMachineName } from "../spec/machine_name.ts";
import { parseMachineToml } from "../spec/machine_toml.ts";
import type { SecretUse } from "../spec/secret_use.ts";
import { requireSecrets } from "../secrets/secret_store.ts";
import { machinePaths } from "../paths.ts";
import { requireFreePorts, requirePublished } from "./published_ports.ts";
import { nameExists, readTextIfPresent } from "../host/files.ts";

/**
 * Wants every name to be that of a machine that is whole.
 *
 * @throws {MbctlError} (usage) for a name without a machine, (conflict) for one
 * that another mbctl pulls, changes or removes, or whose pull, change or removal was not ended.
 */
export function requireMachines(root: string, names: readonly MachineName[]): void {
  for (const name of names) {
    const pending = pendingWork(root, name);
    if (pending !== undefined) {
      requireNobodyAtWork(root, name);
      throw new MbctlError(
        "conflict",
        `Cannot use the machine "${name}": its ${pending} was not ended`,
        {
          hint:
            pending === "change"
              ? `mbctl machines recover ${name}`
              : `mbctl machines remove ${name}`,
        },
      );
    }
    if (!nameExists(machinePaths(root, name).machineToml)) throw noSuchMachine(root, name);
  }
}

/** @throws {MbctlError} (host) when a machine's configuration is all that there is of it. */
export function requireTree(root: string, name: MachineName, what = "start"): void {
  const { tree, machineLink } = machinePaths(root, name);
  if (nameExists(tree) && nameExists(machineLink)) return;
  throw new MbctlError("host", `Cannot ${what} "${name}": it has no root tree`, {
    hint: `mbctl machines rebuild ${name}`,
  });
}

/** @throws {MbctlError} (host) when there is no bridge to plug machines into. */
export function requireBridge(host: Host, bridge: string = host.config.bridge): void {
  if (!host.isLive || existsSync(`/sys/class/net/${bridge}/bridge`)) return;
  throw new MbctlError(
    "host",
    `Cannot plug machines into the bridge "${bridge}": there is no such bridge`,
    {
      hint: "mbctl host setup makes it",
    },
  );
}

/** @throws {MbctlError} (host) on a root other than "/": its systemd does not run, (host) without root. */
export function requireLive(host: Host, what: string): void {
  if (!host.isLive) {
    throw new MbctlError("host", `Cannot ${what} below ${host.root}: no systemd runs there`, {
      hint: "leave out --root",
    });
  }
  requireRoot(what);
}

/**
 * Runs `systemctl` on units, and turns a failed start into the journal's last
 * words.
 *
 * @throws {MbctlError} (failed), (conflict) when a published port is taken, (host) when something is gone that a machine
 * binds: none of them is started then.
 */
export async function controlUnits(
  host: Host,
  action: UnitAction,
  units: readonly string[],
): Promise<void> {
  const names = units.filter((unit) => unit.startsWith("systemd-nspawn@")).map(unitMachine);
  const quoted = names.map((name) => `"${name}"`).join(", ");
  const isStart = action === "start" || action === "restart";
  const needed = isStart ? neededMachines(readMachineSpecs(host.root), names) : [];
  if (isStart) {
    requireSources(host.root, action, names);
    await requireFreePorts(host, names);
    for (const name of names) await requireSecrets(host, name, appliedSecrets(host.root, name));
    // The limit of five starts in ten seconds is meant for units that systemd restarts, not for a
    // person who tries things out. A unit that was never loaded has nothing to reset: exit code 1.
    await host.run(["systemctl", "reset-failed", "--", ...units], {
      allowExitCodes: [0, 1],
      timeoutMs: 60_000,
    });
  }
  try {
    await host.run(["systemctl", action, "--", ...units], {
      timeoutMs: 180_000 + readPatienceMs(host.root, needed),
    });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (isStart) explainSources(host.root, action, names);
    const [unready] = await findUnready(host, needed);
    if (unready !== undefined) {
      throw new MbctlError(
        "failed",
        `Cannot ${action} ${quoted}: "${unready.name}", which must be well before, is ${unready.state}`,
        { hint: `mbctl machines show ${unready.name}` },
      );
    }
    throw new MbctlError("failed", `Cannot ${action} ${quoted}: systemd refused`, {
      cause: error.cause ?? error,
      hint: `mbctl host check ${names[0] ?? "NAME"} says why, mbctl machines logs ${names[0] ?? "NAME"} -n 20 its last words`,
    });
  }
  if (isStart) await requirePublished(host, names);
}

/** The secrets that a machine's unit wants: what was applied, which machine.toml may be ahead of. */
function appliedSecrets(root: string, name: MachineName): readonly SecretUse[] {
  const { machineToml } = machinePaths(root, name).applied;
  const text = readTextIfPresent(machineToml);
  return text === undefined ? [] : parseMachineToml(text, machineToml).secrets;
}

/** The same in the middle of a change that must come to its end: a failure is told. */
export async function controlUnitsIfPossible(
  host: Host,
  action: UnitAction,
  units: readonly string[],
  warn: (text: string) => void,
): Promise<void> {
  try {
    await controlUnits(host, action, units);
  } catch (error) {
    if (!(error instanceof MbctlError) || error.kind === "interrupted") throw error;
    warn(`${error.message}${error.hint === undefined ? "" : `; ${error.hint}`}`);
  }
}

/**
 * Says of machines that were just started which of them have ended already: an
 * app that fails at once is not what the user asked for.
 */
async function findFailed(host: Host, names: readonly MachineName[]): Promise<MachineName[]> {
  const states = await readUnitStates(host.run, names);
  return names.filter((name) => {
    const state = states.get(name);
    return state?.active === "failed" || state?.isRestarting === true;
  });
}

/**
 * Wants machines that were just started to run.
 *
 * @throws {MbctlError} (failed) for the first that has ended already.
 */
export async function requireRunning(
  host: Host,
  action: "start" | "restart",
  names: readonly MachineName[],
): Promise<void> {
  const [failed] = await findFailed(host, names);
  if (failed === undefined) return;
  throw new MbctlError("failed", `Cannot ${action} "${failed}": its program ended at once`, {
    hint: `mbctl machines logs ${failed} -n 20`,
  });
}

/**
 * Makes systemd forget how machines ended that were stopped on request: a
 * program that dies of its stop signal leaves its unit "failed".
 */
export async function forgetFailures(host: Host, names: readonly MachineName[]): Promise<void> {
  const failed = await findFailed(host, names);
  if (failed.length > 0) await controlUnits(host, "reset-failed", failed.map(machineUnit));
}

function unitMachine(unit: string): MachineName {
  return parseMachineName(unit.slice("systemd-nspawn@".length, -".service".length));
}
