# shellcheck shell=dash
# Becomes the app: one chain of execs, no fork, so the app is PID 2 and its exit code is the machine's. "$@" is its command line.
if [ "$m8_mode" = connector ]; then
	m8_log "starting no program: commands are lent, as $m8_uid:$m8_gid$m8_groups"
else
	m8_log "starting $1 as $m8_uid:$m8_gid$m8_groups"
fi

# For those who run a program beside the app: many an app overwrites its environment in /proc (setproctitle(3)).
"$m8_bb" mkdir -p -m 700 "$m8_state"
(
	set --
	m8_a=$m8_words
	while [ "$m8_a" -gt 0 ]; do
		eval "set -- \"\$m8_word_$m8_a\" \"\$@\""
		m8_a=$((m8_a - 1))
	done
	umask 077
	unset PWD OLDPWD SHLVL PPID OPTIND IFS PS1 PS4
	"$m8_bb" env -0 -- "$@" >"$m8_state/environment"
)

# The variables that the shell cannot hold, in front: `env KEY=value… program…`. Last first, so that the order stays.
if [ "$m8_words" -gt 0 ]; then
	while [ "$m8_words" -gt 0 ]; do
		eval "set -- \"\$m8_word_$m8_words\" \"\$@\""
		m8_words=$((m8_words - 1))
	done
	set -- "$m8_bb" env -- "$@"
fi

if [ -n "$m8_groups" ]; then
	# busybox can set a list of groups only by name, from /etc/passwd and /etc/group (start-stop-daemon -c: initgroups). So it gets files of
	# ours in a chroot, with an entry of uid 0: still root, it leaves the chroot by the working directory, which stayed outside of
	# it, and only then drops the uid. Nothing is mounted, and nothing of this is left for the app.
	"$m8_bb" mkdir -p -m 700 "$m8_state" "$m8_state/etc"
	printf 'm8:x:0:%s::/:\n' "$m8_gid" >"$m8_state/etc/passwd"
	for m8_a in $m8_groups; do
		printf 'm8-%s:x:%s:m8\n' "$m8_a" "$m8_a"
	done >"$m8_state/etc/group"
	set -- "$m8_bb" nsenter -F "-r$m8_state" -w/ "./${m8_bb#/}" start-stop-daemon -S -p /none -c m8 -x "./${m8_bb#/}" -- \
		nsenter -F -r. "-w.$(pwd -P)" -S "$m8_uid" "$@"
elif [ "$m8_uid:$m8_gid" != 0:0 ]; then
	# -F: no fork; -G also clears the groups.
	set -- "$m8_bb" nsenter -F -S "$m8_uid" -G "$m8_gid" "$@"
fi

# What the shell itself has exported. Variables that are not exported end with it.
unset PWD OLDPWD SHLVL PPID OPTIND IFS PS1 PS4
exec "$@"
