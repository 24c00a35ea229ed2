import { formatPrefix, parsePrefix } from "../lib/address/ipv6.ts";
import type { VerbContext } from "../lib/cli/context.ts";
import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { MbctlError } from "../lib/errors.ts";
import { type Host, openHost } from "../lib/host/host.ts";
import { requireLive } from "../lib/machine/lifecycle.ts";
import { takeSetupLock, waitForConfigLock } from "../lib/machine/lock.ts";
import { formatIpv4Network } from "../lib/network/ipv4.ts";
import { applySetup } from "../lib/setup/apply_setup.ts";
import { checkUla, parseBridgeIpv4, parseBridgeName } from "../lib/setup/choose_network.ts";
import { type BackendName, backendNames } from "../lib/setup/record.ts";
import { type PreparedSetup, prepareSetup } from "../lib/setup/set_up.ts";
import { describeSetupStep } from "../lib/setup/setup_step.ts";
import { planRecovery, takeBack } from "../lib/setup/take_back.ts";

const verb = defineVerb({
  name: "host setup",
  summary: "prepare this host: bridge, yggdrasil, firewall, services",
  description:
    "Shows its plan first. What it changes is noted in /var/lib/mbctl/setup.json, and taken back when a step fails, or by mbctl host teardown. Run again, it mends what is missing, and does nothing where nothing is.\n\nA yggdrasil configuration that is there is kept, with its key; only the search for neighbours is kept off the bridge. Networks are chosen so that they overlap nothing on the host.",
  changes: true,
  flags: {
    backend: { type: "choice", choices: backendNames, help: "who manages the bridge" },
    bridge: { type: "string", value: "NAME", parse: parseBridgeName, help: "the bridge's name" },
    ula: {
      type: "string",
      value: "PREFIX",
      parse: (text: string) => checkUla(parsePrefix(text)),
      help: "its IPv6 network for the internet: fd…::/64",
    },
    ipv4: {
      type: "string",
      value: "CIDR",
      parse: parseBridgeIpv4,
      help: "its IPv4 network: 10.199.0.0/24",
    },
    uplink: {
      type: "string",
      value: "IF",
      help: "an interface that goes on to get IPv6 by router advertisements",
    },
  },
  examples: [
    { command: "mbctl host setup --dry-run", says: "what would be done" },
    { command: "mbctl host setup", says: "do it" },
    { command: "mbctl host setup --ipv4 10.50.0.0/24 --yes", says: "with a network of your own" },
  ],
  async run(context, { backend, bridge, ula, ipv4, uplink }) {
    requireLive(openHost(context), "set a host up");
    const wishes = { backend: backend as BackendName | undefined, bridge, ula, ipv4, uplink };
    if (context.dryRun) {
      const host = openHost(context);
      const recovery = await planRecovery(host);
      for (const step of recovery) context.out.print(describeSetupStep(step));
      if (recovery.length > 0) {
        context.log.info("then, with what the killed setup left taken back, a new plan is made");
        return undefined;
      }
      const { steps } = await prepareSetup(host, wishes);
      for (const step of steps) context.out.print(describeSetupStep(step));
      if (steps.length === 0) context.log.info("nothing to do: the host is set up");
      return undefined;
    }
    using _lock = takeSetupLock(context.root);
    // config.toml is edited by others of us too, and counts as it is from here on.
    using _config = await waitForConfigLock(context.root, context);
    await recover(context, "taking back what an earlier setup had begun and not ended");
    const host = openHost(context);
    const plan = await prepareSetup(host, wishes);
    if (plan.steps.length === 0) {
      context.log.info("nothing to do: the host is set up");
      return undefined;
    }
    context.log.info(describePlan(plan));
    for (const step of plan.steps) context.log.info(`  ${describeSetupStep(step)}`);
    await confirmChanges(context, plan.changed);
    await applyOrTakeBack(context, host, plan);
    context.log.info("the host is set up; mbctl host check looks at all of it");
    return undefined;
  },
});
export default verb;

function describePlan({ network, isKeyNew }: PreparedSetup): string {
  const mesh = isKeyNew
    ? `${formatPrefix(network.prefix)} of a new yggdrasil key`
    : formatPrefix(network.prefix);
  return `bridge ${network.bridge}: ${mesh}, ${formatPrefix(network.ula)}, ${formatIpv4Network(network.ipv4)}`;
}

async function confirmChanges({ prompt }: VerbContext, changed: readonly string[]): Promise<void> {
  if (changed.length === 0) return;
  const isSure = await prompt.confirm({
    message: `Change files that are there: ${changed.join(", ")}?`,
    flag: "--yes",
  });
  if (!isSure) throw new MbctlError("interrupted", "Nothing was changed");
}

/**
 * Takes back what a run had begun and not ended.
 *
 * @param why said where there is something.
 */
async function recover(context: VerbContext, why: string): Promise<void> {
  // Without the signal: a second Ctrl-C ends the process, the first must not end the way back.
  const host = openHost({ root: context.root, log: context.log });
  const steps = await planRecovery(host);
  if (steps.length === 0) return;
  context.log.info(why);
  const onStep = (text: string) => context.log.debug(text);
  if (await takeBack(host, steps, (text) => context.log.warn(text), { onStep })) return;
  throw new MbctlError("failed", "Cannot take back all that a setup had begun", {
    hint: "mend what is said above, then run mbctl host setup or mbctl host teardown again",
  });
}

async function applyOrTakeBack(
  context: VerbContext,
  host: Host,
  { steps }: PreparedSetup,
): Promise<void> {
  try {
    const onStep = (text: string) => context.log.debug(text);
    await applySetup(host, steps, { onStep, signal: context.signal });
  } catch (error) {
    await recover(context, "taking back what was done, to the state before").catch(
      (second: unknown) => {
        if (!(second instanceof MbctlError)) throw second;
        context.log.warn(second.message);
      },
    );
    throw error;
  }
}

if (import.meta.main) await runScript(verb);
