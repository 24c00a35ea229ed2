# shellcheck shell=dash
# Groups by the rules of 40-user.sh, and what the machine's user namespace can hold.

# m8_find_group NAME_OR_GID: sets m8_gid.
m8_find_group() {
	local wanted=$1 number='' name gid rest
	if m8_number "$wanted"; then number=$m8_text; fi
	if [ -r "$m8_root/etc/group" ]; then
		while IFS=: read -r name rest gid rest || [ -n "$name" ]; do
			m8_number "$gid" || continue
			case $number in
			'') [ "$name" = "$wanted" ] || continue ;;
			*) [ "$m8_text" = "$number" ] || continue ;;
			esac
			m8_gid=$m8_text
			return
		done <"$m8_root/etc/group"
	fi
	[ -n "$number" ] || m8_die "Cannot start as group \"$wanted\": the image's /etc/group has no such name"
	m8_gid=$number
}

# m8_find_groups NAME: sets m8_groups to the ids of the groups that list NAME, each after a blank.
m8_find_groups() {
	local wanted=$1 name gid members rest
	m8_groups=
	[ -n "$wanted" ] && [ -r "$m8_root/etc/group" ] || return 0
	while IFS=: read -r name rest gid members || [ -n "$name" ]; do
		case ,$members, in
		*",$wanted,"*) ;;
		*) continue ;;
		esac
		m8_number "$gid" || continue
		if m8_is_mapped gid "$m8_text"; then
			m8_groups="$m8_groups $m8_text"
		else
			m8_log "Cannot join group \"$name\": the machine has no id $m8_text, going on without it"
		fi
	done <"$m8_root/etc/group"
}

# m8_is_mapped uid|gid ID: true if the user namespace holds the id; PrivateUsers=pick gives it 65536. setuid(2) says only EINVAL.
m8_is_mapped() {
	local first outer count
	[ -r "$m8_root/proc/self/$1_map" ] || return 0
	while read -r first outer count; do
		[ "$2" -ge "$first" ] && [ "$2" -lt $((first + count)) ] && return 0
	done <"$m8_root/proc/self/$1_map"
	return 1
}
