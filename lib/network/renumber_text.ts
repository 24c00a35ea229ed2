/**
 * Puts another prefix into files that hold addresses; all else in them stays as the administrator has it.
 *
 * @module
 */

import {
  formatIpv6,
  type Ipv6,
  type Ipv6Prefix,
  joinAddress,
  parseIpv6,
  prefixOf,
  suffixOf,
} from "../address/ipv6.ts";
import { MbctlError } from "../errors.ts";

/** A variable of man8env.env that holds an address of another prefix. */
export interface RenumberedVariable {
  readonly key: string;
  readonly from: string;
  readonly to: string;
}

/** The prefix that the address in a variable has to have. */
export type VariablePrefixes = Readonly<Record<string, Ipv6Prefix>>;

/** A man8env.env with the prefixes that its addresses have to have. */
export interface RenumberedEnvFile {
  readonly text: string;
  /** What differs from the text as it was. */
  readonly variables: readonly RenumberedVariable[];
  /** The addresses that it gives now, by their variables. */
  readonly addresses: ReadonlyMap<string, Ipv6>;
}

/** Puts prefixes into the addresses of a man8env.env; their suffixes stay. Values that are no addresses are left alone. */
export function renumberEnvFile(text: string, prefixes: VariablePrefixes): RenumberedEnvFile {
  const variables: RenumberedVariable[] = [];
  const addresses = new Map<string, Ipv6>();
  const lines = text.split("\n").map((line) => {
    const equals = line.indexOf("=");
    const [key, from] = [line.slice(0, Math.max(equals, 0)), line.slice(equals + 1)];
    const prefix = prefixes[key];
    const old = prefix === undefined ? undefined : readAddress(from);
    if (prefix === undefined || old === undefined) return line;
    const address = joinAddress(prefix, suffixOf(old));
    addresses.set(key, address);
    if (address === old) return line;
    variables.push({ key, from, to: formatIpv6(address) });
    return `${key}=${formatIpv6(address)}`;
  });
  return { text: lines.join("\n"), variables, addresses };
}

/**
 * Puts a mesh prefix into the file that configures the bridge, networkd's (`Address=3xx:…::1/128`) or
 * NetworkManager's (`address1=…`): where the prefix of the bridge's own address stands. Routes to other hosts stay.
 */
export function renumberNetworkFile(text: string, prefix: Ipv6Prefix): string {
  const [own] = [...text.matchAll(/^address\d*=([0-9a-f:]+)\/\d+/gim)].flatMap(
    ([, address = ""]) => {
      const found = readAddress(address);
      return found !== undefined && found >> 120n === 3n ? [prefixOf(found)] : [];
    },
  );
  return text.replace(/(?<![0-9a-f:.])[0-9a-f:]+(?=\/(64|128)(?!\d))/gi, (found) => {
    const old = readAddress(found);
    if (old === undefined || prefixOf(old) !== own) return found;
    return formatIpv6(joinAddress(prefix, suffixOf(old)));
  });
}

/**
 * Puts other prefixes into a file that mbctl rendered, the network file of a whole system: wherever one of the former stands,
 * alone or in an address.
 */
export function replacePrefixes(
  text: string,
  prefixes: ReadonlyMap<Ipv6Prefix, Ipv6Prefix>,
): string {
  return text.replace(/(?<![\w:.])[0-9a-f:]*:[0-9a-f:]*:[0-9a-f:]*(?![\w:.])/gi, (found) => {
    const old = readAddress(found);
    const prefix = old === undefined ? undefined : prefixes.get(prefixOf(old));
    if (old === undefined || prefix === undefined) return found;
    return formatIpv6(joinAddress(prefix, suffixOf(old)));
  });
}

function readAddress(text: string): Ipv6 | undefined {
  try {
    return parseIpv6(text);
  } catch (error) {
    if (error instanceof MbctlError) return undefined;
    throw error;
  }
}
