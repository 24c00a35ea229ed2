#!/man8s-init/busybox sh
# man8s-init: the first program of a machine. It runs as PID 2 below systemd-nspawn's stub (ProcessTwo=yes), sources the numbered
# fragments beside it in order, and the last of them execs the app in place. It needs a static busybox and nothing of the image's.
#
# Names: what is ours is called m8_… (the app's variables are loaded into this very shell; 20-environment.sh keeps the two apart).
# Seams for tests: MAN8S_TEST_ROOT stands before every path, MAN8S_TEST_BUSYBOX replaces the busybox. The image cannot set them: they
# are read here, before the environment file is.

m8_root=${MAN8S_TEST_ROOT:-}
m8_dir=$m8_root/man8s-init
m8_bb=${MAN8S_TEST_BUSYBOX:-$m8_dir/busybox}
m8_environ=${MAN8S_TEST_ENVIRON:-/proc/$$/environ}
m8_state=$m8_root/run/man8s-init # a tmpfs: writable under ReadOnly=yes too, and new at every start
unset MAN8S_TEST_ROOT MAN8S_TEST_BUSYBOX MAN8S_TEST_ENVIRON

m8_newline='
'
m8_return=$(printf '\r')

# m8_log WORDS…: one line for the journal. Never print a value of the environment or an argument: they hold secrets.
m8_log() {
	printf 'man8s-init: %s\n' "$*" >&2
}

# m8_die WORDS…: ends the machine with 125, which podman and docker also use for "the engine failed, not the app".
m8_die() {
	m8_log "$@"
	exit 125
}

umask 022

. "$m8_dir/10-kept.sh"
. "$m8_dir/20-environment.sh"
. "$m8_dir/21-environment-load.sh"
. "$m8_dir/30-address.sh"
. "$m8_dir/31-ipv6.sh"
. "$m8_dir/32-ipv6-routes.sh"
. "$m8_dir/33-ipv4.sh"
. "$m8_dir/34-network.sh"
. "$m8_dir/40-user.sh"
. "$m8_dir/41-group.sh"
. "$m8_dir/42-identity.sh"
. "$m8_dir/43-secrets.sh"
. "$m8_dir/50-console.sh"
. "$m8_dir/60-arguments.sh"
. "$m8_dir/70-program.sh"
. "$m8_dir/71-program-find.sh"
. "$m8_dir/80-wait.sh"
. "$m8_dir/90-exec.sh"
