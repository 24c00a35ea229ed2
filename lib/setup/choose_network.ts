/**
 * Which bridge and networks a host gets.
 *
 * @module
 */

import { formatPrefix, type Ipv6, type Ipv6Prefix } from "../address/ipv6.ts";
import { MbctlError, usageError } from "../errors.ts";
import { defaultHostNetworks, type HostNetwork, ipv4Lengths } from "../network/host_network.ts";
import {
  formatIpv4Network,
  type Ipv4Network,
  overlapsIpv4,
  parseIpv4Network,
} from "../network/ipv4.ts";
import { type IpNetwork, overlaps, type UsedNetwork } from "./networks_in_use.ts";

/** Networks that somebody has decided on; undefined where nobody has. */
export interface NetworkWishes {
  readonly ula?: Ipv6Prefix | undefined;
  readonly ipv4?: Ipv4Network | undefined;
}

export interface NetworkChoice {
  readonly bridge: string;
  /** The /64 of yggdrasil's key. */
  readonly prefix: Ipv6Prefix;
  /** By the command line. */
  readonly wanted: NetworkWishes;
  /** What the bridge has already. */
  readonly present: NetworkWishes;
  /** By config.toml; the defaults count as nothing. */
  readonly configured: NetworkWishes;
  readonly inUse: readonly UsedNetwork[];
}

/**
 * Chooses: what is wanted, else what is there, else what config.toml says, else the default if nothing of the
 * host overlaps it, else the next that is free.
 *
 * @throws {MbctlError} (conflict) naming what a network that somebody has chosen overlaps, or when none is free.
 */
export function chooseNetwork(choice: NetworkChoice): HostNetwork {
  const { bridge, prefix, wanted, present, configured, inUse } = choice;
  const clashOf = (network: IpNetwork) =>
    inUse.find((used) => overlaps(used.network, network))?.what;
  const mesh = inUse.find(
    ({ network }) => network.length >= 64 && overlaps(network, ipv6Network(prefix)),
  );
  if (mesh !== undefined) throw overlapping(formatPrefix(prefix), mesh.what, bridge);
  const pick = <T>(
    chosen: T | undefined,
    there: T | undefined,
    candidates: () => Iterable<T>,
    network: (value: T) => IpNetwork,
    format: (value: T) => string,
  ): T => {
    const fixed = chosen ?? there;
    if (fixed !== undefined) {
      const clash = clashOf(network(fixed));
      if (clash !== undefined) throw overlapping(format(fixed), clash, bridge);
      return fixed;
    }
    for (const candidate of candidates()) {
      if (clashOf(network(candidate)) === undefined) return candidate;
    }
    throw new MbctlError("conflict", "Cannot find a free network: all candidates are in use", {
      hint: "name one that is free: --ipv4 CIDR, --ula PREFIX",
    });
  };
  return {
    bridge,
    prefix,
    ula: pick(
      wanted.ula ?? present.ula,
      configured.ula,
      () => ulaCandidates(prefix),
      ipv6Network,
      formatPrefix,
    ),
    ipv4: pick(
      wanted.ipv4 ?? present.ipv4,
      configured.ipv4,
      ipv4Candidates,
      (network) => ({ family: 4, ...network }),
      formatIpv4Network,
    ),
  };
}

function overlapping(network: string, what: string, bridge: string): MbctlError {
  return new MbctlError("conflict", `Cannot give ${network} to ${bridge}: it overlaps ${what}`, {
    hint: "choose another with --ipv4 CIDR or --ula PREFIX, or leave it to mbctl",
  });
}

function ipv6Network(prefix: Ipv6Prefix): IpNetwork {
  return { family: 6, address: prefix as bigint as Ipv6, length: 64 };
}

/** The default, then what follows from the host's mesh prefix, so from its key: the same at every run. */
function* ulaCandidates(prefix: Ipv6Prefix): Iterable<Ipv6Prefix> {
  yield defaultHostNetworks.ula;
  for (let round = 0; round < 16; round++) {
    const digest = new Bun.CryptoHasher("sha256").update(`${formatPrefix(prefix)} ${round}`);
    // RFC 4193, 3.1: fd, 40 bits at random, and a subnet of 16.
    yield (BigInt(`0xfd${digest.digest("hex").slice(0, 10)}0000`) << 64n) as Ipv6Prefix;
  }
}

/** The default, then the private networks of RFC 1918 that are seldom used first. */
function* ipv4Candidates(): Iterable<Ipv4Network> {
  yield defaultHostNetworks.ipv4;
  for (let n = 200; n < 255; n++) yield parseIpv4Network(`10.${n}.0.0/24`);
  for (let n = 16; n < 32; n++) yield parseIpv4Network(`172.${n}.199.0/24`);
  for (let n = 0; n < 255; n++) yield parseIpv4Network(`192.168.${n}.0/24`);
}

/**
 * Reads `--ipv4`.
 *
 * @throws {MbctlError} (usage) when it is no network, or not one for machines.
 */
export function parseBridgeIpv4(text: string): Ipv4Network {
  return checkBridgeIpv4(parseIpv4Network(text));
}

/**
 * Wants a network to be one that can be split between DHCP and machines, and whose addresses hosts may have.
 *
 * @throws {MbctlError} (usage)
 */
export function checkBridgeIpv4(network: Ipv4Network): Ipv4Network {
  const what = `Cannot use ${formatIpv4Network(network)} for machines`;
  const { min, max } = ipv4Lengths;
  if (network.length < min || network.length > max) {
    throw usageError(`${what}: its length is not ${min} to ${max}`);
  }
  const special = notForHosts.find((other) => overlapsIpv4(other, network));
  if (special === undefined) return network;
  throw usageError(
    `${what}: ${formatIpv4Network(special)} is not for hosts`,
    "RFC 1918 has networks that anybody may use: --ipv4 10.50.0.0/24",
  );
}

/** "This network", loopback, link-local (RFC 6890), and all from multicast on. */
const notForHosts = ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"].map(
  parseIpv4Network,
);

/**
 * Wants a prefix to be one that never leaves the host.
 *
 * @throws {MbctlError} (usage) when it lies outside of fd00::/8 (RFC 4193).
 */
export function checkUla(prefix: Ipv6Prefix): Ipv6Prefix {
  if (prefix >> 120n === 0xfdn) return prefix;
  throw usageError(
    `Cannot use ${formatPrefix(prefix)} as the ULA network: it lies outside of fd00::/8`,
    "RFC 4193 has fd00::/8 for networks that anybody may make up: --ula fd12:3456:789a::/64",
  );
}

/** Names that belong to others: of systemd-nspawn's links, of the kernel, of yggdrasil's and other programs' devices. */
const reservedNames = /^(lo|all|default|host0|vb-.*|v[etz]-.*|veth.*|tun\d*|tap\d*|ygg\d*|mv-.*)$/;

/**
 * Wants a word to be a name for a bridge of ours: it comes to stand in file names and in patterns of systemd.
 *
 * @throws {MbctlError} (usage)
 */
export function parseBridgeName(text: string): string {
  const fail = (state: string) =>
    usageError(`Cannot call a bridge ${JSON.stringify(text)}: ${state}`);
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/.test(text)) {
    throw fail("not 1 to 15 of the letters a-z, digits, _ . and -, the first a letter or digit");
  }
  if (reservedNames.test(text)) throw fail("such names are reserved");
  return text;
}
