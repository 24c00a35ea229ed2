/**
 * Ports of the host that lead to a machine: `--publish [ADDR:]HOST:CONTAINER[/udp]`, podman's words.
 *
 * @module
 */

import { formatIpv6, parseIpv6 } from "../address/ipv6.ts";
import { usageError } from "../errors.ts";
import { formatIpv4, parseIpv4 } from "./ipv4.ts";
import type { Protocol } from "./port.ts";

export interface PublishedPort {
  /** The one address of the host that it answers on, as RFC 5952 writes it; all without. */
  readonly address?: string | undefined;
  readonly hostPort: number;
  readonly machinePort: number;
  readonly protocol: Protocol;
}

/**
 * Reads `8080:80`, `127.0.0.1:5353:53/udp` or `[::1]:8080:80`.
 *
 * @throws {MbctlError} (usage)
 */
export function parsePublishedPort(text: string): PublishedPort {
  const fail = (state: string) =>
    usageError(
      `Cannot publish ${JSON.stringify(text)}: ${state}`,
      "write [ADDRESS:]HOST_PORT:MACHINE_PORT[/udp], an IPv6 address in brackets",
    );
  const found = /^(?:(?:\[([^\]]*)\]|([^:[\]]*)):)?(\d{1,5}):(\d{1,5})(?:\/(tcp|udp))?$/.exec(text);
  if (!found) throw fail("it is not two ports with a colon between them");
  const [hostPort, machinePort] = [Number(found[3]), Number(found[4])];
  for (const port of [hostPort, machinePort]) {
    if (port < 1 || port > 65535) throw fail(`${port} is no port of 1 to 65535`);
  }
  const address =
    found[1] !== undefined
      ? formatIpv6(parseIpv6(found[1]))
      : found[2] !== undefined
        ? formatIpv4(parseIpv4(found[2]))
        : undefined;
  const protocol = (found[5] as Protocol | undefined) ?? "tcp";
  return { ...(address === undefined ? {} : { address }), hostPort, machinePort, protocol };
}

/** Writes a published port; the inverse of {@linkcode parsePublishedPort}. */
export function formatPublishedPort(port: PublishedPort): string {
  const { address, hostPort, machinePort, protocol } = port;
  const before =
    address === undefined ? "" : address.includes(":") ? `[${address}]:` : `${address}:`;
  return `${before}${hostPort}:${machinePort}${protocol === "udp" ? "/udp" : ""}`;
}

/** Whether two published ports want the same port of the host. */
export function overlapsPublished(a: PublishedPort, b: PublishedPort): boolean {
  if (a.protocol !== b.protocol || a.hostPort !== b.hostPort) return false;
  const all = [undefined, "0.0.0.0", "::"];
  if (a.address === undefined || b.address === undefined || a.address === b.address) return true;
  if (a.address.includes(":") !== b.address.includes(":")) return false;
  return all.includes(a.address) || all.includes(b.address);
}
