#!/bin/sh
# Cleans up after a lab when its process ends, in whatever way it ends: the
# standard input is a pipe from that process, and its end is the sign.
# usage: reaper.sh STATE_DIR [sweep]
#   STATE_DIR holds `id` (part of the lab's cgroup names) and `run_dir` (its files).
#   sweep: do it now, if no living reaper holds the lock.
set -u
trap '' INT TERM HUP
cd "$1" || exit 1
exec 9>lock
flock --nonblock 9 || exit 0
id=$(cat id)
run_dir=$(cat run_dir)

if [ "${2:-}" != sweep ]; then
	echo ready
	cat >/dev/null
fi

# The hosts died with their parent; cgroup.kill takes what may be left of them. The
# cgroups are looked up in a mount of our own, wherever the machine has its own.
mkdir -p cgroup
# shellcheck disable=SC2016 # the inner shell is to expand it
unshare --mount --propagation private sh -c '
	mount -t cgroup2 cgroup2 cgroup || exit 0
	for group in $(find cgroup -maxdepth 8 -type d -name "mbctl-lab-$1-*"); do
		echo 1 2>/dev/null >"$group/cgroup.kill"
		tries=0
		until find "$group" -depth -type d -exec rmdir {} + 2>/dev/null; do
			[ ! -d "$group" ] && break
			tries=$((tries + 1))
			[ "$tries" -gt 100 ] && break
			sleep 0.1
		done
	done
' sh "$id"

case $run_dir in
*/mbctl-lab-?*)
	# Layer trees that systemd-importd has made are immutable.
	rm -rf --one-file-system "$run_dir" 2>/dev/null || {
		chattr -R -f -i "$run_dir" 2>/dev/null
		rm -rf --one-file-system "$run_dir"
	}
	;;
esac
rm -rf "$(pwd -P)"
