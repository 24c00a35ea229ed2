# shellcheck shell=dash
# Makes "$@" the app's command line. MAN8S_APPLICATION_ARGS is a line of shell words; the app's variables are set, so an administrator may
# write $PORT; file name patterns stay as they are. With MAN8S_APPLICATION_MODE=connector no program is started but one that stays, and does
# nothing: the machine is there for the commands that it lends (lib/connector), and ends by the image's stop signal like any other.
if [ "$m8_mode" = connector ]; then
	# 68 years; not every busybox knows "infinity".
	set -- "$m8_bb" sleep 2147483647
else
	MAN8S_NEWLINE=$m8_newline
	# A syntax error ends the shell (POSIX 2.8.1): say what was being read, and end as our own failures do.
	trap 'm8_die "Cannot read MAN8S_APPLICATION_ARGS: it is no line of shell words"' EXIT
	set -f
	eval "set -- $m8_args"
	set +f
	trap - EXIT
	unset MAN8S_NEWLINE
	[ $# -gt 0 ] || m8_die 'Cannot start the app: MAN8S_APPLICATION_ARGS has no words'
fi
