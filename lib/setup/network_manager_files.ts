/**
 * What NetworkManager is told of the machines' bridge: a connection, settings of the dnsmasq that it starts, and
 * a script for what its shared method leaves out.
 *
 * @module
 */

import { formatIpv6, formatPrefix } from "../address/ipv6.ts";
import { firewallScript } from "../firewall/firewall_files.ts";
import { dhcpPool, gatewayIpv4, gatewayIpv6, type HostNetwork } from "../network/host_network.ts";
import type { DerivedFile } from "../network/host_state.ts";
import { formatIpv4, ipv4At } from "../network/ipv4.ts";

const folder = "/etc/NetworkManager";

/** Where the connection lies. */
export function connectionFile(bridge: string): string {
  return `${folder}/system-connections/${connectionName(bridge)}.nmconnection`;
}

/** What nmcli(1) calls the connection. */
export function connectionName(bridge: string): string {
  return `mbctl-${bridge}`;
}

/** The script that NetworkManager calls when something happens to an interface. */
export function dispatcherScript(bridge: string): string {
  return `${folder}/dispatcher.d/50-mbctl-${bridge}`;
}

/** The table of nftables that the script makes. */
export function masqueradeTable(bridge: string): string {
  return `ip6 mbctl-${bridge}`;
}

/** All of NetworkManager's files for the bridge. */
export function networkManagerFiles(network: HostNetwork): DerivedFile[] {
  const { bridge } = network;
  const dnsmasqFile = `${folder}/dnsmasq-shared.d/mbctl-${bridge}.conf`;
  return [
    { path: dnsmasqFile, text: renderDnsmasq(network), mode: 0o644 },
    { path: dispatcherScript(bridge), text: renderDispatcher(network), mode: 0o755 },
    // NetworkManager refuses a connection that others than root may read.
    { path: connectionFile(bridge), text: renderConnection(network), mode: 0o600 },
  ];
}

/** The connection, in NetworkManager's keyfile format: nm-settings-keyfile(5). */
function renderConnection({ bridge, prefix, ula, ipv4 }: HostNetwork): string {
  return `# The bridge of mbctl's machines. Made by mbctl host setup; mbctl host teardown takes it away.

[connection]
id=${connectionName(bridge)}
uuid=${uuidOf(bridge)}
type=bridge
interface-name=${bridge}
autoconnect=true
# For firewalld, where it runs.
zone=mbctl
# No name discovery between the host and its machines.
lldp=0
llmnr=0
mdns=0

[bridge]
# Without one it would have the address of a machine, and another one with each that joins.
mac-address=${macOf(bridge)}
# One switch that nothing else is plugged into: no loops, so no spanning tree.
stp=false
# Snooping needs a querier on the link; without one, neighbour discovery gets lost.
multicast-snooping=false

[ipv4]
# dnsmasq for DHCP and DNS, forwarding, and masquerading.
method=shared
address1=${formatIpv4(gatewayIpv4(ipv4))}/${ipv4.length}
# Nobody else has this address by construction: do not ask.
dad-timeout=0

[ipv6]
# Forwarding, and router advertisements: of networks of 64 bits alone, so not of the mesh.
method=shared
# The host in its own yggdrasil /64, and the way to its machines there.
address1=${formatIpv6(gatewayIpv6(prefix))}/128
route1=${formatPrefix(prefix)}
# A unique local network (RFC 4193) for IPv6 to the world.
address2=${formatIpv6(gatewayIpv6(ula))}/64
`;
}

/** dnsmasq's settings. NetworkManager gives them to all of its shared connections: none may touch another one. */
function renderDnsmasq({ bridge, ipv4 }: HostNetwork): string {
  const pool = dhcpPool(ipv4);
  const [first, last] = [pool.offset, pool.offset + pool.size - 1].map((offset) =>
    formatIpv4(ipv4At(ipv4, offset)),
  );
  return `# What mbctl's bridge wants of NetworkManager's dnsmasq. Made by mbctl host setup.

# The upper half of the network: the lower one is for machines with published ports, and for the
# administrator. NetworkManager asks for another range. This one goes first because it has a
# tag, which a request that comes by the bridge has as well; dnsmasq(8), --dhcp-range.
dhcp-range=tag:${bridge},${first},${last},1h
# A machine has the names that the host gives it, and not the one that it says.
dhcp-ignore-names=tag:${bridge}
# The names of machines. NetworkManager starts dnsmasq with --no-hosts.
addn-hosts=/etc/hosts
`;
}

function renderDispatcher({ bridge, ula }: HostNetwork): string {
  const table = masqueradeTable(bridge);
  const shared = `ip nm-shared-${bridge} filter_forward`;
  const prefix = formatPrefix(ula);
  return `#!/bin/sh
# What NetworkManager's shared method leaves out for the bridge of mbctl's machines; see
# NetworkManager-dispatcher(8). Made by mbctl host setup. It may run again at any time.

case "$1 $2" in
"${bridge} up" | "${bridge} reapply") ;;
"${bridge} down")
	exec nft 'add table ${table}; delete table ${table}'
	;;
*)
	exit 0
	;;
esac

# All addresses of the bridge are ours by construction: no check for duplicates, which would hold up the
# first machine by two seconds. One that waits for it since NetworkManager gave it has to come again.
echo 0 >/proc/sys/net/ipv6/conf/${bridge}/accept_dad
ip -6 -oneline address show dev ${bridge} scope global tentative |
	while read -r _ _ _ address _; do
		ip address delete "$address" dev ${bridge} &&
			ip address add "$address" dev ${bridge} nodad noprefixroute
	done

# The shared method masquerades IPv4 alone.
nft -f - <<'RULES' || exit
table ${table} {
	chain postrouting {
		type nat hook postrouting priority srcnat
	}
}
flush chain ${table} postrouting
add rule ${table} postrouting ip6 saddr ${prefix} ip6 daddr != ${prefix} masquerade
RULES

# It rejects what comes in by IPv4, and so what published ports lead to machines. Where NetworkManager
# is told to use iptables there is no such chain.
if rules=$(nft list chain ${shared} 2>/dev/null); then
	case $rules in
	*'ct status dnat accept'*) ;;
	*) nft insert rule ${shared} oifname '"${bridge}"' ct status dnat accept ;;
	esac
fi

# A bridge that is set up anew, as by a restart of NetworkManager, has lost all of its ports.
[ -r ${firewallScript} ] || exit 0
for port in $(grep -o '"vb-[^"*]*"' ${firewallScript} | tr -d '"' | sort -u); do
	if [ -e "/sys/class/net/$port" ] && ! [ -e "/sys/class/net/$port/master" ]; then
		ip link set dev "$port" master ${bridge}
	fi
done
`;
}

/** The same at every run: a connection that is loaded again is the same one. */
function uuidOf(bridge: string): string {
  const hex = digestOf(`connection ${bridge}`);
  // RFC 9562, 5.8: version 8, for what vendors make up.
  const groups = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(12, 15)}`,
    `8${hex.slice(15, 18)}`,
  ];
  return [...groups, hex.slice(18, 30)].join("-");
}

/** A locally administered address. It never leaves the host, so that other hosts may have the same. */
function macOf(bridge: string): string {
  const hex = digestOf(`bridge ${bridge}`);
  return ["02", ...[0, 2, 4, 6, 8].map((at) => hex.slice(at, at + 2))].join(":");
}

function digestOf(text: string): string {
  return new Bun.CryptoHasher("sha256").update(`mbctl ${text}`).digest("hex");
}
