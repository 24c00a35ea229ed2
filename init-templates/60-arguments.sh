# shellcheck shell=dash
# Reads MAN8S_APPLICATION_ARGS, a line of shell words, into "$@". The app's variables are set, so an administrator may write $PORT; file name
# patterns stay as they are. After this fragment "$@" is the app's command line.
MAN8S_NEWLINE=$m8_newline
# A syntax error ends the shell (POSIX 2.8.1): say what was being read, and end as our own failures do.
trap 'm8_die "Cannot read MAN8S_APPLICATION_ARGS: it is no line of shell words"' EXIT
set -f
eval "set -- $m8_args"
set +f
trap - EXIT
unset MAN8S_NEWLINE
[ $# -gt 0 ] || m8_die 'Cannot start the app: MAN8S_APPLICATION_ARGS has no words'
