# shellcheck shell=dash
# Replaces the first word of "$@", the program's name, by the path that 70-program.sh finds. The busybox of 60-arguments.sh has one.
if [ "$m8_mode" != connector ]; then
	if ! m8_find_program "$1" || ! m8_check_interpreter "$m8_program"; then
		m8_log "Cannot start \"$1\": $m8_text"
		exit "$m8_code"
	fi
	shift
	set -- "$m8_program" "$@"
fi
