# shellcheck shell=dash
# Runs in a machine, by man8s-init's busybox ($0; in a whole system $0 is env, and its own programs work): writes what lies at $1 to standard output, as a tar stream. All links and mounts are the
# machine's own, so whatever it does meanwhile, nothing but what it can read itself is sent. With "named" as $2 the names begin
# with the last part of the path, as podman has them; else they begin with "./", and "./" itself comes first for a folder.
bb=$0
die() {
	printf '%s\n' "$1" >&2
	exit 1
}

[ -e "$1" ] || die "there is no file or folder $1"
path=$("$bb" readlink -f -- "$1" && printf .) || die "it cannot be resolved"
path=${path%??}
{ [ -d "$path" ] || [ -f "$path" ]; } || die "it is no file and no folder"
# A folder without what is in it: the first block of an archive of it.
folder() { "$bb" tar -c --no-recursion -f - "$1" | "$bb" head -c 512; }
if [ "$path" = / ]; then
	# What the kernel shows there is no file of the machine's, and some of it has no end. Debian's busybox knows no --exclude.
	cd / && set --
	for name in ./* ./.[!.]* ./run/* ./run/.[!.]*; do
		case $name in ./proc | ./sys | ./dev | ./run | ./run/host) continue ;; esac
		if [ -e "$name" ] || [ -L "$name" ]; then set -- "$@" "$name"; fi
	done
	folder ./ && folder ./run && exec "$bb" tar -c -f - -- "$@"
elif [ -d "$path" ] && [ "$2" != named ]; then
	cd "$path" && exec "$bb" tar -c -f - .
else
	cd "${path%/*}/" && exec "$bb" tar -c -f - -- "./${path##*/}"
fi
