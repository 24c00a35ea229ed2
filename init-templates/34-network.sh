# shellcheck shell=dash
# Brings up the machine's interface: host0, its end of a cable to the host's bridge, or mv-PARENT, its own place on a network of the host's.

# m8_sysctl NAME VALUE: a setting below /proc/sys/net, the part of /proc/sys that nspawn leaves writable.
m8_sysctl() {
	{ printf '%s\n' "$2" >"$m8_root/proc/sys/net/$1"; } 2>/dev/null || m8_log "Cannot set \"net/$1\" to $2: going on"
}

# m8_bridge: the name decides the addresses, and mbctl checks for a clash.
m8_bridge() {
	# Duplicate address detection would keep an address unusable for 1 to 2 s.
	m8_sysctl "ipv6/conf/$m8_interface/accept_dad" 0
	# Router solicitation goes out at once instead of after a random second.
	m8_sysctl "ipv6/conf/$m8_interface/router_solicitation_delay" 0
	# Tell the link of each new address: a neighbour that asked too early would ask again only after a second.
	m8_sysctl "ipv6/conf/$m8_interface/ndisc_notify" 1
	m8_ip link set "$m8_interface" up
	m8_start_ipv4 # first: DHCP works on while the rest is done
	[ -z "${MAN8S_YGGDRASIL_ADDRESS-}" ] || m8_mesh "$MAN8S_YGGDRASIL_ADDRESS"
	[ -z "${MAN8S_ULA_ADDRESS-}" ] || m8_ula "$MAN8S_ULA_ADDRESS"
}

# m8_lan: a network of others. Its router says which addresses there are, and addresses that are taken already are real there: detection stays.
m8_lan() {
	m8_ip link set "$m8_interface" up
	m8_start_ipv4
}

m8_network() {
	# docker's own defaults, on which images with USER rely: any user may bind port 80 and ping.
	m8_sysctl ipv4/ip_unprivileged_port_start 0
	m8_sysctl ipv4/ping_group_range '0 65535'
	case $m8_interface in
	lo) ;; # nspawn has brought it up, and there is no other
	mv-*) m8_lan ;;
	*) m8_bridge ;;
	esac
}

m8_interface=${MAN8S_NETWORK_INTERFACE-}
# A machine of mbctl 0.1 has no such variable.
[ -n "${MAN8S_NETWORK_INTERFACE+set}" ] || [ "${MAN8S_CONTAINER_TEMPLATE-}" != network_isolated ] || m8_interface=host0
# nspawn shortens a name of more than 15 characters by a hash of its own.
case $m8_interface in
mv-*) for m8_a in "$m8_root/sys/class/net/$m8_interface" "$m8_root"/sys/class/net/mv-*; do
	[ ! -e "$m8_a" ] || { m8_interface=${m8_a##*/} && break; }
done ;;
esac

# Without an interface of its own the machine is in a network of others, the host's: nothing there is ours to change.
if [ -e "$m8_root/sys/class/net/${m8_interface:-.none}" ]; then
	m8_network
elif [ -n "$m8_interface" ]; then
	m8_log "Cannot set up the network: there is no \"$m8_interface\", going on without it"
fi
