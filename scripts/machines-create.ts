import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { lackingPrograms } from "../lib/connector/lacking_programs.ts";
import { requireConnectors } from "../lib/connector/require_connectors.ts";
import { usageError } from "../lib/errors.ts";
import { openHost } from "../lib/host/host.ts";
import { requireRoot } from "../lib/host/privilege.ts";
import { describeDeviceRules } from "../lib/host/device_rule.ts";
import { readMachine } from "../lib/machine/inventory.ts";
import { requireLive } from "../lib/machine/lifecycle.ts";
import { takeMachineLock } from "../lib/machine/lock.ts";
import { applyPull, checkPull, prepareMachine } from "../lib/steps/pull.ts";
import { systemSource } from "../lib/steps/system_source.ts";
import { parseNewUser } from "../lib/os/accounts.ts";
import { parseMirror, parsePackages } from "../lib/os/choices.ts";
import { exampleReference, osReference, parseOs } from "../lib/os/os.ts";
import { parseMachineName } from "../lib/spec/machine_name.ts";
import type { MachineSpec } from "../lib/spec/machine_spec.ts";
import { formatOsReference } from "../lib/spec/os_reference.ts";
import { givenChoices, systemFlags } from "./_app_flags.ts";
import { networkChoices, networkFlags } from "./_network_flags.ts";
import { printSteps } from "./_print_steps.ts";
import { changeTools } from "./_machine_change.ts";
import { announceMachine, endEarlierRun } from "./_new_machine.ts";

const verb = defineVerb({
  name: "machines create",
  summary: "make a machine of a distribution",
  description:
    "A whole system, made by the distribution's own bootstrapper (mmdebstrap or debootstrap, dnf, pacstrap, zypper) and booted by its own systemd. Its network, its name and its first user are set up; root has no password. Prints the machine's address.",
  changes: true,
  operands: {
    name: { kind: "machine", help: "the new machine", parse: parseMachineName },
  },
  flags: {
    os: {
      type: "string",
      value: "DISTRIBUTION[:RELEASE]",
      parse: parseOs,
      help: "debian:bookworm, debian:13, ubuntu:noble, fedora:43, arch, opensuse:tumbleweed…",
    },
    mirror: {
      type: "string",
      value: "URL",
      parse: parseMirror,
      help: "where its packages come from, in place of the distribution's own mirrors",
    },
    packages: {
      type: "string",
      value: "NAME,…",
      repeat: true,
      parse: parsePackages,
      help: "packages beside those that a system needs",
    },
    user: {
      type: "string",
      value: "NAME[:UID]",
      parse: parseNewUser,
      help: "a first user, without a password",
    },
    ...systemFlags,
    ...networkFlags,
    start: { type: "boolean", help: "start it at once" },
  },
  examples: [
    {
      command: "mbctl machines create box --os debian:trixie --start",
      says: "then: mbctl machines shell box",
    },
    {
      command:
        "mbctl machines create build --os ubuntu:noble --packages git,make --user build:1001",
      says: "for builds whose files another uid must own",
    },
  ],
  async run(context, { name, os, mirror, packages, user, start, ...flags }) {
    const { log } = context;
    if (os === undefined) {
      throw usageError(
        `Cannot make the machine "${name}": no distribution is given`,
        `name one: --os ${exampleReference}`,
      );
    }
    const host = openHost(context);
    const reference = formatOsReference(osReference(os));
    const choice = {
      ...(mirror === undefined ? {} : { mirror }),
      packages: packages.flat(),
      ...(user === undefined ? {} : { user }),
    };
    const { app, volumes } = givenChoices(context, { ...flags, env: [] }, name, []);
    const network = networkChoices(flags);
    requireConnectors(host.root, name, app.connectors);
    const tools = changeTools(context, host, name);
    if (!context.dryRun) requireRoot("make machines");
    using _lock = context.dryRun ? undefined : takeMachineLock(host.root, name);
    if (start && !context.dryRun) requireLive(host, "start machines");
    const earlier = await endEarlierRun(context, tools, name);
    const isDone =
      earlier === "completed" && (await readMachine(host, name)).spec.image.reference === reference;
    if (!isDone) {
      const facts = await checkPull(host, name, network, (text) => log.warn(text));
      const { found, tree } = await systemSource(host, { name, image: { reference }, os: choice });
      const { digest, manifestDigest } = found;
      const spec: MachineSpec = {
        ...{ name, ...app, ...network, mode: "base", os: choice, environment: [], volumes },
        ...(facts.staticIpv4 === undefined ? {} : { ipv4: facts.staticIpv4 }),
        image: { reference, digest, manifestDigest },
      };
      const prepared = prepareMachine(host, spec, facts, found, tree);
      for (const weakness of prepared.weaknesses) log.warn(weakness);
      for (const hint of describeDeviceRules(spec.devices)) log.info(hint);
      if (context.dryRun) {
        printSteps(context, [...prepared.steps, ...prepared.finish]);
        return undefined;
      }
      log.info(`making a system of ${reference.slice("os:".length)}: this takes a minute or so`);
      await applyPull(prepared, tools);
      for (const lack of lackingPrograms(host.root, prepared.spec, found.config)) log.warn(lack);
    }
    await announceMachine(context, host, name, `made of ${reference}`, start);
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
