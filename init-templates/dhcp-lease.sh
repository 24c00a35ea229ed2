#!/man8s-init/busybox sh
# Called by udhcpc with bound, renew, deconfig, nak or leasefail, and the lease in the environment (ip, mask, router).
# It touches no address but the one that it has set itself.
m8_bb=${m8_bb:-/man8s-init/busybox}
m8_state=${m8_state:-/run/man8s-init}
m8_newline='
'
m8_old=
[ ! -r "$m8_state/address" ] || read -r m8_old <"$m8_state/address"

# m8_resolver: the lease's name servers over nspawn's /etc/resolv.conf, by a bind mount: the tree stays as it is. Only over the host's own stub
# resolver (ResolvConf=copy-stub), which nobody can reach from here; a file of the administrator's or the image's choice stays.
m8_resolver() {
	local file="$m8_state/resolv.conf" server text='# The name servers of the DHCP lease, by man8s-init.'
	for server in $dns; do
		text="$text${m8_newline}nameserver $server"
	done
	if [ -f "$file" ]; then
		[ "$text" = "$("$m8_bb" cat "$file")" ] || printf '%s\n' "$text" >"$file"
		return
	fi
	m8_complete_link
	case $("$m8_bb" cat /etc/resolv.conf) in
	*'nameserver 127.0.0.53'*) printf '%s\n' "$text" >"$file" && "$m8_bb" mount -o bind "$file" /etc/resolv.conf ;;
	esac
}

# m8_complete_link: nspawn leaves a link alone (setup_resolv_conf()); one into /run, to the image's own resolver, gets what it would have copied.
m8_complete_link() {
	local link
	! [ -e /etc/resolv.conf ] && link=$("$m8_bb" readlink /etc/resolv.conf) || return 0
	link=${link#..}
	case $link in
	*/../*) ;;
	/run/*) "$m8_bb" mkdir -p "${link%/*}" && printf 'nameserver 127.0.0.53\n' >"$link" ;;
	esac
}

case ${1-} in
bound | renew)
	m8_new=$ip/${mask:-32}
	if [ "$m8_new" != "$m8_old" ]; then
		[ -z "$m8_old" ] || "$m8_bb" ip addr del "$m8_old" dev "$interface"
		"$m8_bb" ip addr add "$m8_new" broadcast + dev "$interface"
		printf '%s\n' "$m8_new" >"$m8_state/address"
	fi
	# The first router only, as others do; a renewed lease may name another one.
	m8_router=${router-}
	m8_router=${m8_router%% *}
	[ -z "$m8_router" ] || "$m8_bb" ip route replace default via "$m8_router" dev "$interface"
	[ -z "${dns-}" ] || m8_resolver
	# The init may be waiting; opened for both, so that this never blocks when it is not.
	[ ! -p "$m8_state/lease" ] || printf '%s\n' "$m8_new${m8_router:+ via $m8_router}" 1<>"$m8_state/lease"
	;;
deconfig | nak)
	[ -z "$m8_old" ] || "$m8_bb" ip addr del "$m8_old" dev "$interface"
	"$m8_bb" rm -f "$m8_state/address"
	;;
esac
