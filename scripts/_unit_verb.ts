/**
 * What `machines start`, `stop`, `restart`, `enable` and `disable` have in
 * common: they are one `systemctl` call on many machines.
 *
 * @module
 */

import { defineVerb, type Example, type Verb } from "../lib/cli/verb.ts";
import { MbctlError } from "../lib/errors.ts";
import { openHost } from "../lib/host/host.ts";
import { findFailed, forgetFailures, planUnits, requireLive } from "../lib/machine/lifecycle.ts";
import { applySteps } from "../lib/machine/apply.ts";
import { parseMachineName } from "../lib/machine/name.ts";
import { describeStep, type UnitAction } from "../lib/machine/step.ts";

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
      const steps = planUnits(host, action, names);
      if (context.dryRun) {
        for (const step of steps) context.out.print(describeStep(step));
        return undefined;
      }
      requireLive(host, `${action} machines`);
      await applySteps(steps, { host });
      if (action === "stop") await forgetFailures(host, names);
      if (action !== "start" && action !== "restart") return undefined;
      const [failed] = await findFailed(host, names);
      if (failed === undefined) return undefined;
      throw new MbctlError("failed", `Cannot ${action} "${failed}": its program ended at once`, {
        hint: `mbctl machines logs ${failed} -n 20`,
      });
    },
  });
}
