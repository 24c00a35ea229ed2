# shellcheck shell=dash
# Decides who the app is, by MAN8S_APPLICATION_USER (the image's USER, verbatim; empty: root). Nothing is switched yet.
m8_groups=
case $m8_user in
*:?*)
	m8_find_user "${m8_user%%:*}"
	m8_find_group "${m8_user#*:}"
	;;
*)
	m8_find_user "${m8_user%:}"
	m8_find_groups "$m8_name"
	;;
esac
m8_is_mapped uid "$m8_uid" || m8_die "Cannot start as user $m8_uid: the machine's user namespace has no such id"
m8_is_mapped gid "$m8_gid" || m8_die "Cannot start with group $m8_gid: the machine's user namespace has no such id"

# As runc does: HOME is the entry's (/ without one), unless somebody has set it.
[ -n "${HOME-}" ] || export "HOME=$m8_home"

# For those who run a program beside the app, as the app's user: it may have become another one by then.
"$m8_bb" mkdir -p -m 700 "$m8_state" && printf '%s\n' "$m8_uid $m8_gid$m8_groups" >"$m8_state/identity"
