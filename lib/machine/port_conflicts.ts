/**
 * What machine.toml may ask for by itself and not beside others: ports of the host, and addresses that they lead to.
 *
 * @module
 */

import { MbctlError, usageError } from "../errors.ts";
import { staticAddresses } from "../network/host_network.ts";
import { formatIpv4, type Ipv4Network, ipv4At } from "../network/ipv4.ts";
import { formatPublishedPort, overlapsPublished } from "../network/published_port.ts";
import { doubleRelay, formatRelayPort } from "../network/relay_port.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";

/** Ports and addresses that two want, or that cannot be had; an earlier machine has the better right. */
export function findPortConflicts(
  specs: readonly MachineSpec[],
  network: Ipv4Network,
): MbctlError[] {
  return specs.flatMap((spec, index) => {
    const earlier = specs.slice(0, index);
    return [
      ...publishedTwice(spec, earlier),
      ...relayedTwice(spec),
      ...badAddress(spec, earlier, network),
    ];
  });
}

/** Ports of a machine that it names twice, or that one of the others has. */
export function publishedTwice(
  { name, publish }: Pick<MachineSpec, "name" | "publish">,
  earlier: readonly MachineSpec[],
): MbctlError[] {
  return publish.flatMap((port, index) => {
    const what = `Cannot publish ${formatPublishedPort(port)} of "${name}"`;
    const twin = publish.slice(0, index).find((other) => overlapsPublished(other, port));
    if (twin !== undefined) {
      return [usageError(`${what}: ${formatPublishedPort(twin)} has the same port of the host`)];
    }
    const owner = earlier.find((other) =>
      other.publish.some((own) => overlapsPublished(own, port)),
    );
    if (owner === undefined) return [];
    const message = `${what}: the port is that of the machine "${owner.name}"`;
    const hint = `choose another port of the host, or take it out of publish of "${owner.name}"`;
    return [new MbctlError("conflict", message, { hint })];
  });
}

function relayedTwice({ name, relay6 }: MachineSpec) {
  const twice = doubleRelay(relay6);
  if (twice === undefined) return [];
  return [
    usageError(`Cannot relay ${formatRelayPort(twice)} of "${name}": the port is named twice`),
  ];
}

function badAddress(
  { name, ipv4 }: MachineSpec,
  earlier: readonly MachineSpec[],
  network: Ipv4Network,
) {
  if (ipv4 === undefined) return [];
  const what = `Cannot give ${formatIpv4(ipv4)} to "${name}"`;
  const { first, last } = staticAddresses(network);
  if (ipv4 < ipv4At(network, first) || ipv4 > ipv4At(network, last)) {
    const range = [first, last].map((offset) => formatIpv4(ipv4At(network, offset))).join(" to ");
    return [usageError(`${what}: it is not one of ${range}`, `mend ipv4 in its machine.toml`)];
  }
  const owner = earlier.find((other) => other.ipv4 === ipv4);
  return owner === undefined ? [] : [conflict(`${what}: the machine "${owner.name}" has it`)];
}

function conflict(message: string): MbctlError {
  return new MbctlError("conflict", message, {
    hint: "mend the machine.toml of one of them, then mbctl host reload",
  });
}
