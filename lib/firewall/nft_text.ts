/**
 * The text of nft(8) scripts. All that comes in from outside is an address, a number, or passes
 * {@linkcode quoteInterface}; the rest is machine names, which are identifiers of nft behind a letter. Chains of
 * machines have a `_` in their names, others have none: no machine's name has one.
 *
 * @module
 */

import { type Ipv6, formatIpv6, type Ipv6Prefix } from "../address/ipv6.ts";
import { usageError } from "../errors.ts";
import type { PortRange } from "../network/port.ts";

/** A chain: rules, with comments (`# …`) between them. */
export interface Chain {
  readonly name: string;
  /** What it is for. */
  readonly about: string;
  /** `type filter hook forward priority filter`; a chain without is jumped to. */
  readonly hook?: string | undefined;
  readonly rules: readonly string[];
}

/** A set of addresses. */
export interface AddressSet {
  readonly name: string;
  readonly about: string;
  readonly type: "ipv6_addr" | "ipv4_addr" | "ether_addr";
  readonly hasNetworks: boolean;
  /** As many rules may add; each goes five minutes after it was last seen, as a bridge forgets. */
  readonly learns?: number | undefined;
  /** Addresses, and networks if it has them. */
  readonly elements: readonly string[];
}

/** Renders a table that takes the place of the one with its name: made if absent, deleted, made anew. */
export function renderTable(
  family: "inet" | "bridge",
  name: string,
  sets: readonly AddressSet[],
  chains: readonly Chain[],
): string {
  return [
    `table ${family} ${name}`,
    `delete table ${family} ${name}`,
    `table ${family} ${name} {`,
    '\tcomment "made by mbctl; explained in /var/lib/mbctl/firewall.nft"',
    ...sets.flatMap(renderSet),
    ...chains.flatMap(renderChain),
    "}",
    "",
  ].join("\n");
}

function renderSet({ name, about, type, hasNetworks, learns, elements }: AddressSet): string[] {
  return [
    "",
    `\t# ${about}`,
    `\tset ${name} {`,
    `\t\ttype ${type}`,
    ...(hasNetworks ? ["\t\tflags interval"] : []),
    ...(learns === undefined
      ? []
      : ["\t\tflags dynamic,timeout", "\t\ttimeout 5m", `\t\tsize ${learns}`]),
    ...(elements.length === 0
      ? []
      : [`\t\telements = {\n${elements.map((element) => `\t\t\t${element},\n`).join("")}\t\t}`]),
    "\t}",
  ];
}

function renderChain({ name, about, hook, rules }: Chain): string[] {
  return [
    "",
    `\t# ${about}`,
    `\tchain ${name} {`,
    ...(hook === undefined ? [] : [`\t\t${hook}; policy accept;`]),
    ...rules.map((rule) => `\t\t${rule}`),
    "\t}",
  ];
}

/** `VALUE vmap { KEY : goto CHAIN, … }`, one key a line; no line without any. */
export function jumpTable(
  value: string,
  jumps: readonly { readonly key: string; readonly chain: string }[],
): string[] {
  if (jumps.length === 0) return [];
  return [`${value} vmap {`, ...jumps.map(({ key, chain }) => `\t${key} : goto ${chain},`), "}"];
}

/** `{ a, b }`, for values of which there is at least one. */
export function anonymousSet(values: readonly string[]): string {
  return `{ ${values.join(", ")} }`;
}

/** An address as bare bytes: how nft 1.0 compares the target of a neighbour message. */
export function addressHex(address: Ipv6): string {
  return `0x${address.toString(16).padStart(32, "0")}`;
}

/** The first 64 bits of a network as bare bytes. */
export function prefixHex(prefix: Ipv6Prefix): string {
  return addressHex(prefix as bigint as Ipv6).slice(0, 18);
}

/** A /64 of the mesh, or an address. */
export function formatNetwork(prefix: Ipv6Prefix): string {
  return `${formatIpv6(prefix as bigint as Ipv6)}/64`;
}

/** `tcp dport 80-90`. */
export function portMatch({ first, last, protocol }: PortRange): string {
  return `${protocol} dport ${first === last ? first : `${first}-${last}`}`;
}

/**
 * An interface's name in quotes. nft has no escapes in them, and takes a `*` at the end for any ending.
 *
 * @throws {MbctlError} (usage) for a name that nft could take for another.
 */
export function quoteInterface(name: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/.test(name)) return `"${name}"`;
  throw usageError(
    `Cannot use ${JSON.stringify(name)} as the name of an interface: not 1 to 15 letters, digits, "_", "." and "-"`,
    "name another bridge in /etc/mbctl/config.toml",
  );
}
