# shellcheck shell=dash
# The machine's place in the yggdrasil mesh, on host0.

m8_ip() {
	"$m8_bb" ip "$@" || m8_log "Cannot run \"ip $*\": exit $?, going on"
}

# m8_mesh ADDRESS: the address in the yggdrasil mesh, and the rule that sends the mesh (200::/7) through table 199.
# preferred_lft 0: every other destination is reached from the address that the router advertises (RFC 6724 rule 3, before the labels
# of rule 6, which would take the mesh address for the whole internet).
m8_mesh() {
	if ! m8_prefix "$1"; then
		m8_log 'Cannot set up the mesh: MAN8S_YGGDRASIL_ADDRESS is no IPv6 address'
		return
	fi
	m8_mesh_prefix=$m8_text
	m8_ip -6 addr add "$1/64" dev host0 valid_lft forever preferred_lft 0
	m8_ip -6 rule add to 200::/7 lookup 199 pref 199
}

# m8_mesh_routes ADDRESS PREFIX TRIES: fills table 199: the host's /64 on the link, all of the mesh through the bridge, the machine's address as the
# source. The kernel refuses a source that is still tentative (EINVAL), and without detection too an address is so until the host's end
# of the link is up and a worker has run; so this tries again every 10 ms.
m8_mesh_routes() {
	local tries=$3
	until "$m8_bb" ip -6 route replace "$2::/64" dev host0 src "$1" table 199 2>/dev/null; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		"$m8_bb" sleep 0.01
	done
	m8_ip -6 route replace 200::/7 via "$2::1" dev host0 src "$1" table 199
}

# m8_wait_for_mesh: half a second at most, then behind the app for a minute: the host may be busy.
m8_wait_for_mesh() {
	[ -n "${m8_mesh_prefix-}" ] || return 0
	if ! m8_mesh_routes "$MAN8S_YGGDRASIL_ADDRESS" "$m8_mesh_prefix" 40; then
		m8_log 'the link is not up yet: starting the app, the mesh follows behind it'
		(m8_mesh_routes "$MAN8S_YGGDRASIL_ADDRESS" "$m8_mesh_prefix" 5000 </dev/null >/dev/null 2>&1 9>&- &)
	fi
}
