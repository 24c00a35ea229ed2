/**
 * What a user chose of a machine's network, checked against its template and the host.
 *
 * @module
 */

import { join } from "node:path";
import { MbctlError, usageError } from "../errors.ts";
import { nameExists, readTextIfPresent } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { parseDefaultRoute } from "../network/default_route.ts";
import { doubleRelay, formatRelayPort } from "../network/relay_port.ts";
import {
  interfaceNameLength,
  macvlanDevice,
  type MacvlanNetwork,
  type NetworkKind,
  type NetworkTemplate,
} from "../network/template.ts";
import { requireBridge } from "../machine/lifecycle.ts";
import { readTemplate, requireOwnNames } from "../config/read_template.ts";
import { defaultNetworkChoices, type NetworkChoices } from "../spec/machine_spec.ts";

/**
 * Wants the template to be there, the choices to make sense with it, and the host to have what it hangs on.
 *
 * @param warn told what is given up with the template.
 * @returns how the machine is connected, the parent of a macvlan filled in.
 * @throws {MbctlError} (usage) or (conflict) for what cannot be, (host) when the host lacks the bridge or the interface.
 */
export function checkNetwork(
  host: Host,
  choices: NetworkChoices,
  warn: (text: string) => void,
): NetworkKind {
  requireOwnNames(host.root);
  const template = readTemplate(host.root, choices.template);
  requireSense(template, choices);
  const network =
    template.network.kind === "macvlan" ? findParent(host, template.network) : template.network;
  if (network.kind === "bridge") requireBridge(host);
  if (template.warning !== undefined) warn(`template ${template.name}: ${template.warning}`);
  return network;
}

/** The bridge is where firewall, published ports and relays are. */
function requireSense({ name, network }: NetworkTemplate, choices: NetworkChoices): void {
  const twice = doubleRelay(choices.relay6);
  if (twice !== undefined) {
    throw usageError(
      `Cannot relay ${formatRelayPort(twice)}: the port is named twice`,
      "name it once, with +proxy or without",
    );
  }
  if (network.kind === "bridge") return;
  const chosen = [
    choices.allow === defaultNetworkChoices.allow ? [] : ["--allow"],
    choices.expose.length > 0 ? ["--expose"] : [],
    choices.publish.length > 0 ? ["--publish"] : [],
    choices.relay6.length > 0 ? ["--relay6"] : [],
  ].flat();
  if (chosen.length === 0) return;
  throw usageError(
    `Cannot use ${chosen.join(" and ")} with the template "${name}": ${why[network.kind]}`,
    `leave it out, or take the template ${defaultNetworkChoices.template}`,
  );
}

const why: Readonly<Record<Exclude<NetworkKind["kind"], "bridge">, string>> = {
  macvlan:
    "the machine is not on the host's bridge, and answers on the addresses of its own network",
  host: "the machine has no address of its own, and its ports are the host's already",
  private: "the machine has no network",
};

function findParent(host: Host, network: MacvlanNetwork): MacvlanNetwork {
  const read = (path: string) => (host.isLive ? (readTextIfPresent(path) ?? "") : "");
  const parent =
    network.parent || parseDefaultRoute(read("/proc/net/route"), read("/proc/net/ipv6_route"));
  if (parent === undefined) {
    const state = host.isLive ? "the host has no default route" : `${host.root} has no routes`;
    throw new MbctlError("host", `Cannot find the uplink: ${state}`, {
      hint: 'name the interface in a template of your own: parent = "eth0"',
    });
  }
  const found = { ...network, parent };
  if (host.isLive && !nameExists(join("/sys/class/net", parent))) {
    throw new MbctlError(
      "host",
      `Cannot put a machine on the interface "${parent}": there is no such interface`,
      { hint: "ip -brief link shows what there is" },
    );
  }
  if (macvlanDevice(found).length > interfaceNameLength) {
    throw usageError(
      `Cannot name the VLAN interface "${macvlanDevice(found)}": it is longer than ${interfaceNameLength} characters`,
      `make the interface yourself, and name it as parent without a vlan`,
    );
  }
  return found;
}
