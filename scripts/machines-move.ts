import packageJson from "../package.json" with { type: "json" };
import { recoverChange } from "../lib/change/apply_change.ts";
import { runScript } from "../lib/cli/main.ts";
import { escapeLine } from "../lib/cli/terminal.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { MbctlError } from "../lib/errors.ts";
import { openHost } from "../lib/host/host.ts";
import { noSuchMachine } from "../lib/machine/inventory.ts";
import { requireLive, requireMachines } from "../lib/machine/lifecycle.ts";
import { takeMachineLock } from "../lib/machine/lock.ts";
import { machinePaths } from "../lib/paths.ts";
import { nameExists } from "../lib/host/files.ts";
import { formatBytes } from "../lib/cli/quantity.ts";
import { parseMachineName } from "../lib/spec/machine_name.ts";
import { exchangeNames } from "../lib/transfer/exchange_names.ts";
import { moveMachine, prepareMove } from "../lib/transfer/move_machine.ts";
import { RemoteHost } from "../lib/transfer/remote_host.ts";
import { parseSshTarget } from "../lib/transfer/ssh_target.ts";
import { recordEvent } from "../lib/watch/record_event.ts";
import { networkFlags } from "./_network_flags.ts";

const verb = defineVerb({
  name: "machines move",
  summary: "take a machine to another host",
  description:
    "Copies its data while it runs (rsync, where both hosts have it), stops it, copies what has changed, makes it there of its configuration, gives the other host its secrets to encrypt anew, starts it and waits until it is well. Only then it is removed here. When anything fails before, it is started here again, and nothing is left there. Addresses are those of the other host; names are exchanged with a host that trusts this one. The other host needs mbctl, and ssh as root without a password.",
  changes: true,
  operands: {
    machine: { kind: "machine", label: "NAME", help: "the machine", parse: parseMachineName },
    target: {
      kind: "text",
      label: "ssh://[USER@]HOST[:PORT]",
      help: "the other host",
      parse: parseSshTarget,
    },
  },
  flags: {
    name: {
      type: "string",
      value: "NAME",
      parse: parseMachineName,
      help: "what it is to be called there",
    },
    publish: { ...networkFlags.publish, help: "in the place of its ports of the host, there" },
    withTree: {
      type: "boolean",
      help: "send its root tree, with what was written to it outside of volumes",
    },
    keep: { type: "boolean", help: "keep it here too, stopped" },
  },
  examples: [
    { command: "mbctl machines move db ssh://root@hostb", says: "asks first" },
    { command: "mbctl machines move db ssh://hostb --dry-run", says: "whether it would be taken" },
  ],
  async run(
    context,
    { machine: name, target, name: newName = name, publish, withTree: hasTree, keep: isKept },
  ) {
    const { log, out, prompt, dryRun } = context;
    const host = openHost(context);
    requireLive(host, "move machines");
    if (!nameExists(machinePaths(host.root, name).machineToml))
      throw noSuchMachine(host.root, name);
    const remote = new RemoteHost(host, target);
    const say = (text: string) => log.info(escapeLine(text));
    const tools = {
      ...{ host, machine: name, signal: context.signal },
      onStep: (text: string) => log.debug(text),
      onWarning: (text: string) => log.warn(text),
    };
    using _lock = takeMachineLock(host.root, name);
    if (!dryRun) await recoverChange(host, name, tools);
    requireMachines(host.root, [name]);
    const request = { name, newName, publish, isKept, hasTree, mbctl: packageJson.version, say };
    const prepared = await prepareMove(host, remote, request, tools);
    const { offer, dataBytes, losses } = prepared;
    for (const line of [
      ...offer.trimEnd().split("\n"),
      `its data: ${formatBytes(dataBytes)}`,
      ...losses,
    ]) {
      dryRun ? out.print(escapeLine(line)) : say(line);
    }
    if (dryRun) return undefined;
    const isSure = await prompt.confirm({
      message: `Move "${name}" to ${remote.name}${isKept ? "" : ", and remove it here"}?`,
      flag: "--yes",
    });
    if (!isSure) throw new MbctlError("interrupted", `Nothing was changed of "${name}"`);
    await moveMachine(host, remote, request, prepared, tools);
    await exchangeNames(openHost(context), remote, say);
    const message = `moved to ${remote.name}${newName === name ? "" : ` as "${newName}"`}`;
    await recordEvent(host, { event: "move", machine: name, message });
    out.print((await remote.run(["mbctl", "address", "get", newName])).trimEnd());
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
