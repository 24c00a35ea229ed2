import { formatIpv6 } from "../lib/address/ipv6.ts";
import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { openHost } from "../lib/host/host.ts";
import { readHostState } from "../lib/machine/derive.ts";
import { hostsLines } from "../lib/names/hosts_block.ts";
import { knownNames } from "../lib/names/known_names.ts";

const verb = defineVerb({
  name: "address hosts",
  summary: "print all known names and addresses as a hosts file",
  description:
    "What stands in this host's /etc/hosts, and what its machines therefore resolve. For a computer of the mesh without mbctl: append it to /etc/hosts there.",
  reads: true,
  examples: [{ command: "mbctl address hosts", says: "300:… web.hostb.mesh.internal web.hostb" }],
  async run(context) {
    const known = knownNames(await readHostState(openHost(context)));
    context.out.answer(
      {
        names: known.map(({ kind, label, address, names }) => ({
          kind,
          name: label,
          address: formatIpv6(address),
          resolves: names,
        })),
      },
      () =>
        hostsLines(known)
          .map((line) => `${line}\n`)
          .join(""),
    );
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
