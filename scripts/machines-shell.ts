import { isatty } from "node:tty";
import { runScript } from "../lib/cli/main.ts";
import type { VerbContext } from "../lib/cli/context.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { MbctlError, usageError } from "../lib/errors.ts";
import { becomeProgram } from "../lib/host/become.ts";
import { quoteLine } from "../lib/env/posix_sh.ts";
import { openHost } from "../lib/host/host.ts";
import { attendProgram } from "../lib/host/spawn.ts";
import { inCgroupOf, joinCgroup, partEnvironment, waitForProgram } from "../lib/host/namespaces.ts";
import { readLeader } from "../lib/host/systemd.ts";
import { BUSYBOX_PATH } from "../lib/init/init_files.ts";
import { requireLive, requireMachines } from "../lib/machine/lifecycle.ts";
import { type MachineName, parseMachineName } from "../lib/spec/machine_name.ts";
import { machinePaths } from "../lib/paths.ts";
import { findCommand, findShell } from "../lib/machine/shell.ts";
import {
  readNamedUser,
  readProgramEnvironment,
  readRootEntry,
} from "../lib/watch/machine_entry.ts";
import { hasLogin } from "../lib/watch/system_entry.ts";

const verb = defineVerb({
  name: "machines shell",
  summary: "enter a running machine, or run a command in it",
  description:
    "The command runs as root of the machine, with the machine's environment, in all of its namespaces and in its cgroup, with its capabilities. Without a command it is the image's shell, or the busybox of man8s-init where the image has none; in a whole system a login session, as machinectl shell gives it. Terminal, signals and exit code are the command's own.",
  ownsSignals: true,
  operands: { name: { kind: "machine", help: "the machine", parse: parseMachineName } },
  flags: {
    user: {
      type: "string",
      short: "u",
      value: "USER",
      help: "log in as this user, in a whole system",
    },
    networkOnly: {
      type: "boolean",
      help: "run a program of the host, in the machine's network alone",
    },
  },
  tail: { command: { help: "the command to run" } },
  examples: [
    { command: "mbctl machines shell web", says: "a shell in the machine" },
    { command: "mbctl machines shell build --user builder", says: "a login of that user" },
    { command: "mbctl machines shell web -- nginx -t", says: "one command, with its exit code" },
    {
      command: "mbctl machines shell web --network-only -- /usr/bin/iperf3 -s",
      says: "the host's iperf3, seen from the mesh as the machine",
    },
  ],
  async run(context, { name, user, networkOnly, command }) {
    if (user !== undefined) checkUser(name, user, networkOnly || command.length > 0);
    const host = openHost(context);
    requireLive(host, "enter machines");
    requireMachines(host.root, [name]);
    const leader = await readLeader(host.run, name);
    if (leader === undefined) {
      throw new MbctlError("conflict", `Cannot enter the machine "${name}": it does not run`, {
        hint: `mbctl machines start ${name}`,
      });
    }
    const say = (line: string) => context.log.command(line);
    if (networkOnly) {
      const program = command.length > 0 ? command : [context.environment.SHELL ?? "/bin/sh"];
      return becomeProgram(
        ["nsenter", `--target=${leader}`, "--net", "--", ...program],
        process.env,
        say,
      );
    }
    if (command.length === 0 && hasLogin(leader)) {
      if (user !== undefined) warnOfUnknown(context.log, leader, user);
      const login = `${user ?? "root"}@${name}`;
      return becomeProgram(["machinectl", "--quiet", "shell", login], process.env, say);
    }
    if (user !== undefined) {
      throw new MbctlError(
        "conflict",
        `Cannot log in to "${name}": no systemd with dbus runs in it`,
        { hint: `mbctl machines exec ${name} --user ${user} -- COMMAND` },
      );
    }
    const { tree } = machinePaths(host.root, name);
    const program = await waitForProgram(leader);
    const environment = Object.fromEntries(readProgramEnvironment(program));
    const inside = command.length > 0 ? command : findShell(tree);
    // The terminal is the caller's, so its name is too.
    const terminal = context.environment.TERM ?? environment.TERM ?? "dumb";
    const { passed, carried } = partEnvironment({ ...environment, TERM: terminal });
    const [word = "", ...rest] = inside;
    // busybox's env would rather run an applet of its own than a program of that name.
    const words =
      carried.length === 0
        ? inside
        : [
            BUSYBOX_PATH,
            "env",
            ...carried,
            findCommand(tree, word, environment.PATH ?? ""),
            ...rest,
          ];
    const enter = readRootEntry(leader, program);
    if (!enter.isBounded) {
      const all = "what you run in it has all capabilities that there are in it";
      context.log.warn(`"${name}" lacks those that the entry takes: ${all}`);
    }
    const argv = [...enter.words, ...words];
    // A system that shuts down stops nsenter, which somebody must continue.
    if (program === leader) {
      say(quoteLine(argv));
      // Keys reach all who are on the terminal; without one, signals are passed on.
      const isForeground = [0, 1, 2].some(isatty);
      const attend = () => attendProgram(argv, passed, { init: leader, isForeground });
      return await inCgroupOf(program, attend);
    }
    joinCgroup(program);
    return becomeProgram(argv, passed, say);
  },
});
export default verb;

/** machinectl ends at once for a user that is not there, without a word. */
function warnOfUnknown(log: VerbContext["log"], leader: number, user: string): void {
  try {
    readNamedUser(leader, user);
  } catch (error) {
    if (!(error instanceof MbctlError)) throw error;
    log.warn(
      `${user} is not in the machine's /etc/passwd: the login ends at once, unless another service knows it`,
    );
  }
}

/** systemd's own rule is looser (systemd.exec(5), "USER/GROUP NAME SYNTAX"); what is more is no name that anybody has. */
function checkUser(name: MachineName, user: string, isTooMuch: boolean): void {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$/.test(user)) {
    throw usageError(`Cannot log in as ${JSON.stringify(user)}: that is no user's name`);
  }
  if (isTooMuch) {
    throw usageError(
      "Cannot use --user with a command: it is for a login",
      `mbctl machines exec ${name} --user ${user} -- COMMAND`,
    );
  }
}

if (import.meta.main) await runScript(verb);
