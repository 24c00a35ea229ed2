import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { openHost } from "../lib/host/host.ts";
import { requireRoot } from "../lib/host/privilege.ts";
import { applySteps } from "../lib/machine/apply.ts";
import { foldersBelow } from "../lib/machine/paths.ts";
import { describeStep, type Step } from "../lib/machine/step.ts";

const verb = defineVerb({
  name: "cache clear",
  summary: "remove everything in /var/cache/mbctl",
  description: "Machines do not need it: the list of references that completion offers lies there.",
  changes: true,
  examples: [{ command: "mbctl cache clear", says: "frees the space that fetched images take" }],
  async run(context) {
    const host = openHost(context);
    const steps: Step[] = [{ kind: "remove", path: foldersBelow(host.root).cache }];
    if (context.dryRun) {
      for (const step of steps) context.out.print(describeStep(step));
      return undefined;
    }
    requireRoot("clear the cache");
    await applySteps(steps, { host, signal: context.signal });
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
