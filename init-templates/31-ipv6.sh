# shellcheck shell=dash
# The two addresses that follow from the machine's name, on its cable to the host's bridge: in the yggdrasil mesh and in the bridge's own
# network of unique local addresses (RFC 4193). Both are there at once, without duplicate address detection and without an advertisement.

m8_ip() {
	"$m8_bb" ip "$@" || m8_log "Cannot run \"ip $*\": exit $?, going on"
}

# m8_mesh ADDRESS: the address in the yggdrasil mesh, and the rule that sends the mesh (200::/7) through table 199.
# preferred_lft 0: every other destination is reached from another address (RFC 6724 rule 3, before the labels of rule 6, which would take
# the mesh address for the whole internet).
m8_mesh() {
	if ! m8_prefix "$1"; then
		m8_log 'Cannot set up the mesh: MAN8S_YGGDRASIL_ADDRESS is no IPv6 address'
		return
	fi
	m8_mesh_prefix=$m8_text
	m8_ip -6 addr add "$1/64" dev "$m8_interface" valid_lft forever preferred_lft 0
	m8_ip -6 rule add to 200::/7 lookup 199 pref 199
}

# m8_ula ADDRESS: the unique local address; the host masquerades it.
m8_ula() {
	if ! m8_prefix "$1"; then
		m8_log 'Cannot set up IPv6 to the world: MAN8S_ULA_ADDRESS is no IPv6 address'
		return
	fi
	m8_ula_prefix=$m8_text
	m8_ip -6 addr add "$1/64" dev "$m8_interface"
}
