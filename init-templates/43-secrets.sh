# shellcheck shell=dash
# Puts the machine's secrets into /run/secrets, each a file of the app's user. The host has bound their values, in memory, to
# /run/host/mbctl-secrets, where they are files for everybody; that place is hidden before the app runs. The values
# never stand on a command line: they are copied by name, and read by this shell.

# m8_place_secret NAME MODE UID GID FILE_VARIABLE VARIABLE: the last four may be empty.
m8_place_secret() {
	local file=$m8_secrets/$1 uid=${3:-$m8_uid} gid=${4:-$m8_gid} words=$m8_words value
	{ m8_is_mapped uid "$uid" && m8_is_mapped gid "$gid"; } ||
		m8_die "Cannot place the secret \"$1\": the machine's user namespace has no owner $uid:$gid"
	{ "$m8_bb" cp "$m8_secrets_source/$1" "$file" && "$m8_bb" chown "$uid:$gid" "$file" && "$m8_bb" chmod "$2" "$file"; } ||
		m8_die "Cannot place the secret \"$1\""
	[ -z "$5" ] || m8_set "$5" "/run/secrets/$1"
	[ -n "$6" ] || return 0
	# Line breaks at its end are part of a value: $(…) would take them away.
	value=$("$m8_bb" cat "$file" && printf .) || m8_die "Cannot read the secret \"$1\""
	m8_set "$6" "${value%.}"
	# Such a name would go through a command line (20-environment.sh).
	[ "$words" = "$m8_words" ] || m8_die "Cannot set the variable \"$6\" to a secret: the shell uses that name itself"
}

# m8_hidden_mount WHERE MODE: a file system in memory that is never swapped out, over whatever lies there.
m8_hidden_mount() {
	"$m8_bb" mount -t ramfs -o "nosuid,nodev,noexec,mode=$2" secrets "$1" || m8_die "Cannot mount \"$1\" for the secrets"
}

m8_secrets=$m8_root/run/secrets
m8_secrets_source=$m8_root/run/host/mbctl-secrets
if [ -n "${MAN8S_SECRETS-}" ]; then
	[ -d "$m8_secrets_source" ] || m8_die 'Cannot place the secrets: the host has bound none, and container.nspawn should'
	"$m8_bb" mkdir -p "$m8_secrets" || m8_die "Cannot make \"$m8_secrets\""
	m8_hidden_mount "$m8_secrets" 755
	umask 077
	for m8_a in $MAN8S_SECRETS; do
		IFS=:
		# shellcheck disable=SC2086 # the split is wanted
		set -- $m8_a
		IFS=' 	'$m8_newline
		m8_place_secret "$1" "$2" "${3-}" "${4-}" "${5-}" "${6-}"
	done
	set --
	umask 022
	m8_hidden_mount "$m8_secrets_source" 700
fi
unset MAN8S_SECRETS
