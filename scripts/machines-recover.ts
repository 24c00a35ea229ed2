import { recoverChange } from "../lib/change/apply_change.ts";
import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { openHost } from "../lib/host/host.ts";
import { requireRoot } from "../lib/host/privilege.ts";
import type { ApplyTools } from "../lib/steps/apply.ts";
import { listPending } from "../lib/machine/inventory.ts";
import { takeMachineLock } from "../lib/machine/lock.ts";
import { recoverPull } from "../lib/steps/pull.ts";
import { namesOperand } from "./_many_machines.ts";

const verb = defineVerb({
  name: "machines recover",
  summary: "end what a killed mbctl had begun with machines",
  description:
    "A change that was decided is carried out to its end, an upgrade judged by the machine's health; what was merely prepared is cleared, and a removal is completed. Every verb that works on a machine does this first; by itself it is of use after a crash of the host. Without a name, all machines.",
  changes: true,
  operands: { names: namesOperand },
  examples: [{ command: "mbctl machines recover", says: "says nothing where nothing was left" }],
  async run(context, { names }) {
    const { dryRun, log, out, signal } = context;
    const host = openHost(context);
    if (!dryRun) requireRoot("recover machines");
    const wanted = names ?? [];
    const pending = listPending(host.root).filter(
      ({ name }) => wanted.length === 0 || wanted.includes(name),
    );
    for (const { name, work } of pending) {
      if (dryRun) {
        out.print(`end the ${work} of ${name}`);
        continue;
      }
      using _lock = takeMachineLock(host.root, name);
      const tools: ApplyTools = {
        ...{ host, machine: name, signal },
        onStep: (text) => log.debug(text),
        onWarning: (text) => log.warn(text),
      };
      const ended = work === "change" ? recoverChange : recoverPull;
      log.info(`${name}: ${await ended(host, name, tools)}`);
    }
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
