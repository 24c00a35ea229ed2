/**
 * What the relaying process is told on its command line.
 *
 * @module
 */

import type { Protocol } from "../network/port.ts";

export interface RelayOptions {
  readonly protocol: Protocol;
  /** Writes a PROXY header in front: of each connection, of each datagram. */
  readonly isProxied: boolean;
  /** Connections, or clients of UDP, at a time. Further connections wait; of UDP's clients the quietest gives way. */
  readonly clientLimit: number;
  /** After this long without a datagram a client of UDP is forgotten. */
  readonly idleMs: number;
  /** After this long without any client the process ends; systemd starts it again when somebody comes. */
  readonly exitIdleMs: number;
  /** Where the app listens. */
  readonly target: { readonly address: string; readonly port: number };
}

/** The words of a command line. */
export function formatRelayOptions(
  options: Omit<RelayOptions, "target">,
  target: string,
): string[] {
  const { protocol, isProxied, clientLimit, idleMs, exitIdleMs } = options;
  return [
    protocol,
    isProxied ? "proxy" : "plain",
    ...[clientLimit, idleMs, exitIdleMs].map(String),
    target,
  ];
}

/** Reads them: `udp plain 4096 120000 300000 10.199.0.17:53`. @throws {TypeError} for any other words. */
export function parseRelayOptions(words: readonly string[]): RelayOptions {
  const found = /^(tcp|udp) (proxy|plain) (\d+) (\d+) (\d+) (\d+\.\d+\.\d+\.\d+):(\d+)$/.exec(
    words.join(" "),
  );
  if (found === null) throw new TypeError(`no options of a relay: ${words.join(" ")}`);
  const [, protocol, header, clients, idle, exitIdle, address = "", port] = found;
  return {
    protocol: protocol as Protocol,
    isProxied: header === "proxy",
    clientLimit: Number(clients),
    idleMs: Number(idle),
    exitIdleMs: Number(exitIdle),
    target: { address, port: Number(port) },
  };
}
