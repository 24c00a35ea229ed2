# shellcheck shell=dash
# Becomes a program as a user of the machine. Runs in it, as root: by the busybox of man8s-init ($0), with the chain of execs that
# init-templates/90-exec.sh has, or in a whole system by its own /bin/sh ($0 is sh), env and setpriv. MBCTL_WORD_1… are the
# variables that must not take effect before, each NAME=value.
# Arguments: uid, gid, supplementary groups (words; for setpriv with commas), working directory or '', then the program and its
# arguments.
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
	if [ "$0" = sh ]; then set -- /usr/bin/env -- "$@"; else set -- "$0" env -- "$@"; fi
fi
unset MBCTL_WORDS

if [ "$0" = sh ]; then
	if [ -n "$mbctl_groups" ]; then mbctl_groups=--groups=$mbctl_groups; else mbctl_groups=--clear-groups; fi
	set -- /usr/bin/setpriv "--reuid=$mbctl_uid" "--regid=$mbctl_gid" "$mbctl_groups" -- "$@"
elif [ -n "$mbctl_groups" ]; then
	# Named by what is in it: two runs at once write the same.
	mbctl_state=/run/man8s-init/exec/$mbctl_gid-$(printf %s "$mbctl_groups" | "$0" tr ' ' -)
	"$0" mkdir -p -m 700 /run/man8s-init/exec "$mbctl_state" "$mbctl_state/etc"
	printf 'm8:x:0:%s::/:\n' "$mbctl_gid" >"$mbctl_state/etc/passwd.$$"
	for mbctl_n in $mbctl_groups; do
		printf 'm8-%s:x:%s:m8\n' "$mbctl_n" "$mbctl_n"
	done >"$mbctl_state/etc/group.$$"
	"$0" mv -f "$mbctl_state/etc/passwd.$$" "$mbctl_state/etc/passwd"
	"$0" mv -f "$mbctl_state/etc/group.$$" "$mbctl_state/etc/group"
	set -- "$0" nsenter -F "-r$mbctl_state" -w/ "./${0#/}" start-stop-daemon -S -p /none -c m8 -x "./${0#/}" -- \
		nsenter -F -r. "-w.$(pwd -P)" -S "$mbctl_uid" "$@"
elif [ "$mbctl_uid:$mbctl_gid" != 0:0 ]; then
	set -- "$0" nsenter -F -S "$mbctl_uid" -G "$mbctl_gid" "$@"
fi
unset PWD OLDPWD
# What ash has set; a system's sh may be bash, which does not let go of PPID.
if [ "$0" != sh ]; then unset SHLVL PPID OPTIND IFS PS1 PS4; fi
exec "$@"
