# shellcheck shell=dash
# Brings up host0, the machine's end of the veth pair to the host's bridge, by the machine's template.

# m8_sysctl NAME VALUE: a setting below /proc/sys/net, the part of /proc/sys that nspawn leaves writable.
m8_sysctl() {
	{ printf '%s\n' "$2" >"$m8_root/proc/sys/net/$1"; } 2>/dev/null || m8_log "Cannot set \"net/$1\" to $2: going on"
}

m8_network_isolated() {
	# Duplicate address detection would keep an address unusable for 1 to 2 s: the name decides the address, and mbctl checks for a clash.
	# Router solicitation goes out at once instead of after a random second.
	m8_sysctl ipv6/conf/host0/accept_dad 0
	m8_sysctl ipv6/conf/host0/router_solicitation_delay 0
	# Tell the link of each new address: a neighbour that asked too early would ask again only after a second.
	m8_sysctl ipv6/conf/host0/ndisc_notify 1
	# docker's own defaults, on which images with USER rely: any user may bind port 80 and ping. The network is the machine's alone.
	m8_sysctl ipv4/ip_unprivileged_port_start 0
	m8_sysctl ipv4/ping_group_range '0 65535'
	m8_ip link set host0 up
	m8_start_dhcp # first: it works on while the rest is done
	[ -z "${MAN8S_YGGDRASIL_ADDRESS-}" ] || m8_mesh "$MAN8S_YGGDRASIL_ADDRESS"
}

case ${MAN8S_CONTAINER_TEMPLATE-} in
network_isolated)
	if [ -e "$m8_root/sys/class/net/host0" ]; then
		m8_network_isolated
	else
		m8_log 'Cannot set up the network: there is no "host0", going on without it'
	fi
	;;
esac
