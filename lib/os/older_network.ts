/**
 * The network of a system without systemd-networkd: a file for ifupdown (interfaces(5)) or NetworkManager
 * (nm-settings-keyfile(5)), with the addresses, routes and rule that man8s-init sets.
 *
 * @module
 */

import { formatIpv6, formatPrefix, prefixOf } from "../address/ipv6.ts";
import { formatIpv4 } from "../network/ipv4.ts";
import { readdress } from "../network/machine_routes.ts";
import type { BridgeAddresses } from "./host0_network.ts";
import type { NetworkManager } from "./system_facts.ts";

/** A file of the tree. */
export interface NetworkFile {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}

/** Where ifupdown looks, once /etc/network/interfaces names it. */
export const ifupdownPath = "/etc/network/interfaces.d/mbctl-host0";

/**
 * The file for host0, a machine's end of its cable to the bridge.
 *
 * @returns undefined where networkd is there, which gets its file by a bind, or where nobody would read one.
 */
export function networkFileFor(
  manager: NetworkManager,
  addresses: BridgeAddresses,
): NetworkFile | undefined {
  switch (manager) {
    case "ifupdown":
      return { path: ifupdownPath, text: ifupdownText(addresses), mode: 0o644 };
    case "NetworkManager":
      return {
        path: "/etc/NetworkManager/system-connections/mbctl-host0.nmconnection",
        text: keyfileText(addresses),
        // NetworkManager reads none that others may read.
        mode: 0o600,
      };
    case "networkd":
    case "none":
      return undefined;
  }
}

const header =
  "# Written by mbctl, anew when the machine is settled anew: its addresses follow from its name.\n";

function ifupdownText({ mesh, ula, ulaGateway, ipv4, ipv4Gateway }: BridgeAddresses): string {
  const gateway = formatIpv4(ipv4Gateway);
  const commands = readdress(
    { addresses: [], routes: [], hasRule: false },
    { mesh, ula },
    "host0",
  ).map((words) => `\tup ip ${words.join(" ")} || true\n`);
  return `${header}auto host0
${
  ipv4 === undefined
    ? "iface host0 inet dhcp\n"
    : `iface host0 inet static
	address ${formatIpv4(ipv4.address)}
	netmask ${netmask(ipv4.length)}
	gateway ${gateway}
	dns-nameservers ${gateway} ${formatIpv6(ulaGateway)}
`
}	pre-up echo 0 >/proc/sys/net/ipv6/conf/host0/accept_dad || true
${commands.join("")}`;
}

function netmask(length: number): string {
  const bits = (2 ** length - 1) * 2 ** (32 - length);
  return [24, 16, 8, 0].map((shift) => Math.floor(bits / 2 ** shift) % 256).join(".");
}

/** A mesh address cannot be made deprecated here: the default route says which address packets to the world come from. */
function keyfileText(addresses: BridgeAddresses): string {
  const { mesh, ula, meshGateway, ulaGateway, ipv4, ipv4Gateway } = addresses;
  const gateway = formatIpv4(ipv4Gateway);
  const [meshText, ulaText] = [formatIpv6(mesh), formatIpv6(ula)];
  return `${header}[connection]
id=mbctl-host0
type=ethernet
interface-name=host0
autoconnect=true

[ipv4]
${
  ipv4 === undefined
    ? "method=auto\n"
    : `method=manual
address1=${formatIpv4(ipv4.address)}/${ipv4.length},${gateway}
dns=${gateway};
`
}
[ipv6]
method=manual
dad-timeout=0
address1=${ulaText}/64
address2=${meshText}/64
dns=${formatIpv6(ulaGateway)};
route1=${formatPrefix(prefixOf(mesh))}
route1_options=table=199,src=${meshText}
route2=200::/7,${formatIpv6(meshGateway)}
route2_options=table=199,src=${meshText}
route3=::/0,${formatIpv6(ulaGateway)},512
route3_options=src=${ulaText}
routing-rule1=priority 199 to 200::/7 table 199
`;
}
