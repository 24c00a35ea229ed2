import { formatIpv6, formatPrefix } from "../lib/address/ipv6.ts";
import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { openHost } from "../lib/host/host.ts";
import { readMeshAddresses } from "../lib/host/machine_network.ts";
import { requireRoot } from "../lib/host/privilege.ts";
import { readHostIdentity } from "../lib/host/yggdrasil.ts";
import { applySteps } from "../lib/steps/apply.ts";
import { takeMachineLock } from "../lib/machine/lock.ts";
import { findRenumbering, planRenumbering } from "../lib/steps/renumbering.ts";
import { gatewayIpv6 } from "../lib/network/host_network.ts";
import { printSteps } from "./_print_steps.ts";

const verb = defineVerb({
  name: "host renumber",
  summary: "give all machines addresses of the host's present prefix",
  description:
    "For a host whose yggdrasil key has changed, or whose ULA network in config.toml has. Rewrites the addresses in each man8env.env and in the bridge's own file, then relays, firewall and names; machines that run get the new addresses while they run, and their other connections stay. It may be run again at any time.",
  changes: true,
  examples: [
    { command: "mbctl host renumber --dry-run", says: "what would change" },
    { command: "mbctl host renumber", says: "prints each address that is another one now" },
  ],
  async run(context) {
    const host = openHost(context);
    if (!context.dryRun) requireRoot("renumber the host");
    const renumbering = await findRenumbering(host);
    const { self, prefix } = renumbering;
    if (self !== undefined) {
      const { key } = await readHostIdentity(host);
      context.log.warn(
        `[hosts] of config.toml has an old key of this host; write there: ${self.name} = "${key ?? formatPrefix(prefix)}"`,
      );
    }
    if (context.dryRun) {
      printSteps(context, await planRenumbering(host, renumbering));
      return undefined;
    }
    using locks = new DisposableStack();
    for (const { name } of renumbering.machines) locks.use(takeMachineLock(host.root, name));
    // Read again: only now nobody else changes these machines.
    const steps = await planRenumbering(host, renumbering);
    await applySteps(steps, {
      host,
      signal: context.signal,
      onStep: (text) => context.log.debug(text),
    });
    const gateway = gatewayIpv6(prefix);
    const { bridge } = host.config;
    if (host.isLive && !(await readMeshAddresses(host.run, bridge)).includes(gateway)) {
      context.log.warn(
        `the bridge "${bridge}" is neither systemd-networkd's nor mbctl's in NetworkManager, and has no ${formatIpv6(gateway)}: mbctl host setup`,
      );
    }
    for (const { name, variables } of renumbering.machines) {
      for (const { from, to } of variables) context.out.print(`${name}: ${from} -> ${to}`);
    }
    if (renumbering.machines.length === 0) {
      context.log.info(`nothing to renumber: all machines are in ${formatPrefix(prefix)}`);
    } else {
      context.log.info(
        `other hosts need the new key: there, mbctl address import --ssh ${host.name} --trust`,
      );
    }
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
