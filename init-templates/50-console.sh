# shellcheck shell=dash
# Hands the console to the app's user: writing to fd 1 works for everybody, but open("/dev/stdout") is checked against the owner, and
# nginx's logs are symlinks to it. A pseudo-terminal or a pipe of the machine's can be handed over; a host's terminal or file
# (--console=pipe) cannot, and a socket can be opened by nobody.
if [ "$m8_uid" != 0 ]; then
	set --
	for m8_a in "$m8_root/dev/console" "/proc/$$/fd/0" "/proc/$$/fd/1" "/proc/$$/fd/2"; do
		if [ -c "$m8_a" ] || [ -p "$m8_a" ]; then
			[ "$m8_a" -ef /dev/null ] || set -- "$@" "$m8_a"
		fi
	done
	if [ $# -gt 0 ]; then
		"$m8_bb" chown "$m8_uid" "$@" 2>/dev/null || m8_log 'Cannot hand the console to the app: it may fail to open /dev/stdout'
	fi
fi
