#!/bin/sh
# Installs the Debian packages that the checks, the tests and the demo need, and that
# are not there yet. Quick when all are there. Only an installation needs root.
# usage: install_packages.sh [--list | PACKAGE…]
#   --list     prints the packages instead
#   PACKAGE…   these instead of all
set -eu
here=$(cd "$(dirname "$0")" && pwd)

# What `make check` runs, and the tests' readers of shell text and completion scripts.
checks="busybox-static dash fish python3 shellcheck zsh"
# What mbctl itself calls when a test runs it outside of a lab host, how it is watched, and what it
# is compared with: umoci for layers, the file systems that clone.
tools="acl attr btrfs-progs ca-certificates docker-registry e2fsprogs gnupg isal libcap2-bin nftables openssl procps skopeo strace umoci xfsprogs xz-utils zstd"

# shellcheck disable=SC2046,SC2086 # lists of words
case ${1:-} in
--list)
	printf '%s\n' $checks $tools $(grep -v '^#' "$here/packages.txt")
	exit
	;;
'') set -- $checks $tools $(grep -v '^#' "$here/packages.txt") ;;
esac

if ! command -v dpkg-query >/dev/null; then
	# Another distribution: nothing is installed for its owner, who is told what to look for.
	missing=
	for program in busybox dash mmdebstrap shellcheck skopeo systemd-nspawn umoci; do
		command -v "$program" >/dev/null || missing="$missing $program"
	done
	[ -z "$missing" ] && exit
	echo "Cannot install packages: this is no Debian, and these programs are missing:$missing" >&2
	exit 1
fi

missing=
for package in "$@"; do
	case $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null) in
	ii*) ;;
	*) missing="$missing $package" ;;
	esac
done
[ -z "$missing" ] && exit

if [ "$(id -u)" != 0 ]; then
	echo "Cannot install packages: no root; as root: apt-get install$missing" >&2
	exit 1
fi
export DEBIAN_FRONTEND=noninteractive
# Recommended packages would change the machine: name services, a resolver, timers.
get() { apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 --no-install-recommends "$@" </dev/null; }

# shellcheck disable=SC2086 # a list of words
if ! plan=$(get install --simulate $missing 2>/dev/null); then
	echo "packages: reading the package lists" >&2
	get update
	plan=$(get install --simulate $missing)
fi
# Its package takes over /etc/resolv.conf: name resolution of the machine would end.
if printf '%s\n' "$plan" | grep -q '^Inst systemd-resolved '; then
	echo "Cannot install$missing: systemd-resolved would come with them" >&2
	exit 1
fi
echo "packages: installing$missing" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Lists that are old name files which the mirror has no longer.
# shellcheck disable=SC2086 # a list of words
if ! get install $missing >"$log" 2>&1; then
	get update
	get install $missing >"$log" 2>&1 || {
		cat "$log" >&2
		exit 1
	}
fi
