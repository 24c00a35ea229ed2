import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import type { EnvEntry } from "../lib/env/env_entry.ts";
import { MbctlError, usageError } from "../lib/errors.ts";
import { quoteLine } from "../lib/env/posix_sh.ts";
import { openHost } from "../lib/host/host.ts";
import { inCgroupOf, isUnsafeVariable, waitForProgram } from "../lib/host/namespaces.ts";
import { attendProgram } from "../lib/host/spawn.ts";
import { readLeader } from "../lib/host/systemd.ts";
import { BUSYBOX_PATH } from "../lib/init/init_files.ts";
import { requireLive, requireMachines } from "../lib/machine/lifecycle.ts";
import { findCommand } from "../lib/machine/shell.ts";
import { parseMachineName } from "../lib/spec/machine_name.ts";
import {
  hasMachineFile,
  readEntrance,
  readNamedUser,
  readProgramEnvironment,
  readProgramUser,
} from "../lib/watch/machine_entry.ts";
import { planExec } from "../lib/watch/plan_exec.ts";
import { givenVariables } from "./_given_variables.ts";

const verb = defineVerb({
  name: "machines exec",
  summary: "run a command in a running machine, for scripts",
  description:
    "The command gets the environment, the user, the working directory, the capabilities and the namespaces of the machine's program, our own standard input, output and error, and no terminal. Its exit code is ours: 127 where there is no such program, 128 and the number of the signal that ended it. SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1 and SIGUSR2 are passed on.\n\nThe image needs no shell. For work by hand there is mbctl machines shell.",
  ownsSignals: true,
  operands: { name: { kind: "machine", help: "the machine", parse: parseMachineName } },
  flags: {
    user: {
      type: "string",
      short: "u",
      value: "USER",
      help: "name, name:group, uid or uid:gid, by the machine's own files",
    },
    env: {
      type: "string",
      short: "e",
      value: "KEY[=VALUE]",
      repeat: true,
      help: "a variable; without a value our own of that name, which no list of processes shows",
    },
    envFile: {
      type: "string",
      value: "FILE",
      kind: "file",
      help: "variables, a line each: KEY=value",
    },
    workdir: {
      type: "string",
      short: "w",
      value: "DIR",
      help: "start in this folder of the machine",
    },
  },
  tail: { command: { help: "the command to run" } },
  examples: [
    { command: "mbctl machines exec db -- pg_dump app", says: "its output is ours, to the byte" },
    {
      command: "mbctl machines exec web --user root -- nginx -s reload",
      says: "as another user",
    },
    {
      command: "mbctl machines exec web --env TOKEN -- app sync",
      says: "with the variable TOKEN of the caller",
    },
  ],
  async run(context, { name, user, env, envFile, workdir, command }) {
    if (command.length === 0) {
      throw usageError(
        `Cannot run a command in "${name}": there is none`,
        `mbctl machines exec ${name} -- COMMAND, or mbctl machines shell ${name}`,
      );
    }
    if (workdir !== undefined && !workdir.startsWith("/")) {
      throw usageError(
        `Cannot start in ${JSON.stringify(workdir)}: it is not absolute`,
        "name the folder as the machine sees it: --workdir /srv",
      );
    }
    const given = givenVariables(context, env, envFile);
    const host = openHost(context);
    requireLive(host, "run commands in machines");
    requireMachines(host.root, [name]);
    const leader = await readLeader(host.run, name);
    if (leader === undefined) {
      throw new MbctlError("conflict", `Cannot run a command in "${name}": it does not run`, {
        hint: `mbctl machines start ${name}`,
      });
    }
    const program = await waitForProgram(leader);
    const named = user === undefined ? undefined : readNamedUser(program, user);
    const environment: EnvEntry[] = [
      ...readProgramEnvironment(program),
      ...(named === undefined ? [] : [["HOME", named.home] as const]),
      ...given,
    ];
    const path = environment.findLast(([key]) => key === "PATH")?.[1] ?? "";
    const plan = planExec({
      machine: name,
      entrance: readEntrance(leader, program),
      environment,
      isUnsafe: isUnsafeVariable,
      user: named ?? readProgramUser(program),
      directory: workdir,
      busybox: hasMachineFile(program, BUSYBOX_PATH) ? BUSYBOX_PATH : undefined,
      isSystem: program === leader && hasMachineFile(program, "/usr/bin/setpriv"),
      command,
      programPath: findCommand(`/proc/${program}/root`, command[0] ?? "", path),
    });
    for (const what of plan.missing) {
      context.log.warn(`Cannot set ${what} in this machine: left out`);
    }
    context.log.command(quoteLine(plan.argv));
    const init = program === leader ? leader : undefined;
    const attend = () => attendProgram(plan.argv, plan.environment, { init });
    return await inCgroupOf(program, attend);
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
