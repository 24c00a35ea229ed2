import { recoverChange } from "../lib/change/apply_change.ts";
import { applyAdoption, prepareAdoption } from "../lib/adopt/adopt.ts";
import { runScript } from "../lib/cli/main.ts";
import { escapeLine } from "../lib/cli/terminal.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { openHost } from "../lib/host/host.ts";
import { requireRoot } from "../lib/host/privilege.ts";
import { parseImageRef, resolveImagePath } from "../lib/image/reference.ts";
import { takeMachineLock } from "../lib/machine/lock.ts";
import { describeStep } from "../lib/steps/step.ts";
import { parseMachineName } from "../lib/spec/machine_name.ts";
import { recordEvent } from "../lib/watch/record_event.ts";

const verb = defineVerb({
  name: "machines adopt",
  summary: "take over a machine that mbctl did not make",
  description:
    "One of the earlier mbctl, or one made by hand for systemd-nspawn. Writes its machine.toml from what its files say, and says line by line what machine.toml has no word for. Its nspawn file and its env file stay as they are, and count as yours in every change to come. Nothing is stopped; what is new counts from its next start. Its init is changed with --init alone.",
  changes: true,
  operands: { name: { kind: "text", help: "the machine", parse: parseMachineName } },
  flags: {
    init: { type: "boolean", help: "give it man8s-init: addresses, variables, users, signals" },
    image: {
      type: "string",
      value: "IMAGE",
      kind: "image",
      parse: parseImageRef,
      help: "what it was made of, where its files do not say it",
    },
  },
  examples: [
    { command: "mbctl machines adopt web --dry-run", says: "shows its machine.toml" },
    { command: "mbctl machines adopt web --init", says: "takes it over, with man8s-init" },
  ],
  async run(context, { name, init: takesInit, image }) {
    const { log, out, dryRun } = context;
    const host = openHost(context);
    requireRoot("adopt machines");
    const warn = (text: string) => log.warn(text);
    const tools = {
      ...{ host, machine: name, signal: context.signal, onWarning: warn },
      onStep: (text: string) => log.debug(text),
    };
    using _lock = dryRun ? undefined : takeMachineLock(host.root, name);
    if (!dryRun) await recoverChange(host, name, tools);
    const { change, machineToml, notes } = await prepareAdoption(host, {
      ...{ name, takesInit, warn },
      image: image && resolveImagePath(image, context.workingDirectory),
    });
    for (const note of notes) log.info(escapeLine(note));
    if (dryRun) {
      out.write(machineToml);
      for (const step of [...change.prepare, ...change.redo]) log.info(describeStep(step));
      return undefined;
    }
    await applyAdoption(change, tools);
    await recordEvent(host, { event: "adopt", machine: name, message: "taken over" });
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
