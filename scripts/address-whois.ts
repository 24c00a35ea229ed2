import { formatIpv6, parseIpv6 } from "../lib/address/ipv6.ts";
import { runScript } from "../lib/cli/main.ts";
import { renderTable } from "../lib/cli/table.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { openHost } from "../lib/host/host.ts";
import { readHostState } from "../lib/machine/derive.ts";
import { describeOwner, whois } from "../lib/names/whois.ts";

const verb = defineVerb({
  name: "address whois",
  summary: "say whose an address is",
  description:
    "Looks among this host's machines, the hosts of config.toml, and their machines that were imported or stand in allow rules. Exits with 1 when one of the addresses is not known.",
  reads: true,
  operands: {
    addresses: {
      kind: "text",
      label: "ADDRESS",
      repeat: true,
      help: "IPv6 addresses",
      parse: parseIpv6,
    },
  },
  examples: [
    {
      command: "mbctl address whois 300:2e98:a4b0:1789:1d44:bc13:a177:c4d",
      says: "web@hostb, for one",
    },
  ],
  async run(context, { addresses }) {
    const state = await readHostState(openHost(context));
    const found = addresses.map((address) => ({
      address: formatIpv6(address),
      owner: whois(address, state),
    }));
    const [first] = found;
    context.out.answer(
      { addresses: found.map(({ address, owner }) => ({ address, ...owner })) },
      () =>
        found.length === 1 && first !== undefined
          ? `${describeOwner(first.owner)}\n`
          : renderTable(
              ["ADDRESS", "OWNER"],
              found.map(({ address, owner }) => [address, describeOwner(owner)]),
            ),
    );
    return found.every(({ owner }) => owner.kind !== "stranger") ? undefined : 1;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
