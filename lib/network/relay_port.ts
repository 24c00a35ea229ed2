/**
 * Ports of an app that listens on IPv4 alone, made to answer on the machine's mesh address as well:
 * `--relay6 auto`, `--relay6 80 --relay6 53/udp --relay6 443+proxy`.
 *
 * @module
 */

import { usageError } from "../errors.ts";
import { parsePortRange, type Protocol } from "./port.ts";

export interface RelayPort {
  /** "auto": every TCP port on which the app listens on IPv4 alone, whenever it begins to. */
  readonly port: number | "auto";
  readonly protocol: Protocol;
  /** Tells the app who asks, by a PROXY protocol v2 header in front (haproxy's proxy-protocol.txt). */
  readonly isProxied: boolean;
}

/**
 * Reads `PORT[/udp][+proxy]` or `auto[+proxy]`.
 *
 * @throws {MbctlError} (usage)
 */
export function parseRelayPort(text: string): RelayPort {
  const isProxied = text.endsWith("+proxy");
  const rest = isProxied ? text.slice(0, -"+proxy".length) : text;
  if (rest === "auto") return { port: "auto", protocol: "tcp", isProxied };
  const { first, last, protocol } = parsePortRange(rest, text);
  if (first !== last) {
    throw usageError(`Cannot relay ${JSON.stringify(text)}: it names several ports`, "name each");
  }
  return { port: first, protocol, isProxied };
}

/** Writes a relayed port; the inverse of {@linkcode parseRelayPort}. */
export function formatRelayPort({ port, protocol, isProxied }: RelayPort): string {
  return `${port}${protocol === "udp" ? "/udp" : ""}${isProxied ? "+proxy" : ""}`;
}

/** The first port that is named twice: it can be relayed in one way only. */
export function doubleRelay(relays: readonly RelayPort[]): RelayPort | undefined {
  return relays.find((relay, index) =>
    relays
      .slice(0, index)
      .some(({ port, protocol }) => port === relay.port && protocol === relay.protocol),
  );
}
