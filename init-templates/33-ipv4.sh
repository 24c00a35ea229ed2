# shellcheck shell=dash
# IPv4. By DHCP: busybox udhcpc, which stays and renews. It is no child of the app's (PID 1 adopts it), holds none of the app's descriptors,
# and has an environment of its own. dhcp-lease.sh is the script that it calls.

# m8_start_ipv4: the address of MAN8S_IPV4_ADDRESS (10.199.0.17/24), or DHCP.
m8_start_ipv4() {
	if [ -n "${MAN8S_IPV4_ADDRESS-}" ]; then m8_static_ipv4; else m8_start_dhcp; fi
}

# m8_static_ipv4: as if it were a lease that never ends; the gateway is the name server too, as in a lease of the bridge's.
m8_static_ipv4() {
	"$m8_bb" mkdir -p -m 700 "$m8_state"
	"$m8_bb" env -i "m8_bb=$m8_bb" "m8_state=$m8_state" "interface=$m8_interface" "ip=${MAN8S_IPV4_ADDRESS%/*}" "mask=${MAN8S_IPV4_ADDRESS#*/}" \
		"router=${MAN8S_IPV4_GATEWAY-}" "dns=${MAN8S_IPV4_GATEWAY-}" "$m8_bb" sh "$m8_dir/dhcp-lease.sh" bound
}

# m8_start_dhcp: with MAN8S_DHCP_WAIT over 0, m8_wait_for_lease can wait for the first lease.
m8_start_dhcp() {
	"$m8_bb" mkdir -p -m 700 "$m8_state" && "$m8_bb" mkfifo -m 600 "$m8_state/lease" || m8_dhcp_wait=0
	# Opened for reading and writing: no open of a FIFO blocks then, on either side (fifo(7)).
	[ "$m8_dhcp_wait" = 0 ] || exec 9<>"$m8_state/lease"
	# -t 5 -T 1 -A 5: five questions a second apart, then a pause of 5 s, for ever. dnsmasq answers the first one after
	# three seconds, in which it pings the address that it is going to give; a pause would miss that.
	(
		exec 9>&- </dev/null >/dev/null 2>&1
		"$m8_bb" setsid "$m8_bb" env -i "m8_bb=$m8_bb" "m8_state=$m8_state" "$m8_bb" udhcpc -f -i "$m8_interface" -t 5 -T 1 -A 5 \
			-x "hostname:${MAN8S_CONTAINER_NAME:-machine}" -s "$m8_dir/dhcp-lease.sh" &
	)
}

# m8_wait_for_lease: waits MAN8S_DHCP_WAIT seconds (1 by default, 0: not at all) for the first lease, then goes on without.
m8_wait_for_lease() {
	[ -p "$m8_state/lease" ] || return 0
	if [ "$m8_dhcp_wait" != 0 ]; then
		# shellcheck disable=SC3045 # busybox sh has read -t
		if read -r -t "$m8_dhcp_wait" m8_lease <&9; then
			m8_log "IPv4 $m8_lease"
		else
			m8_log "no IPv4 lease within $m8_dhcp_wait s: starting the app, DHCP goes on behind it"
		fi
		exec 9>&-
	fi
	"$m8_bb" rm -f "$m8_state/lease"
}
