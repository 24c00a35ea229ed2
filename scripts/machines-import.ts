import { recoverChange } from "../lib/change/apply_change.ts";
import type { VerbContext } from "../lib/cli/context.ts";
import { runScript } from "../lib/cli/main.ts";
import { escapeLine } from "../lib/cli/terminal.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { MbctlError } from "../lib/errors.ts";
import { openHost } from "../lib/host/host.ts";
import { requireRoot } from "../lib/host/privilege.ts";
import { parseImageRef, resolveImagePath } from "../lib/image/reference.ts";
import { readMachine } from "../lib/machine/inventory.ts";
import { controlUnits, requireLive } from "../lib/machine/lifecycle.ts";
import { takeMachineLock } from "../lib/machine/lock.ts";
import { recoverPull } from "../lib/steps/pull.ts";
import { readRemains } from "../lib/rebuild/prepare_rebuild.ts";
import { rebuildRemains } from "../lib/rebuild/rebuild_machine.ts";
import { type MachineName, machineUnit, parseMachineName } from "../lib/spec/machine_name.ts";
import {
  describeOffer,
  importMachine,
  type Offer,
  previewImport,
} from "../lib/transfer/import_machine.ts";
import { recordEvent } from "../lib/watch/record_event.ts";
import { imageLocator } from "./_image_locator.ts";
import { imageStore, sourceFlags, sourceOptions } from "./_image_source.ts";
import { networkFlags } from "./_network_flags.ts";
import { openArchive } from "./_open_archive.ts";

const verb = defineVerb({
  name: "machines import",
  summary: "make a machine of an archive",
  description:
    "Reads what mbctl machines export wrote. The root tree is that of the image's digest, from the store or the registry; addresses are those of this host. What the machine would get of this host (folders, devices, capabilities, ports, and whatever was edited by hand) is shown and asked about first. A damaged archive leaves nothing.",
  changes: true,
  progress: true,
  operands: { file: { kind: "file", help: "the archive; - is standard input" } },
  flags: {
    name: {
      type: "string",
      value: "NAME",
      parse: parseMachineName,
      help: "another name than the one in the archive",
    },
    to: {
      type: "string",
      value: "IMAGE",
      kind: "image",
      parse: parseImageRef,
      help: "another image, where the registry no longer has the one of before",
    },
    publish: { ...networkFlags.publish, help: "in the place of its ports of the host" },
    start: { type: "boolean", help: "start it at once" },
    keepIdentity: {
      type: "boolean",
      help: "a whole system keeps machine-id and ssh host keys under another name: the first is no more",
    },
    stagedData: {
      type: "boolean",
      help: "its storage folder is there already, under its hidden name: mbctl machines move put it there",
    },
    ...sourceFlags,
  },
  examples: [
    { command: "mbctl machines import db.tar", says: "asks if it wants anything of this host" },
    { command: "mbctl machines import db.tar --dry-run", says: "what it is, and what it wants" },
    {
      command: "mbctl machines import db.tar --name db2 --publish 5433:5432 --start",
      says: "beside the first",
    },
  ],
  async run(context, { file, name: other, publish, start, stagedData: isStorageStaged, ...flags }) {
    const { log, out, dryRun } = context;
    const host = openHost(context);
    requireRoot("import machines");
    const to = flags.to && resolveImagePath(flags.to, context.workingDirectory);
    if (start && !dryRun) requireLive(host, "start machines");
    const reader = openArchive(context, file);
    const manifest = await reader.manifest();
    const name = other ?? manifest.name;
    const warn = (text: string) => log.warn(escapeLine(text));
    const request = {
      ...{ manifest, name, publish, warn, isStorageStaged, keepsIdentity: flags.keepIdentity },
      unpacking: { spawn: host.spawn, signal: context.signal, onWarning: warn },
    };
    if (dryRun) {
      const offer = await previewImport(host, reader, request);
      for (const line of describeOffer(name, offer)) out.print(escapeLine(line));
      return undefined;
    }
    const tools = {
      ...{ host, machine: name, signal: context.signal, onWarning: warn },
      onStep: (text: string) => log.debug(text),
    };
    using _lock = takeMachineLock(host.root, name);
    await recoverPull(host, name, tools);
    await recoverChange(host, name, tools);
    using store = await imageStore(context, host);
    const options = { ...sourceOptions(context, flags), policy: "missing" } as const;
    await importMachine(
      host,
      reader,
      {
        ...request,
        approve: (offer) => approve(context, name, offer),
        rebuild: async () => {
          await rebuildRemains(
            host,
            readRemains(host, name),
            { to },
            {
              ...{ ...tools, warn },
              confirm: async () => true,
              say: (text) => log.info(escapeLine(text)),
              locate: imageLocator(context, host, store, options),
            },
          );
        },
      },
      tools,
    );
    const message = `imported of an archive of "${manifest.name}"`;
    await recordEvent(host, { event: "import", machine: name, message });
    for (const secret of manifest.secrets) {
      warn(`the secret ${secret} is not in the archive: mbctl secrets set ${name} ${secret}`);
    }
    const { address, spec } = await readMachine(host, name);
    if (spec.mode === "base" && name !== manifest.name && !flags.keepIdentity) {
      log.info("it gets a machine-id and ssh host keys of its own: --keep-identity keeps those");
    }
    if (address !== undefined) out.print(address);
    if (start) await controlUnits(host, "start", [machineUnit(name)]);
    return undefined;
  },
});
export default verb;

async function approve(context: VerbContext, name: MachineName, offer: Offer): Promise<void> {
  if (offer.asked.length === 0) return;
  for (const line of describeOffer(name, offer)) context.log.info(escapeLine(line));
  const isSure = await context.prompt.confirm({
    message: `May "${name}" have this of the host?`,
    flag: "--yes",
  });
  if (!isSure) throw new MbctlError("interrupted", `Nothing was made of "${name}"`);
}

if (import.meta.main) await runScript(verb);
