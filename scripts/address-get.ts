import { formatIpv6, formatPrefix, type Ipv6Prefix, parsePrefix } from "../lib/address/ipv6.ts";
import { machineAddressText } from "../lib/address/machine_address.ts";
import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { usageError } from "../lib/errors.ts";
import { type Host, openHost } from "../lib/host/host.ts";
import { readHostIdentity, readHostPrefix } from "../lib/host/yggdrasil.ts";
import { readMachineSpecs } from "../lib/machine/inventory.ts";
import { readTemplate } from "../lib/config/read_template.ts";
import { findHost, parseQualifiedName, unknownHost } from "../lib/names/qualified_name.ts";

const verb = defineVerb({
  name: "address get",
  summary: "print the address of a machine or a host",
  description:
    "A machine's address is its host's yggdrasil prefix and the suffix of its name: nobody is asked, and the machine need not exist. HOST is one of [hosts] in config.toml; the name of such a host alone, or of this one, gives the host's own address.",
  reads: true,
  operands: {
    name: { kind: "machine", help: "NAME, NAME@HOST or HOST", parse: parseQualifiedName },
  },
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
    { command: "mbctl address get web@hostb", says: "its address on hostb, a host of config.toml" },
    {
      command: "mbctl address get web --prefix 300:2e98:a4b0:1789::/64",
      says: "its address on the host with that prefix",
    },
  ],
  async run(context, { name: { name, host: hostName }, prefix: given }) {
    if (given !== undefined && hostName !== undefined) {
      throw usageError(`Cannot use --prefix with "${name}@${hostName}": it names a host already`);
    }
    const host = openHost(context);
    const named =
      hostName === undefined && given === undefined ? await namedHost(host, name) : undefined;
    if (named !== undefined) {
      const { address, prefix } = named;
      if (address === undefined) {
        throw usageError(
          `Cannot find the address of the host "${named.name}": config.toml has its prefix alone`,
          "write its public key there: mbctl address export, on that host, prints it",
        );
      }
      const fields = {
        name: named.name,
        host: named.name,
        prefix: formatPrefix(prefix),
        address: formatIpv6(address),
      };
      context.out.answer(fields, () => `${fields.address}\n`);
      return undefined;
    }
    const own = given === undefined && hostName === undefined && readSpec(host, name);
    if (own && readTemplate(host.root, own.template).network.kind !== "bridge") {
      throw usageError(
        `Cannot find the mesh address of the machine "${name}": its template "${own.template}" has none`,
      );
    }
    const prefix = given ?? (await prefixOfHost(host, hostName));
    const address = machineAddressText(name, prefix);
    const fields = { name, host: hostName, prefix: formatPrefix(prefix), address };
    context.out.answer(fields, () => `${address}\n`);
    return undefined;
  },
});
export default verb;

function readSpec(host: Host, name: string) {
  return readMachineSpecs(host.root).find((spec) => spec.name === name);
}

/** The host that a name alone means: one of config.toml or this one, unless a machine here is called so. */
async function namedHost(host: Host, name: string) {
  if (readSpec(host, name) !== undefined) return undefined;
  const known = findHost(host.config.hosts, name);
  if (known !== undefined || name.toLowerCase() !== host.name.toLowerCase()) return known;
  return { name: host.name, ...(await readHostIdentity(host)) };
}

async function prefixOfHost(host: Host, name: string | undefined): Promise<Ipv6Prefix> {
  const known = name === undefined ? undefined : findHost(host.config.hosts, name);
  if (known !== undefined) return known.prefix;
  if (name === undefined || name.toLowerCase() === host.name.toLowerCase()) {
    return await readHostPrefix(host);
  }
  throw unknownHost(name, host.config.hosts);
}

if (import.meta.main) await runScript(verb);
