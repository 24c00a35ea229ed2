# shellcheck shell=dash
# Runs in a machine, by man8s-init's busybox ($0; in a whole system $0 is env, and its own programs work): puts the tar stream of standard input to $1, as cp -r and podman cp do.
# $2 is "file", "directory", "contents" (a folder's, into one that is there) or "stream" (a tar stream of the user's, into a folder),
# $3 the name of what is sent, $4 and $5 owner and mode of a folder that is made, $6 "stopped" where the machine does not run.
bb=$0
kind=$2
die() {
	printf '%s\n' "$1" >&2
	exit 1
}

# What a stopped machine has in memory is gone when this ends.
require_disk() {
	[ "$stopped" != stopped ] || [ "$("$bb" stat -f -c %T -- "$1")" != tmpfs ] ||
		die "it lies in memory, and the machine does not run"
}
stopped=$6

# folder: where entries are written; target: what is made or replaced in it.
if [ -d "$1" ]; then
	case $kind in
	contents | stream) folder=$1 ;;
	directory) folder=$1/$3 ;;
	file) folder=$1 target=$1/$3 ;;
	esac
elif [ -e "$1" ]; then
	[ "$kind" = file ] || die "it is no folder"
	# Through a link to what it leads to.
	target=$("$bb" readlink -f -- "$1" && printf .) || die "it cannot be resolved"
	target=${target%??}
	folder=${target%/*}/
else
	[ "$kind" != stream ] || die "there is no such folder"
	case $1 in
	*/) [ "$kind" != file ] || die "there is no such folder" ;;
	esac
	target=${1%"${1##*[!/]}"}
	folder=${target%/*}/
	[ -d "$folder" ] || die "there is no folder to put it into"
	[ "$kind" = file ] || folder=$target
fi

if [ "$kind" = file ]; then
	require_disk "$folder"
	[ ! -d "$target" ] || die "a folder has the name \"$target\""
	# Beside its target, then renamed: a reader sees the old file or the new one.
	staged=$folder/.mbctl-cp.$$
	trap '"$bb" rm -rf -- "$staged"' EXIT
	"$bb" mkdir -m 700 -- "$staged" && "$bb" tar -x -p -f - -C "$staged" && "$bb" mv -f -- "$staged/$3" "$target"
	exit
fi
if [ ! -d "$folder" ]; then
	[ ! -e "$folder" ] || die "a file has the name \"$folder\""
	require_disk "${folder%/*}/"
	"$bb" mkdir -- "$folder" && "$bb" chown "$4" "$folder" && "$bb" chmod "$5" "$folder" || exit 1
fi
require_disk "$folder"
exec "$bb" tar -x -p -f - -C "$folder"
