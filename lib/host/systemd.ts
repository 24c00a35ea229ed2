/**
 * Asks systemd about machines, and tells it what to do.
 *
 * @module
 */

import { MbctlError } from "../errors.ts";
import { type MachineName, machineUnit } from "../spec/machine_name.ts";
import type { Host } from "./host.ts";
import type { Run } from "./run.ts";

/** What `systemctl` is asked to do with units. */
export type UnitAction = "start" | "stop" | "restart" | "enable" | "disable" | "reset-failed";

/** What systemd says of a machine's unit. */
export interface UnitState {
  /** systemd's ActiveState: active, inactive, failed, activating, deactivating, reloading. */
  readonly active: string;
  /** It has ended, and waits for its next start by its restart policy. */
  readonly isRestarting?: true;
  /** When it came into this state, in milliseconds since 1970; undefined when it never ran. */
  readonly sinceMs: number | undefined;
  /** Whether it starts at boot. */
  readonly isEnabled: boolean;
  /** Exit status of nspawn, which is that of the app. */
  readonly exitStatus: number;
  /** systemd's word for how it ended: success, exit-code, signal, timeout, … */
  readonly result: string;
  readonly mainPid: number;
}

const properties = [
  "Id",
  "ActiveState",
  "SubState",
  "StateChangeTimestamp",
  "UnitFileState",
  "ExecMainStatus",
  "Result",
  "MainPID",
];

/** The major version of systemd: 252 for `252.39-1~deb12u2`. */
export async function readSystemdVersion(run: Run): Promise<number> {
  const { stdout } = await run(["systemd-nspawn", "--version"]);
  const version = /^systemd (\d+)/.exec(stdout)?.[1];
  if (version !== undefined) return Number(version);
  throw new MbctlError(
    "tool",
    `Cannot read systemd's version from ${JSON.stringify(stdout.split("\n")[0])}: no number`,
  );
}

/** The states of the units of these machines, in one call. */
export async function readUnitStates(
  run: Run,
  names: readonly MachineName[],
): Promise<ReadonlyMap<MachineName, UnitState>> {
  const states = new Map<MachineName, UnitState>();
  if (names.length === 0) return states;
  // A time zone of its own per line is not guaranteed; UTC is, when we ask for it.
  const { stdout } = await run(
    ["systemctl", "show", `--property=${properties.join(",")}`, "--", ...names.map(machineUnit)],
    { env: { TZ: "UTC" }, timeoutMs: 20_000 },
  );
  const blocks = stdout.trimEnd().split("\n\n").map(parseProperties);
  for (const name of names) {
    const block = blocks.find((candidate) => candidate.get("Id") === machineUnit(name));
    if (block !== undefined) states.set(name, unitState(block));
  }
  return states;
}

/** Reads `Key=value` lines as `systemctl show` and `machinectl show` print them. */
export function parseProperties(text: string): Map<string, string> {
  return new Map(
    text
      .split("\n")
      .filter((line) => line.includes("="))
      .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
}

function unitState(block: ReadonlyMap<string, string>): UnitState {
  return {
    active: block.get("ActiveState") ?? "unknown",
    ...(block.get("SubState")?.startsWith("auto-restart") === true ? { isRestarting: true } : {}),
    sinceMs: parseTimestamp(block.get("StateChangeTimestamp") ?? ""),
    isEnabled: block.get("UnitFileState") === "enabled",
    exitStatus: Number(block.get("ExecMainStatus") ?? 0),
    result: block.get("Result") ?? "",
    mainPid: Number(block.get("MainPID") ?? 0),
  };
}

/** Reads `Sun 2026-11-22 03:19:10 UTC`, in milliseconds since 1970. */
export function parseTimestamp(text: string): number | undefined {
  const parts = /^\w{3} (\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2}) UTC$/.exec(text);
  return parts ? Date.parse(`${parts[1]}T${parts[2]}Z`) : undefined;
}

/**
 * The PID 1 of a running machine, as the host counts it.
 *
 * @returns undefined when the machine does not run.
 */
export async function readLeader(run: Run, name: MachineName): Promise<number | undefined> {
  const { stdout } = await run(["machinectl", "show", "--property=Leader", "--", name], {
    allowExitCodes: [0, 1],
    timeoutMs: 20_000,
  });
  const leader = Number(parseProperties(stdout).get("Leader") ?? 0);
  return leader > 0 ? leader : undefined;
}

/** Whether this machine does not run, by systemd's word or machined's. */
export function isStopped(state: UnitState | undefined): boolean {
  return state === undefined || state.active === "inactive" || state.active === "failed";
}

const commandTimeoutMs = 60_000;

/**
 * Stops units on a live host. One that has failed would stay so without its file: that is forgotten too. One that was
 * never loaded is no failure (exit code 5), neither is a pattern that fits nothing.
 */
export async function stopUnits({ isLive, run }: Host, units: readonly string[]): Promise<void> {
  if (!isLive || units.length === 0) return;
  for (const action of ["stop", "reset-failed"]) {
    await run(["systemctl", action, "--", ...units], {
      allowExitCodes: [0, 1, 5],
      timeoutMs: commandTimeoutMs,
    });
  }
}

/** Starts units on a live host, each for itself, and does not wait: systemd logs what fails. */
export async function startUnits({ isLive, run }: Host, units: readonly string[]): Promise<void> {
  if (!isLive || units.length === 0) return;
  await run(["systemctl", "start", "--no-block", "--", ...units], {
    allowExitCodes: [0, 1],
    timeoutMs: commandTimeoutMs,
  });
}
