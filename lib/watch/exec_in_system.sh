# shellcheck shell=sh
# Becomes a program as a user of a whole system. Runs in it, by its own /bin/sh, env and setpriv, as root. MBCTL_WORD_1… are the
# variables that must not take effect before, each NAME=value. Arguments: uid, gid, supplementary groups (with commas), working
# directory or '', then the program and its arguments.
mbctl_uid=$1 mbctl_gid=$2 mbctl_groups=$3 mbctl_directory=$4
shift 4
if [ -n "$mbctl_directory" ]; then cd "$mbctl_directory" || exit 126; fi

mbctl_n=${MBCTL_WORDS:-0}
if [ "$mbctl_n" -gt 0 ]; then
	while [ "$mbctl_n" -gt 0 ]; do
		eval "set -- \"\$MBCTL_WORD_$mbctl_n\" \"\$@\""
		unset "MBCTL_WORD_$mbctl_n"
		mbctl_n=$((mbctl_n - 1))
	done
	set -- /usr/bin/env -- "$@"
fi
unset MBCTL_WORDS

if [ -n "$mbctl_groups" ]; then mbctl_groups=--groups=$mbctl_groups; else mbctl_groups=--clear-groups; fi
set -- /usr/bin/setpriv "--reuid=$mbctl_uid" "--regid=$mbctl_gid" "$mbctl_groups" -- "$@"
unset PWD OLDPWD
exec "$@"
