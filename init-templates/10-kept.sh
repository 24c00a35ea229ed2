# shellcheck shell=dash
# Restores what the image kept in /run and /tmp. nspawn mounts a fresh tmpfs on both (nspawn-mount.c), so the tree's own content is out of
# sight; the installer left a copy in /man8s-init/kept. What is there already stays as it is: /run/host is nspawn's, and a mount
# point is a volume of the machine's, whose files the app may have changed or deleted.

# m8_is_mount PATH: true if PATH is a mount point. mountinfo writes blanks as \040 (proc(5)).
m8_is_mount() {
	case $m8_mounts in
	*"$m8_newline$1$m8_newline"*) return 0 ;;
	esac
	return 1
}

# m8_restore FROM TO: copies the entries of one folder into another that exists.
m8_restore() {
	local from to
	for from in "$1"/* "$1"/.[!.]* "$1"/..?*; do
		[ -e "$from" ] || [ -L "$from" ] || continue
		to=$2/${from##*/}
		[ "$to" != "$m8_state" ] || continue
		if ! [ -e "$to" ] && ! [ -L "$to" ]; then
			"$m8_bb" cp -a "$from" "$to" || m8_log "Cannot restore \"$to\" from the image: copy failed"
		elif [ -d "$from" ] && ! [ -L "$from" ] && [ -d "$to" ] && ! [ -L "$to" ] && ! m8_is_mount "$to"; then
			[ "$to" = "$m8_root/run/host" ] || m8_restore "$from" "$to"
		fi
	done
}

if [ -d "$m8_dir/kept" ]; then
	m8_mounts=$m8_newline
	while read -r m8_a m8_a m8_a m8_a m8_point m8_a; do
		m8_mounts=$m8_mounts$(printf %b. "$m8_point")
		m8_mounts=${m8_mounts%.}$m8_newline
	done <"${m8_root}/proc/self/mountinfo"
	for m8_a in run tmp; do
		# SYSTEMD_NSPAWN_TMPFS_TMP=0 leaves the image's own /tmp in place: nothing is out of sight then.
		if [ -d "$m8_dir/kept/$m8_a" ] && m8_is_mount "$m8_root/$m8_a"; then
			m8_restore "$m8_dir/kept/$m8_a" "$m8_root/$m8_a"
		fi
	done
fi
