/**
 * A zone of firewalld for the machines' bridge, and policies that let its packets through: who may reach which
 * machine is decided by mbctl's own tables, which firewalld leaves alone.
 *
 * @module
 */

import type { DerivedFile } from "../network/host_state.ts";

export const firewalldUnit = "firewalld.service";

/** Has firewalld read its files again; what it was told without `--permanent` is lost by that. */
export const reloadFirewalld: readonly string[] = ["firewall-cmd", "--reload"];

const folder = "/etc/firewalld";

/** The zone and its policies: firewalld.zone(5), firewalld.policy(5). */
export function firewalldFiles(bridge: string): DerivedFile[] {
  return [
    file("zones/mbctl.xml", renderZone(bridge)),
    file(
      "policies/mbctl-in.xml",
      renderPolicy("To mbctl's machines", "ANY", "mbctl", "The tables of mbctl decide who may."),
    ),
    file(
      "policies/mbctl-out.xml",
      renderPolicy("From mbctl's machines", "mbctl", "ANY", "Machines go where they like."),
    ),
  ];
}

function file(name: string, text: string): DerivedFile {
  return { path: `${folder}/${name}`, text, mode: 0o644 };
}

/** A bridge's name has no letter that XML would take for its own: `parseBridgeName`. */
function renderZone(bridge: string): string {
  return `<?xml version="1.0" encoding="utf-8"?>
<zone>
  <short>mbctl</short>
  <description>The bridge of mbctl's machines. Made by mbctl host setup. The host answers DHCP, DNS and ICMP.</description>
  <interface name="${bridge}"/>
  <service name="dhcp"/>
  <service name="dns"/>
  <forward/>
</zone>
`;
}

/** Accepts what is forwarded from one zone to another. */
function renderPolicy(title: string, from: string, to: string, why: string): string {
  return `<?xml version="1.0" encoding="utf-8"?>
<policy target="ACCEPT">
  <short>${title}</short>
  <description>${why} Made by mbctl host setup.</description>
  <ingress-zone name="${from}"/>
  <egress-zone name="${to}"/>
</policy>
`;
}
