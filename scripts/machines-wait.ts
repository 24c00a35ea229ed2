import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { usageError } from "../lib/errors.ts";
import { hasHealthCheck } from "../lib/health/read_health.ts";
import { openHost } from "../lib/host/host.ts";
import { requireLive, requireMachines } from "../lib/machine/lifecycle.ts";
import { parseDuration } from "../lib/spec/duration.ts";
import { parseMachineName } from "../lib/spec/machine_name.ts";
import {
  type WaitedMachine,
  waitConditions,
  waitForMachines,
} from "../lib/watch/wait_for_machines.ts";

const verb = defineVerb({
  name: "machines wait",
  summary: "wait until machines have stopped, run, or are healthy",
  description:
    "For each machine that has stopped it prints the exit code of its program: 128 and the number where a signal ended it. One that does not run has stopped already; one that systemd is about to start again has not.",
  reads: true,
  operands: {
    names: {
      kind: "machine",
      help: "the machines",
      label: "NAME",
      repeat: true,
      parse: parseMachineName,
    },
  },
  flags: {
    condition: {
      type: "choice",
      choices: waitConditions,
      value: "STATE",
      help: "what to wait for, of all of them",
      default: "stopped",
    },
    timeout: {
      type: "string",
      value: "TIME",
      help: "give up after this long, with exit code 1",
      parse: parseDuration,
    },
  },
  examples: [
    { command: "mbctl machines wait backup", says: "until it has ended; prints its exit code" },
    {
      command: "mbctl machines wait db web --condition healthy --timeout 2m",
      says: "until both answer",
    },
  ],
  async run(context, { names, condition, timeout }) {
    const host = openHost(context);
    requireLive(host, "wait for machines");
    requireMachines(host.root, names);
    const unasked =
      condition === "stopped" || condition === "running"
        ? undefined
        : names.find((name) => !hasHealthCheck(host.root, name));
    if (unasked !== undefined) {
      throw usageError(
        `Cannot wait until "${unasked}" is ${condition}: it has no health check`,
        `mbctl machines edit ${unasked} can add one: [health]`,
      );
    }
    const reached: WaitedMachine[] = [];
    await waitForMachines(
      host,
      names,
      condition as (typeof waitConditions)[number],
      { ...(timeout === undefined ? {} : { timeoutMs: timeout }), signal: context.signal },
      (machine) => reached.push(machine),
    );
    // In the order in which they were named, as podman does.
    const machines = [...new Set(names)].flatMap(
      (name) => reached.find((machine) => machine.name === name) ?? [],
    );
    context.out.answer({ machines }, () =>
      machines.map(({ exitCode }) => (exitCode === undefined ? "" : `${exitCode}\n`)).join(""),
    );
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
