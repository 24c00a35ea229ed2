#!/bin/sh
# What NetworkManager's shared method leaves out for the bridge of mbctl's machines; see
# NetworkManager-dispatcher(8). Made by mbctl host setup. It may run again at any time.

case "$1 $2" in
"srvgrp0 up" | "srvgrp0 reapply") ;;
"srvgrp0 down")
	exec nft 'add table ip6 mbctl-srvgrp0; delete table ip6 mbctl-srvgrp0'
	;;
*)
	exit 0
	;;
esac

# All addresses of the bridge are ours by construction: no check for duplicates, which would hold up the
# first machine by two seconds. One that waits for it since NetworkManager gave it has to come again.
echo 0 >/proc/sys/net/ipv6/conf/srvgrp0/accept_dad
ip -6 -oneline address show dev srvgrp0 scope global tentative |
	while read -r _ _ _ address _; do
		ip address delete "$address" dev srvgrp0 &&
			ip address add "$address" dev srvgrp0 nodad noprefixroute
	done

# The shared method masquerades IPv4 alone.
nft -f - <<'RULES' || exit
table ip6 mbctl-srvgrp0 {
	chain postrouting {
		type nat hook postrouting priority srcnat
	}
}
flush chain ip6 mbctl-srvgrp0 postrouting
add rule ip6 mbctl-srvgrp0 postrouting ip6 saddr fdfc:16ed:7601::/64 ip6 daddr != fdfc:16ed:7601::/64 masquerade
RULES

# It rejects what comes in by IPv4, and so what published ports lead to machines. Where NetworkManager
# is told to use iptables there is no such chain.
if rules=$(nft list chain ip nm-shared-srvgrp0 filter_forward 2>/dev/null); then
	case $rules in
	*'ct status dnat accept'*) ;;
	*) nft insert rule ip nm-shared-srvgrp0 filter_forward oifname '"srvgrp0"' ct status dnat accept ;;
	esac
fi

# A bridge that is set up anew, as by a restart of NetworkManager, has lost all of its ports.
[ -r /var/lib/mbctl/firewall.nft ] || exit 0
for port in $(grep -o '"vb-[^"*]*"' /var/lib/mbctl/firewall.nft | tr -d '"' | sort -u); do
	if [ -e "/sys/class/net/$port" ] && ! [ -e "/sys/class/net/$port/master" ]; then
		ip link set dev "$port" master srvgrp0
	fi
done
