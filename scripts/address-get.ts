import { formatPrefix, parsePrefix } from "../lib/address/ipv6.ts";
import { machineAddressText } from "../lib/address/machine_address.ts";
import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { openHost } from "../lib/host/host.ts";
import { readHostPrefix } from "../lib/host/yggdrasil.ts";
import { parseMachineName } from "../lib/machine/name.ts";

const verb = defineVerb({
  name: "address get",
  summary: "print a machine's address",
  description:
    "The address is the host's yggdrasil prefix and the suffix of the name. The machine need not exist.",
  reads: true,
  operands: { name: { kind: "machine", help: "the machine", parse: parseMachineName } },
  flags: {
    prefix: {
      type: "string",
      value: "PREFIX",
      help: "the /64 of another host, instead of this one's",
      parse: parsePrefix,
    },
  },
  examples: [
    { command: "mbctl address get web", says: "its address on this host" },
    {
      command: "mbctl address get web --prefix 300:2e98:a4b0:1789::/64",
      says: "its address on the host with that prefix",
    },
  ],
  async run(context, { name, prefix }) {
    const network = prefix ?? (await readHostPrefix(openHost(context)));
    const address = machineAddressText(name, network);
    context.out.answer({ name, prefix: formatPrefix(network), address }, () => `${address}\n`);
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
