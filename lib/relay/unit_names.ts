/**
 * The names of the units that relay to a machine. `_` stands before and behind the machine's name: no name holds one.
 *
 * @module
 */

import { isMachineName, type MachineName } from "../spec/machine_name.ts";
import type { PublishedPort } from "../network/published_port.ts";
import type { RelayPort } from "../network/relay_port.ts";

/** What tells the relays of one machine from each other, beside their port. */
export type RelayKind = Pick<RelayPort, "protocol" | "isProxied">;

/** Where a machine's network namespace is found by its relays. */
export function netnsPath(name: MachineName): string {
  return `/run/mbctl/netns/${name}`;
}

/** The unit that keeps {@linkcode netnsPath}. */
export function netnsUnit(name: MachineName): string {
  return `mbctl-netns_${name}.service`;
}

/** The unit that watches which ports a machine's app listens on. */
export function watcherUnit(name: MachineName): string {
  return `mbctl-relay6_${name}.service`;
}

/** What stands before the port in the names of a machine's relays; `@.socket` and `@.service` are the templates. */
export function relayUnit(name: MachineName, { protocol, isProxied }: RelayKind): string {
  return `mbctl-relay6${protocol === "udp" ? "-udp" : ""}${isProxied ? "-proxy" : ""}_${name}@`;
}

/** The name of a published port's units, without `.socket` and `.service`. */
export function publishUnit(name: MachineName, port: PublishedPort): string {
  const { address, hostPort, protocol } = port;
  const rest = `${protocol === "udp" ? "-udp" : ""}${address === undefined ? "" : `-${address}`}`;
  return `mbctl-publish_${name}_${hostPort}${rest}`;
}

/** The machine that a unit file belongs to; undefined when it is none of ours. */
export function relayMachine(fileName: string): MachineName | undefined {
  const found =
    /^mbctl-(?:(?:relay6(?:-udp)?(?:-proxy)?|netns)_([^_@]+)@?|publish_([^_@]+)_[^_@]+)\.(?:socket|service)$/.exec(
      fileName,
    );
  const name = found?.[1] ?? found?.[2] ?? "";
  return isMachineName(name) ? name : undefined;
}

/** What `systemctl stop` takes for a unit file: a template stands for all of its instances. */
export function unitPattern(fileName: string): string {
  return fileName.replace("@.", "@*.");
}
