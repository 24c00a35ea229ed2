#!/bin/sh
# Boots one lab host; runs in mount, pid and cgroup namespaces of its own (host.ts).
# usage: boot.sh NAME DIR BASE CGROUP
#   DIR/root  the host's own files, all but /usr
#   DIR/usr, DIR/work  what the host writes below /usr, over BASE/usr
set -eu
name=$1 dir=$2 base=$3 cgroup=$4

# The outer machine's systemd, if it has one, must not be seen: nspawn would talk to it.
mount -t tmpfs -o mode=0755 tmpfs /run
mkdir /run/root
mount --bind "$dir/root" /run/root
mount -t overlay -o "lowerdir=$base/usr,upperdir=$dir/usr,workdir=$dir/work" overlay /run/root/usr

# A machine with cgroup v1 controllers mounts them here; the host gets the unified tree alone.
umount -R /sys/fs/cgroup 2>/dev/null || true
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir "/sys/fs/cgroup/$cgroup"
echo 0 >"/sys/fs/cgroup/$cgroup/cgroup.procs"

# nspawn leaves a folder in /tmp when it is killed.
mount -t tmpfs tmpfs /tmp

export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
exec systemd-nspawn --quiet --register=no --keep-unit --machine="$name" --directory=/run/root \
	--capability=all --private-network --system-call-filter='@keyring bpf' --console=pipe --boot
