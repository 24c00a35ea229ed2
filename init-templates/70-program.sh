# shellcheck shell=dash
# Finds the app's program as execvp(3) does, in the image's PATH and nowhere else: this shell would take its own applet of that name.

# m8_find_program NAME: sets m8_program. False: m8_text says why, and m8_code is the shell's exit code for it (POSIX 2.8.2).
m8_find_program() {
	local rest folder
	m8_program='' m8_code=127 m8_text='no such program'
	case $1 in
	'') return 1 ;;
	*/*) m8_try_program "$1" && return 0 || return 1 ;;
	esac
	# The default of docker and podman. An empty element is the working directory.
	rest=${PATH-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}:
	while [ -n "$rest" ]; do
		folder=${rest%%:*}
		rest=${rest#*:}
		m8_try_program "${folder:-.}/$1" && return 0
	done
	return 1
}

m8_try_program() {
	case $1 in
	/*) m8_program=$m8_root$1 ;;
	*) m8_program=$1 ;;
	esac
	if [ -f "$m8_program" ] && [ -x "$m8_program" ]; then return 0; fi
	if [ -d "$m8_program" ]; then
		m8_code=126 m8_text="\"$1\" is a folder"
	elif [ -e "$m8_program" ]; then
		m8_code=126 m8_text="\"$1\" is not executable"
	fi
	return 1
}

# m8_check_interpreter FILE: false if FILE is a script whose interpreter the image lacks. The kernel's ENOENT would name the script.
m8_check_interpreter() {
	local start line
	# shellcheck disable=SC3045 # busybox sh has read -n
	{ IFS= read -r -n 2 start && [ "$start" = '#!' ] && { read -r line || [ -n "$line" ]; }; } <"$1" 2>/dev/null || return 0
	line=${line%%[ 	]*}
	case $line in
	/*) [ ! -e "$m8_root$line" ] || return 0 ;;
	*) return 0 ;;
	esac
	m8_code=127 m8_text="its interpreter \"$line\" is not in the image"
	return 1
}
