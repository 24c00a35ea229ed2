/**
 * Starting and stopping machines, and starting them at boot: all by systemd's
 * own units.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { MbctlError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { requireRoot } from "../host/privilege.ts";
import { CommandError } from "../host/run.ts";
import { readUnitStates } from "../host/systemd.ts";
import { noSuchMachine, pendingWork } from "./inventory.ts";
import { type MachineName, machineUnit, parseMachineName } from "./name.ts";
import { machinePaths } from "./paths.ts";
import { requireFreePorts, requirePublished } from "./published_ports.ts";
import { nameExists, readTextIfPresent } from "../host/files.ts";
import { nspawnText, readNspawn } from "../nspawn/read.ts";
import type { Step, UnitAction } from "./step.ts";

/**
 * Wants every name to be that of a machine that is whole.
 *
 * @throws {MbctlError} (usage) for a name without a machine, (conflict) for one
 * whose pull or removal was not ended.
 */
export function requireMachines(root: string, names: readonly MachineName[]): void {
  for (const name of names) {
    const pending = pendingWork(root, name);
    if (pending !== undefined) {
      throw new MbctlError(
        "conflict",
        `Cannot use the machine "${name}": its ${pending} was not ended`,
        {
          hint: `mbctl machines remove ${name}`,
        },
      );
    }
    if (!nameExists(machinePaths(root, name).machineToml)) throw noSuchMachine(root, name);
  }
}

/**
 * The steps of `machines start` and its kin.
 *
 * @throws {MbctlError} (host) when the bridge is missing and a machine is to be started.
 */
export function planUnits(host: Host, action: UnitAction, names: readonly MachineName[]): Step[] {
  requireMachines(host.root, names);
  const units = names.map(machineUnit);
  if (action === "start" || action === "restart") {
    const bridges = names.flatMap((name) => bridgeOf(host.root, name) ?? []);
    for (const bridge of new Set(bridges)) requireBridge(host, bridge);
  }
  // A machine that is enabled starts with machines.target, which is not enabled everywhere.
  if (action === "enable") units.unshift("machines.target");
  return [{ kind: "unit", action, units }];
}

/** The bridge that a machine is plugged into, by its nspawn file; undefined for none. */
function bridgeOf(root: string, name: MachineName): string | undefined {
  const text = readTextIfPresent(machinePaths(root, name).nspawn) ?? "";
  return nspawnText(readNspawn(text), "Network.Bridge");
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
 * @throws {MbctlError} (failed), (conflict) when a published port is taken.
 */
export async function controlUnits(
  host: Host,
  action: UnitAction,
  units: readonly string[],
): Promise<void> {
  const names = units.filter((unit) => unit.startsWith("systemd-nspawn@")).map(unitMachine);
  const isStart = action === "start" || action === "restart";
  if (isStart) {
    await requireFreePorts(host, names);
    // The limit of five starts in ten seconds is meant for units that systemd restarts, not for a
    // person who tries things out. A unit that was never loaded has nothing to reset: exit code 1.
    await host.run(["systemctl", "reset-failed", "--", ...units], {
      allowExitCodes: [0, 1],
      timeoutMs: 60_000,
    });
  }
  try {
    await host.run(["systemctl", action, "--", ...units], { timeoutMs: 180_000 });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new MbctlError(
      "failed",
      `Cannot ${action} ${names.map((name) => `"${name}"`).join(", ")}: systemd refused`,
      {
        cause: error.cause ?? error,
        hint: `mbctl host check ${names[0] ?? "NAME"} says why, mbctl machines logs ${names[0] ?? "NAME"} -n 20 its last words`,
      },
    );
  }
  if (isStart) await requirePublished(host, names);
}

/**
 * Says of machines that were just started which of them have ended already: an
 * app that fails at once is not what the user asked for.
 */
export async function findFailed(
  host: Host,
  names: readonly MachineName[],
): Promise<MachineName[]> {
  const states = await readUnitStates(host.run, names);
  return names.filter((name) => states.get(name)?.active === "failed");
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
