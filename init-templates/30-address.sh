# shellcheck shell=dash
# Text arithmetic on an IPv6 address, RFC 4291 section 2.2.

# m8_count_groups TEXT: sets m8_count to the number of groups in `1:2:3`. False: a group is empty or longer than 4 digits.
m8_count_groups() {
	local rest=$1
	m8_count=0
	while [ -n "$rest" ]; do
		case ${rest%%:*} in
		'' | ?????*) return 1 ;;
		esac
		m8_count=$((m8_count + 1))
		case $rest in
		*:) return 1 ;;
		*:*) rest=${rest#*:} ;;
		*) rest= ;;
		esac
	done
}

# m8_prefix ADDRESS: sets m8_text to the first four groups, the /64, with `::` written out: 300::1:2:3:4:5 gives 300:0:0:1.
# False: no address, or one with an IPv4 tail.
m8_prefix() {
	local left right zeros
	case $1 in
	'' | *[!0-9a-fA-F:]* | *::*::* | *:::*) return 1 ;;
	*::*)
		left=${1%%::*}
		right=${1#*::}
		m8_count_groups "$left" || return 1
		zeros=$((8 - m8_count))
		m8_count_groups "$right" || return 1
		zeros=$((zeros - m8_count))
		[ "$zeros" -ge 1 ] || return 1
		m8_text=$left
		while [ "$zeros" -ge 1 ]; do
			m8_text=${m8_text:+$m8_text:}0
			zeros=$((zeros - 1))
		done
		m8_text=$m8_text${right:+:$right}
		;;
	*)
		m8_count_groups "$1" || return 1
		[ "$m8_count" -eq 8 ] || return 1
		m8_text=$1
		;;
	esac
	m8_text=${m8_text%:*:*:*:*}
}
