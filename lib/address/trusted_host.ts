/**
 * The hosts that config.toml trusts: from a name and a public key follow all addresses of a host.
 *
 * @module
 */

import { usageError } from "../errors.ts";
import { type Ipv6, type Ipv6Prefix, parseIpv6, parsePrefix, prefixOf } from "./ipv6.ts";
import { isYggdrasilPrefix, yggdrasilAddress, yggdrasilPrefix } from "./yggdrasil.ts";

export interface TrustedHost {
  readonly name: string;
  /** Its own address in 200::/8; not known from a prefix alone: an address has more of the key in it. */
  readonly address?: Ipv6 | undefined;
  /** The /64 in 300::/8 of its machines. */
  readonly prefix: Ipv6Prefix;
}

/**
 * Reads one host of `[hosts]`.
 *
 * @param value its public key (64 hexadecimal digits), its address (`200:…`) or its prefix (`300:…::/64`).
 * @throws {MbctlError} (usage)
 */
export function parseTrustedHost(name: string, value: string): TrustedHost {
  const isKey = /^[0-9a-fA-F]{64}$/.test(value);
  if (isKey || !value.includes("/")) {
    const address = isKey ? yggdrasilAddress(value) : parseIpv6(value);
    if (address >> 120n === 2n) return { name, address, prefix: yggdrasilPrefix(address) };
    if (isYggdrasilPrefix(prefixOf(address))) return { name, prefix: prefixOf(address) };
  } else {
    const prefix = parsePrefix(value);
    if (isYggdrasilPrefix(prefix)) return { name, prefix };
  }
  throw usageError(
    `Cannot trust the host "${name}": ${JSON.stringify(value)} lies outside of the mesh, 200::/7`,
    'write its yggdrasil public key: "yggdrasilctl getself" on that host',
  );
}
