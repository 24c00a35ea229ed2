/**
 * What `machines start`, `stop`, `restart`, `enable` and `disable` have in
 * common: they are one `systemctl` call on many machines.
 *
 * @module
 */

import { endChanges } from "../lib/change/end_change.ts";
import { defineVerb, type Example, type Verb } from "../lib/cli/verb.ts";
import { openHost } from "../lib/host/host.ts";
import { forgetFailures, requireLive, requireRunning } from "../lib/machine/lifecycle.ts";
import { applySteps } from "../lib/steps/apply.ts";
import { takeMachineLock } from "../lib/machine/lock.ts";
import { parseMachineName } from "../lib/spec/machine_name.ts";
import type { UnitAction } from "../lib/host/systemd.ts";
import { printSteps } from "./_print_steps.ts";
import { planUnits } from "../lib/steps/plan_units.ts";

/** Defines the verb of one action on units. */
export function unitVerb({
  action,
  summary,
  examples,
}: {
  readonly action: UnitAction;
  readonly summary: string;
  readonly examples: readonly Example[];
}): Verb {
  return defineVerb({
    name: `machines ${action}`,
    summary,
    changes: true,
    operands: {
      names: {
        kind: "machine",
        label: "NAME",
        repeat: true,
        help: "the machines",
        parse: parseMachineName,
      },
    },
    examples,
    async run(context, { names }) {
      const host = openHost(context);
      const { log, signal } = context;
      const tools = { host, signal, onWarning: (text: string) => log.warn(text) };
      if (host.isLive && !context.dryRun) {
        await endChanges(names, tools, (name, outcome) =>
          log.info(`an earlier run of "${name}" was killed: ${outcome}`),
        );
      }
      // Only these two write to the machine's files.
      const writes =
        (action === "enable" || action === "disable") && host.isLive && !context.dryRun;
      using held = new DisposableStack();
      if (writes) for (const name of names) held.use(takeMachineLock(host.root, name));
      const steps = planUnits(host, action, names);
      if (context.dryRun) {
        printSteps(context, steps);
        return undefined;
      }
      requireLive(host, `${action} machines`);
      await applySteps(steps, { host });
      if (action === "stop") await forgetFailures(host, names);
      if (action !== "start" && action !== "restart") return undefined;
      await requireRunning(host, action, names);
      return undefined;
    },
  });
}
