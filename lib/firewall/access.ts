/**
 * Who may open connections to a machine.
 *
 * @module
 */

import type { Ipv6, Ipv6Prefix } from "../address/ipv6.ts";
import { machineAddress } from "../address/machine_address.ts";
import type { TrustedHost } from "../address/trusted_host.ts";
import { usageError } from "../errors.ts";
import { type AccessRule, formatAccessRule } from "../network/access_rule.ts";
import type { HostMachine, HostState } from "../network/host_state.ts";
import { formatPortRange, type PortRange } from "../network/port.ts";
import { formatPublishedPort, type PublishedPort } from "../network/published_port.ts";

/** One answer to the question who may reach a machine, in words. */
export interface Access {
  /** `hostb and its machines`, `web of hostb`, `every node of the mesh`, `everybody`. */
  readonly who: string;
  /** `every port`, `443/tcp`. */
  readonly what: string;
  /** What says so: `allow mesh:443/tcp`, `expose 80/tcp`, `publish 8080:80`, `same bridge`, `template host`. */
  readonly why: string;
}

/** Whoever a rule may mean, as the firewall sees him. */
export type Peer =
  /** A whole /64 of the mesh. */
  | { readonly kind: "network"; readonly prefix: Ipv6Prefix }
  | { readonly kind: "address"; readonly address: Ipv6 }
  /** Every node of the mesh, 200::/7. */
  | { readonly kind: "mesh" }
  /** All hosts of config.toml, with their machines. */
  | { readonly kind: "trusted" };

/** What decides whom the rules of a host may name. */
export type KnownHosts = Pick<HostState, "hostName" | "trusted">;

const everyPort = "every port";

/** Who may reach a machine. It says what the firewall does, not whether the machine runs or listens. */
export function accessOf(state: HostState, { spec, template }: HostMachine): Access[] {
  const published = spec.publish.map(accessByHost);
  switch (template.network.kind) {
    case "private":
      return published;
    case "host":
    case "macvlan": {
      const place = template.network.kind === "host" ? "who reaches this host" : "on its network";
      const why = `template ${template.name}`;
      return [{ who: `everybody ${place}`, what: everyPort, why }, ...published];
    }
    case "bridge":
      return [
        { who: "this host and its machines", what: everyPort, why: "same bridge" },
        ...spec.allow.flatMap((rule): Access[] =>
          who(state, rule).map((name) => ({
            who: name,
            what: rule.ports === undefined ? everyPort : formatPortRange(rule.ports),
            why: `allow ${formatAccessRule(rule)}`,
          })),
        ),
        ...spec.expose.map((ports) => ({
          who: "everybody",
          what: formatPortRange(ports),
          why: `expose ${formatPortRange(ports)}`,
        })),
        ...published,
      ];
  }
}

function accessByHost(port: PublishedPort): Access {
  const { address = "", machinePort, protocol } = port;
  const isLocal = /^(127\.|::1$)/.test(address);
  return {
    who: isLocal ? "programs of this host" : "whoever reaches this host, but strangers of the mesh",
    what: formatPortRange({ first: machinePort, last: machinePort, protocol }),
    why: `publish ${formatPublishedPort(port)}`,
  };
}

/** Whom a rule lets in, in words; nobody when its host is not known. */
function who({ hostName, trusted }: KnownHosts, { from }: AccessRule): string[] {
  const withMachines = (host: string) => `${host} and its machines`;
  if (from.kind === "mesh") return ["every node of the mesh"];
  if (from.kind === "trusted") return trusted.map(({ name }) => withMachines(name));
  // This host and its machines come in anyway.
  if (!trusted.some(({ name }) => name === from.host) || from.host === hostName) return [];
  return [from.kind === "host" ? withMachines(from.host) : `${from.machine} of ${from.host}`];
}

/** What the firewall has to let in for a rule; nothing when its host is not known, or is this one. */
export function peersOf({ trusted }: KnownHosts, { from }: AccessRule): Peer[] {
  if (from.kind === "mesh" || from.kind === "trusted") return [from];
  const host = trusted.find(({ name }) => name === from.host);
  if (host === undefined) return [];
  return from.kind === "host"
    ? peersOfHost(host)
    : [{ kind: "address", address: machineAddress(from.machine, host.prefix) }];
}

/** A host's own addresses and those of its machines. */
export function peersOfHost({ address, prefix }: TrustedHost): Peer[] {
  // Without the whole address, that /64 of 200::/8 whose nodes could own the prefix as well.
  const own: Peer =
    address === undefined
      ? { kind: "network", prefix: (prefix ^ (1n << 120n)) as Ipv6Prefix }
      : { kind: "address", address };
  return [own, { kind: "network", prefix }];
}

/** Whether a port lies among those that a rule opens; all do without. */
export function coversPort(
  ports: PortRange | undefined,
  { first, last, protocol }: PortRange,
): boolean {
  return (
    ports === undefined ||
    (ports.protocol === protocol && ports.first <= first && last <= ports.last)
  );
}

/** The hosts in rules that config.toml does not name, each once. */
export function unknownHosts(
  { hostName, trusted }: KnownHosts,
  rules: readonly AccessRule[],
): string[] {
  const known = new Set([hostName, ...trusted.map(({ name }) => name)]);
  const named = rules.flatMap(({ from }) => ("host" in from ? [from.host] : []));
  return [...new Set(named)].filter((name) => !known.has(name));
}

/**
 * Wants every host that a machine's rules name to be known.
 *
 * @throws {MbctlError} (usage) naming the first rule whose host is not.
 */
export function requireKnownHosts(
  hosts: KnownHosts,
  machine: string,
  rules: readonly AccessRule[],
): void {
  const [unknown] = unknownHosts(hosts, rules);
  if (unknown === undefined) return;
  const rule = rules.find(({ from }) => "host" in from && from.host === unknown);
  throw usageError(
    `Cannot allow ${JSON.stringify(rule && formatAccessRule(rule))} for the machine "${machine}": config.toml has no host "${unknown}"`,
    `mbctl address import --trust --ssh ${unknown}, or write ${unknown} = "its yggdrasil public key" below [hosts] in /etc/mbctl/config.toml`,
  );
}
