/**
 * Runs the commands that a machine lends: by which words, as whom, and in which of its processes' namespaces. The machine
 * is started where it does not run.
 *
 * @module
 */

import { join } from "node:path";
import { MbctlError } from "../errors.ts";
import { readTextIfPresent } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { cgroupOf, isUnsafeVariable, waitForProgram } from "../host/namespaces.ts";
import { readLeader } from "../host/systemd.ts";
import { BUSYBOX_PATH } from "../init/init_files.ts";
import { controlUnits, requireMachines } from "../machine/lifecycle.ts";
import { machinePaths } from "../paths.ts";
import { findCommand } from "../machine/shell.ts";
import { type MachineName, machineUnit } from "../spec/machine_name.ts";
import { parseMachineToml } from "../spec/machine_toml.ts";
import {
  hasMachineFile,
  readEntrance,
  readProgramEnvironment,
  readProgramUser,
} from "../watch/machine_entry.ts";
import { planExec } from "../watch/plan_exec.ts";
import { planAppCall } from "./app_calls.ts";
import { CallError } from "./call_error.ts";
import type { Lender } from "./connection.ts";
import type { CommandPlan } from "./command_plan.ts";
import { readAppImage, readLent } from "../connector/read_lent.ts";

/** A process that is known to be the one that it was. */
interface KnownProcess {
  readonly pid: number;
  /** Clock ticks since the host booted (proc_pid_stat(5), starttime): no two processes of one pid share it. */
  readonly startTime: string;
}

/**
 * Plans the calls of a machine's commands, for as long as a server lives.
 *
 * @returns a function that plans one call; it throws a CallError, or an MbctlError for a machine that cannot be started.
 */
export function machineCalls(host: Host, server: MachineName): Lender["plan"] {
  let known: KnownProcess | undefined;
  let starting: Promise<KnownProcess> | undefined;
  /** Of many calls at once, one starts the machine. */
  const leaderOf = async () => {
    if (known !== undefined && startTimeOf(known.pid) === known.startTime) return known.pid;
    starting ??= findLeader(host, server).finally(() => {
      starting = undefined;
    });
    known = await starting;
    return known.pid;
  };
  return async ([name, ...given], { hasTerminal }) => {
    const { command, app, image } = requireLent(host.root, server, name);
    const words = [...command.words, ...(given.length > 0 ? given : command.defaults)];
    const leader = await leaderOf();
    const plan =
      app === undefined || image === undefined
        ? await planProgramCall(server, leader, words, hasTerminal)
        : await planAppCall({ server, leader, app, image, words, hasTerminal });
    // The caller's own is not passed on: one that all know.
    const terminal = hasTerminal ? { TERM: "xterm" } : {};
    return { ...plan, environment: { ...terminal, ...plan.environment } };
  };
}

/** What is lent is read for each call: a command that is taken away is not run again. */
function requireLent(root: string, server: MachineName, name: string) {
  requireMachines(root, [server]);
  const file = machinePaths(root, server).machineToml;
  const spec = parseMachineToml(readTextIfPresent(file) ?? "", file);
  const lent = readLent(root, spec);
  const command = lent.get(name);
  if (command !== undefined) {
    const app = spec.apps.find((app) => app.name === command.app);
    return { command, app, image: app && readAppImage(root, server, app.name) };
  }
  const names = [...lent.keys()].sort().join(", ");
  throw new CallError(
    127,
    `Cannot run ${JSON.stringify(name)} in "${server}": it does not lend this command`,
    names === "" ? "it lends none" : `it lends ${names}`,
  );
}

/** The machine's process 1; starts the machine where there is none. */
async function findLeader(host: Host, server: MachineName): Promise<KnownProcess> {
  for (const start of [true, false]) {
    const pid = await readLeader(host.run, server);
    const startTime = pid === undefined ? undefined : startTimeOf(pid);
    if (pid !== undefined && startTime !== undefined) return { pid, startTime };
    if (start) await controlUnits(host, "start", [machineUnit(server)]);
  }
  throw new MbctlError("failed", `Cannot run a command in "${server}": it ended at once`, {
    hint: `mbctl machines logs ${server} -n 20`,
  });
}

/** Beside the machine's program, as `machines exec` does it. */
async function planProgramCall(
  server: MachineName,
  leader: number,
  words: readonly string[],
  hasTerminal: boolean,
): Promise<CommandPlan> {
  const program = await waitForProgram(leader);
  const environment = readProgramEnvironment(program);
  const path = environment.findLast(([key]) => key === "PATH")?.[1] ?? "";
  const root = `/proc/${program}/root`;
  const entrance = readEntrance(leader, program);
  const user = readProgramUser(program);
  const busybox = hasMachineFile(program, BUSYBOX_PATH) ? BUSYBOX_PATH : undefined;
  const found = [findCommand(root, words[0] ?? "", path), ...words.slice(1)];
  const command = hasTerminal ? onTerminal(found, busybox, root, path) : words;
  const plan = planExec({
    ...{ machine: server, entrance, environment, user, busybox, command },
    isUnsafe: isUnsafeVariable,
    programPath: (hasTerminal ? command : found)[0] ?? "",
  });
  return {
    argv: plan.argv,
    environment: plan.environment,
    cgroup: join("/sys/fs/cgroup", cgroupOf(program) ?? ""),
    root,
    owner: entrance.onHost(user),
  };
}

/**
 * A command that is to have its terminal as controlling terminal: in a session of its own, which nsenter(1), who waits for
 * it outside, is no part of. One that was not found stays as it is, for busybox may have an applet of its name.
 */
function onTerminal(
  found: readonly string[],
  busybox: string | undefined,
  root: string,
  path: string,
): readonly string[] {
  const setsid = findCommand(root, "setsid", path);
  if (!found[0]?.includes("/")) return found;
  if (busybox !== undefined) return [busybox, "setsid", "-c", ...found];
  return setsid.includes("/") ? [setsid, "-c", ...found] : found;
}

function startTimeOf(pid: number): string | undefined {
  const stat = readTextIfPresent(`/proc/${pid}/stat`);
  // The name, which may hold anything, ends at the last bracket; starttime is field 22.
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
}
