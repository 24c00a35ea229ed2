# shellcheck shell=dash
# Finds the ids that the image's USER means, by the rules of runc, docker and podman (GetExecUser of github.com/moby/sys/user):
# name, name:group, uid, uid:gid; a number is an id first and needs no entry; supplementary groups only where no group is named.
# Reads the image's passwd and group as text: no NSS, no `id`, no need for either file.

# m8_number TEXT: true for an id (up to 2^31-1); sets m8_text to it without leading zeros.
m8_number() {
	case $1 in
	'' | *[!0-9]* | ???????????*) return 1 ;;
	esac
	m8_text=$1
	while :; do
		case $m8_text in
		0?*) m8_text=${m8_text#0} ;;
		*) break ;;
		esac
	done
	[ "$m8_text" -le 2147483647 ]
}

# m8_find_user NAME_OR_UID: sets m8_uid, m8_gid, m8_home, and m8_name ('' where passwd has no entry).
m8_find_user() {
	local wanted=$1 number='' name uid gid home rest
	m8_name='' m8_gid=0 m8_home=/
	if m8_number "${wanted:-0}"; then number=$m8_text; fi
	if [ -r "$m8_root/etc/passwd" ]; then
		while IFS=: read -r name rest uid gid rest home rest || [ -n "$name" ]; do
			m8_number "$uid" || continue
			uid=$m8_text
			m8_number "$gid" || continue
			if [ -n "$number" ]; then
				[ "$uid" = "$number" ] || continue
			else
				[ "$name" = "$wanted" ] || continue
			fi
			m8_name=$name m8_uid=$uid m8_gid=$m8_text m8_home=${home:-/}
			return
		done <"$m8_root/etc/passwd"
	fi
	[ -n "$number" ] || m8_die "Cannot start as user \"$wanted\": the image's /etc/passwd has no such name"
	m8_uid=$number
}
