# shellcheck shell=dash
# The routes for the addresses of 31-ipv6.sh. Each names its source: which address a packet comes from is not left to the kernel's choice.

# m8_route TRIES WORDS…: sets a route with a source address. The kernel refuses a source that is still tentative (EINVAL), and without detection
# too an address is so until the host's end of the link is up and a worker has run; so this tries again every 10 ms.
m8_route() {
	local tries=$1
	shift
	until "$m8_bb" ip -6 route replace "$@" 2>/dev/null; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		"$m8_bb" sleep 0.01
	done
}

# m8_ipv6_routes TRIES: table 199 has the host's /64 on the link and all of the mesh through the bridge; the main table the same for the local
# network and the world, before what the router advertises (metric 1024) and the kernel's own route for the /64 (256).
m8_ipv6_routes() {
	if [ -n "${m8_mesh_prefix-}" ]; then
		m8_route "$1" "$m8_mesh_prefix::/64" dev "$m8_interface" src "$MAN8S_YGGDRASIL_ADDRESS" table 199 || return 1
		m8_ip -6 route replace 200::/7 via "$m8_mesh_prefix::1" dev "$m8_interface" src "$MAN8S_YGGDRASIL_ADDRESS" table 199
	fi
	[ -n "${m8_ula_prefix-}" ] || return 0
	m8_route "$1" "$m8_ula_prefix::/64" dev "$m8_interface" src "$MAN8S_ULA_ADDRESS" metric 128 || return 1
	m8_ip -6 route replace default via "$m8_ula_prefix::1" dev "$m8_interface" src "$MAN8S_ULA_ADDRESS" metric 512
}

# m8_wait_for_ipv6: half a second at most, then behind the app for a minute: the host may be busy.
m8_wait_for_ipv6() {
	if ! m8_ipv6_routes 40; then
		m8_log 'the link is not up yet: starting the app, IPv6 follows behind it'
		(m8_ipv6_routes 5000 </dev/null >/dev/null 2>&1 9>&- &)
	fi
}
