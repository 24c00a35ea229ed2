/**
 * The flags that say how a new machine is connected.
 *
 * @module
 */

import { defaultNetworkChoices, type NetworkChoices } from "../lib/spec/machine_spec.ts";
import { type AccessRule, parseAccessRule } from "../lib/network/access_rule.ts";
import { builtinTemplates } from "../lib/network/builtin_templates.ts";
import { parsePortRange } from "../lib/network/port.ts";
import { parsePublishedPort } from "../lib/network/published_port.ts";
import { parseRelayPort } from "../lib/network/relay_port.ts";

export const networkFlags = {
  template: {
    type: "string",
    value: "NAME",
    kind: "template",
    suggestions: [...builtinTemplates.keys()],
    default: defaultNetworkChoices.template,
    help: "the kind of network: network_isolated, macvlan, host, private, or one of your own",
  },
  allow: {
    type: "string",
    value: "WHO[:PORT]",
    repeat: true,
    parse: parseAccessRule,
    help: "who may connect from the mesh: trusted, mesh, HOST, MACHINE@HOST",
  },
  expose: {
    type: "string",
    value: "PORT",
    repeat: true,
    parse: (text: string) => parsePortRange(text),
    help: "a port that everybody may reach",
  },
  publish: {
    type: "string",
    short: "p",
    value: "[ADDR:]HOST:PORT",
    repeat: true,
    parse: parsePublishedPort,
    help: "a port of the host that leads to one of the machine; /udp behind it",
  },
  relay6: {
    type: "string",
    value: "PORT",
    repeat: true,
    parse: parseRelayPort,
    help: "make a port of an app that listens on IPv4 alone answer on the mesh address: PORT[/udp][+proxy] or auto",
  },
} as const;

/** What the flags chose; without --allow it is the default. */
export function networkChoices({
  template,
  allow,
  expose,
  publish,
  relay6,
}: Omit<NetworkChoices, "allow"> & { readonly allow: readonly AccessRule[] }): NetworkChoices {
  const access = allow.length > 0 ? allow : defaultNetworkChoices.allow;
  return { template, allow: access, expose, publish, relay6 };
}
