# shellcheck shell=dash
# Loads the environment with the functions of 20-environment.sh.
m8_words=0
m8_args=
m8_mode=
m8_user=
m8_dhcp_wait=1

# What nspawn sets for its own sake and an OCI image does not expect. podman and docker set none of these. NOTIFY_SOCKET: a program
# that finds it may talk to nspawn, which is ready already; for NotifyReady=yes write it into man8env.env. HOME=/root is
# nspawn's default for its root; 40-user.sh finds the real one.
unset USER LOGNAME NOTIFY_SOCKET SHLVL PWD OLDPWD OPTIND PPID LINENO RANDOM PS1 PS4
[ "${HOME-}" != /root ] || unset HOME

# The shell's own import drops names that are no identifiers and changes some values, so read what the kernel has.
# `read` takes a system call per byte: less than a fork for these few hundred bytes.
# shellcheck disable=SC3045 # busybox sh has read -d
while IFS= read -r -d '' m8_line; do
	case ${m8_line%%=*} in
	MAN8S_ESCAPED_*)
		unset "${m8_line%%=*}" 2>/dev/null
		m8_unescape "${m8_line#*=}"
		m8_line=${m8_line%%=*}
		m8_set "${m8_line#MAN8S_ESCAPED_}" "$m8_text"
		;;
	MAN8S_TEST_* | USER | LOGNAME | NOTIFY_SOCKET | HOME) ;;
	*) m8_set "${m8_line%%=*}" "${m8_line#*=}" ;;
	esac
done <"$m8_environ"

# One cat and a split at line breaks: 1,000 lines in a few ms, where a `read` loop takes ten times that. set -f: no file names here.
if [ -r "$m8_root/man8env.env" ]; then
	set -f
	IFS=$m8_newline
	# shellcheck disable=SC2046 # the split is wanted
	set -- $("$m8_bb" cat "$m8_root/man8env.env")
	IFS=' 	'$m8_newline
	for m8_line; do
		case $m8_line in
		\#*) ;; # a comment
		*=*) m8_set "${m8_line%%=*}" "${m8_line#*=}" ;;
		*[!\ \	]*) m8_log 'Cannot read a line of "/man8env.env": it has no "="' ;;
		esac
	done
	set --
	set +f
else
	m8_log 'Cannot read "/man8env.env": going on without it'
fi
unset MAN8S_APPLICATION_ARGS MAN8S_APPLICATION_MODE MAN8S_APPLICATION_USER MAN8S_DHCP_WAIT m8_line m8_text m8_rest
