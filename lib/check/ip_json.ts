/**
 * What `ip -json` of iproute2 answers. The fields that are used are those of iproute2 5 to 6; what
 * it has no answer for is an empty text, or an empty object in the list.
 *
 * @module
 */

/** An interface with its addresses (`ip -json address`). */
export interface IpInterface {
  readonly name: string;
  readonly isUp: boolean;
  readonly hasCarrier: boolean;
  readonly addresses: readonly IpAddress[];
}

export interface IpAddress {
  readonly family: "ipv4" | "ipv6";
  readonly address: string;
  readonly scope: string;
  /** Another node on the link has it, so that the kernel does not use it (RFC 4862, 5.4). */
  readonly isDuplicate: boolean;
}

/** A route (`ip -json route`), as far as a machine has any. */
export interface IpRoute {
  /** `default` or a network. */
  readonly to: string;
  readonly gateway?: string | undefined;
  readonly source?: string | undefined;
}

/** A rule (`ip -json -6 rule`). */
export interface IpRule {
  readonly priority: number;
  /** `200::/7`; undefined: every destination. */
  readonly to?: string | undefined;
  readonly table: string;
}

/** Reads `ip -json address`. */
export function parseInterfaces(text: string): IpInterface[] {
  return objectsOf(text).flatMap((item) => {
    const name = textOf(item.ifname);
    if (name === undefined) return [];
    const flags = Array.isArray(item.flags) ? item.flags : [];
    const infos = Array.isArray(item.addr_info) ? item.addr_info.filter(isObject) : [];
    return [
      {
        name,
        isUp: flags.includes("UP"),
        hasCarrier: flags.includes("LOWER_UP"),
        addresses: infos.flatMap(readAddress),
      },
    ];
  });
}

function readAddress(info: Readonly<Record<string, unknown>>): IpAddress[] {
  const address = textOf(info.local);
  if (address === undefined || (info.family !== "inet" && info.family !== "inet6")) return [];
  return [
    {
      family: info.family === "inet" ? "ipv4" : "ipv6",
      address,
      scope: textOf(info.scope) ?? "",
      isDuplicate: info.dadfailed === true,
    },
  ];
}

/** Reads `ip -json route`. */
export function parseRoutes(text: string): IpRoute[] {
  return objectsOf(text).flatMap((item) => {
    const to = textOf(item.dst);
    if (to === undefined) return [];
    return [{ to, gateway: textOf(item.gateway), source: textOf(item.prefsrc) }];
  });
}

/** Reads `ip -json -6 rule`. */
export function parseRules(text: string): IpRule[] {
  return objectsOf(text).flatMap((item) => {
    const table = textOf(item.table);
    if (typeof item.priority !== "number" || table === undefined) return [];
    const to = textOf(item.dst);
    const length = typeof item.dstlen === "number" ? `/${item.dstlen}` : "";
    return [{ priority: item.priority, to: to === undefined ? undefined : to + length, table }];
  });
}

function objectsOf(text: string): Readonly<Record<string, unknown>>[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.filter(isObject) : [];
  } catch {
    return [];
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
