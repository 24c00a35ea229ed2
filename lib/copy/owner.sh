# shellcheck shell=dash
# Runs in a machine, by man8s-init's busybox: prints the ids of $1, a user as an image writes it, by the rules of man8s-init.
# shellcheck disable=SC2034 # the fragments read these
m8_bb=$0 m8_root='' m8_user=$1
m8_log() { printf '%s\n' "$*" >&2; }
m8_die() {
	m8_log "$@"
	exit 125
}
for m8_a in 40-user 41-group 42-identity; do
	# shellcheck disable=SC1090
	. "/man8s-init/$m8_a.sh"
done
# shellcheck disable=SC2154
printf '%s %s\n' "$m8_uid" "$m8_gid"
