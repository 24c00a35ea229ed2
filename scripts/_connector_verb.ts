/** What `connector add` and `connector remove` have in common. */

import { applyChange } from "../lib/change/apply_change.ts";
import { readPresentMachine } from "../lib/change/present_machine.ts";
import type { VerbContext } from "../lib/cli/context.ts";
import type { DeclaredChange } from "../lib/declare/plan_declared.ts";
import { planEdit } from "../lib/declare/plan_edit.ts";
import type { Host } from "../lib/host/host.ts";
import { requireLive, requireMachines } from "../lib/machine/lifecycle.ts";
import { machinePaths } from "../lib/paths.ts";
import { type MachineName, parseMachineName } from "../lib/spec/machine_name.ts";
import { setInMachineToml } from "../lib/transfer/rename_texts.ts";
import { recordEvent } from "../lib/watch/record_event.ts";
import { changeTools, lockMachine } from "./_machine_change.ts";
import { printSteps } from "./_print_steps.ts";

/** The operands MACHINE and NAME. */
export const connectorOperands = {
  machine: { kind: "machine", help: "the machine that calls", parse: parseMachineName },
  name: { kind: "machine", help: "the machine that lends", parse: parseMachineName },
} as const;

/**
 * Changes `connectors` in a machine's machine.toml, and applies it.
 *
 * @param change gets what is there, and returns what is to be; it may refuse.
 * @returns undefined in a dry run, which prints the steps, and where nothing changed.
 */
export async function changeConnectors(
  context: VerbContext,
  host: Host,
  machine: MachineName,
  message: string,
  change: (connectors: readonly MachineName[]) => readonly MachineName[],
): Promise<DeclaredChange | undefined> {
  requireLive(host, "change connectors");
  const tools = changeTools(context, host, machine);
  using _lock = context.dryRun ? undefined : await lockMachine(tools, machine);
  requireMachines(host.root, [machine]);
  const { connectors } = readPresentMachine(host, machine).spec;
  const wanted = change(connectors);
  if (Bun.deepEquals(wanted, connectors)) return undefined;
  const file = machinePaths(host.root, machine).machineToml;
  const plan = await planEdit(
    host,
    machine,
    `the connectors of "${machine}"`,
    (text) => setInMachineToml(text, file, "connectors", wanted),
    (text) => context.log.warn(text),
  );
  if (plan?.change === undefined) return undefined;
  if (context.dryRun) {
    printSteps(context, [...plan.change.prepare, ...plan.change.redo]);
    return undefined;
  }
  await applyChange(plan.change, tools);
  await recordEvent(host, { event: "apply", machine, message });
  return plan;
}
