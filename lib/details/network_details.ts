/**
 * What is known of a machine's network: its addresses, its ports, and who may reach them.
 *
 * @module
 */

import { parseInterfaces } from "../check/ip_json.ts";
import { ask } from "../check/probe.ts";
import { readListeners } from "../check/read_listeners.ts";
import { describeListener } from "../check/sockets.ts";
import { MbctlError } from "../errors.ts";
import { accessOf } from "../firewall/access.ts";
import type { Host } from "../host/host.ts";
import { formatIpv4 } from "../network/ipv4.ts";
import { formatPublishedPort } from "../network/published_port.ts";
import { formatRelayPort } from "../network/relay_port.ts";
import type { NetworkKind } from "../network/template.ts";
import { readHostState } from "../machine/derive.ts";
import type { Machine } from "../machine/inventory.ts";
import { machinePaths } from "../paths.ts";

/** Something that is known of a machine, and the file or program that says so. */
export interface Fact {
  /** What people call it; several may have one name. */
  readonly name: string;
  readonly value: string;
  readonly source: string;
}

/**
 * Reads the facts of a machine's network.
 *
 * @param leader the host's number of its PID 1; undefined while it does not run.
 */
export async function readNetworkDetails(
  host: Host,
  machine: Machine,
  leader: number | undefined,
): Promise<Fact[]> {
  const { name, spec } = machine;
  const { machineToml, envFile } = machinePaths(host.root, name);
  const access = await readAccess(host, machine);
  // In the host's own network the addresses are the host's.
  const hasOwn = access?.kind === "bridge" || access?.kind === "macvlan";
  const leased = leader === undefined || !hasOwn ? [] : await readIpv4(host, leader);
  const listeners = leader === undefined ? [] : readListeners(name, leader, machine.address);
  const ipv4Only = listeners.filter(({ reach }) => reach === "ipv4").map(describeListener);
  const isOnBridge = access?.kind === "bridge";
  const fixed: Fact[] =
    spec.ipv4 === undefined
      ? leased.map((value) => ({ name: "IPv4", value, source: `/proc/${leader}/ns/net` }))
      : [{ name: "IPv4", value: formatIpv4(spec.ipv4), source: machineToml }];
  return [
    ...(isOnBridge && machine.ula !== undefined
      ? [{ name: "ULA", value: machine.ula, source: envFile }]
      : []),
    ...fixed,
    ...spec.publish.map((port) => ({
      name: "published",
      value: formatPublishedPort(port),
      source: machineToml,
    })),
    ...spec.relay6.map((port) => ({
      name: "relay6",
      value: formatRelayPort(port),
      source: machineToml,
    })),
    ...(access?.lines ?? []).map((value) => ({ name: "open to", value, source: machineToml })),
    ...listeners.map((listener) => ({
      name: "listens",
      value: describeListener(listener),
      source: `/proc/${leader}/net`,
    })),
    ...(isOnBridge ? ipv4Only : []).map((value) => ({
      name: "IPv4 alone",
      value: `${value}: not at the mesh address`,
      source: `/proc/${leader}/net`,
    })),
  ];
}

/** The IPv4 addresses of a machine, but for the loopback one. */
async function readIpv4(host: Host, leader: number): Promise<string[]> {
  const enter = ["nsenter", `--net=/proc/${leader}/ns/net`, "--"];
  const { stdout } = await ask(host, [...enter, "ip", "-json", "-4", "address"]);
  return parseInterfaces(stdout)
    .flatMap(({ addresses }) => addresses)
    .filter(({ scope }) => scope === "global")
    .map(({ address }) => address);
}

/** Undefined where the host cannot say: without a prefix, or a template that is broken. */
async function readAccess(
  host: Host,
  { name }: Machine,
): Promise<{ readonly kind: NetworkKind["kind"]; readonly lines: readonly string[] } | undefined> {
  try {
    const state = await readHostState(host);
    const machine = state.machines.find(({ spec }) => spec.name === name);
    if (machine === undefined) return undefined;
    return {
      kind: machine.template.network.kind,
      lines: accessOf(state, machine).map(({ who, what, why }) => `${who}: ${what} (${why})`),
    };
  } catch (error) {
    if (error instanceof MbctlError) return undefined;
    throw error;
  }
}
