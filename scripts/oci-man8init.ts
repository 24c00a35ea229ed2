import { resolve } from "node:path";
import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { findBusybox } from "../lib/host/busybox.ts";
import { openHost } from "../lib/host/host.ts";
import { requireRoot } from "../lib/host/privilege.ts";
import { requireRootTree } from "../lib/trees/root_tree.ts";
import { applySteps } from "../lib/steps/apply.ts";
import type { Step } from "../lib/steps/step.ts";
import { printSteps } from "./_print_steps.ts";

const verb = defineVerb({
  name: "oci man8init",
  summary: "install man8s-init in a root tree",
  description:
    "Puts a static busybox and the scripts of man8s-init into /man8s-init of the tree, in the place of an earlier one. The program, user and network of the machine come from /man8env.env when it starts.",
  changes: true,
  operands: { path: { kind: "directory", help: "the root tree" } },
  examples: [{ command: "mbctl oci man8init ./tree", says: "installs it in ./tree/man8s-init" }],
  async run(context, { path }) {
    const host = openHost(context);
    const tree = resolve(context.workingDirectory, path);
    requireRootTree(tree);
    const steps: Step[] = [{ kind: "install-init", tree, busybox: await findBusybox(host) }];
    if (context.dryRun) {
      printSteps(context, steps);
      return undefined;
    }
    requireRoot("install man8s-init");
    await applySteps(steps, { host, signal: context.signal });
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
