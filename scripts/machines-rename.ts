import { applyChange, recoverChange } from "../lib/change/apply_change.ts";
import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { readConnectorUsers } from "../lib/connector/require_connectors.ts";
import { MbctlError, usageError } from "../lib/errors.ts";
import { nameExists } from "../lib/host/files.ts";
import { openHost } from "../lib/host/host.ts";
import { requireRoot } from "../lib/host/privilege.ts";
import { readMachine } from "../lib/machine/inventory.ts";
import { takeMachineLock } from "../lib/machine/lock.ts";
import { connectorsInMachine, machinePaths } from "../lib/paths.ts";
import { type MachineName, parseMachineName } from "../lib/spec/machine_name.ts";
import { prepareRename } from "../lib/transfer/rename.ts";
import { printSteps } from "./_print_steps.ts";

const verb = defineVerb({
  name: "machines rename",
  summary: "give a machine another name",
  description:
    "Everything of it goes to the new name: tree, configuration with all edits, data, snapshots, secrets, unit, boot entry. Its addresses follow from its name and change. Machines that name it in depends, connectors or allow are changed too. One that runs is stopped and started again. Other hosts know the new name after mbctl address import there.",
  changes: true,
  operands: {
    old: { kind: "machine", help: "the machine", parse: parseMachineName },
    new: { kind: "text", help: "its new name", parse: parseMachineName },
  },
  examples: [
    { command: "mbctl machines rename web www", says: "asks first if it runs" },
    { command: "mbctl machines rename web www --dry-run", says: "shows the steps" },
  ],
  async run(context, { old: from, new: to }) {
    const host = openHost(context);
    if (from === to) {
      throw usageError(`Cannot rename "${from}": it has that name`, "choose another name");
    }
    const warn = (text: string) => context.log.warn(text);
    const tools = {
      host,
      signal: context.signal,
      onStep: (text: string) => context.log.debug(text),
      onWarning: warn,
    };
    if (context.dryRun) {
      const { change } = await prepareRename(host, { from, to });
      printSteps(context, [...change.prepare, ...change.redo]);
      return undefined;
    }
    const printAddress = async () => {
      const { address } = await readMachine(host, to);
      if (address !== undefined) context.out.print(address);
      return undefined;
    };
    requireRoot("rename machines");
    using _old = takeMachineLock(host.root, from);
    const earlier = await recoverChange(host, from, tools);
    if (earlier !== "nothing") {
      context.log.info(`an earlier run was killed while it changed "${from}": ${earlier}`);
    }
    const isThere = (name: MachineName) => nameExists(machinePaths(host.root, name).machineToml);
    // It may have been this very change.
    if (earlier === "done" && !isThere(from) && isThere(to)) return await printAddress();
    using _new = takeMachineLock(host.root, to);
    await recoverChange(host, to, tools);
    const { change, isRunning, others } = await prepareRename(host, { from, to });
    using _others = takeAll(others.map((name) => () => takeMachineLock(host.root, name)));
    const users = readConnectorUsers(host.root, from);
    const isSure =
      (!isRunning && users.length === 0) ||
      (await context.prompt.confirm({
        message: question({ from, to }, isRunning, users),
        flag: "--yes",
      }));
    if (!isSure) throw new MbctlError("interrupted", `Nothing was changed of "${from}"`);
    await applyChange(change, tools);
    if (others.length > 0) context.log.info(`renamed too in: ${others.join(", ")}`);
    return await printAddress();
  },
});
export default verb;

/** What happens that somebody may notice. */
function question(
  { from, to }: { readonly from: string; readonly to: string },
  isRunning: boolean,
  users: readonly MachineName[],
): string {
  const paths = `For ${users.join(", ")} its commands move from ${connectorsInMachine}/${from} to ${connectorsInMachine}/${to}`;
  return [
    ...(users.length > 0 ? [`${paths}.`] : []),
    isRunning ? `"${from}" runs. Stop it, and start it as "${to}"?` : "Rename it?",
  ].join(" ");
}

/** Takes all locks, or none. */
function takeAll(takers: readonly (() => Disposable)[]): Disposable {
  using stack = new DisposableStack();
  for (const take of takers) stack.use(take());
  return stack.move();
}

if (import.meta.main) await runScript(verb);
