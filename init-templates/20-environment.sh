# shellcheck shell=dash
# Makes the app's environment: what nspawn gives, then /man8env.env over it. A line is KEY=value, verbatim to its end; nothing is evaluated.
# An ordinary name is exported from this shell. A name that is no identifier, or that means something to the shell itself, becomes a
# numbered word instead, and the last fragment passes the words to `busybox env`. Only those show in a command line, for about 1 ms.

# m8_set NAME VALUE
m8_set() {
	case $1 in
	MAN8S_APPLICATION_ARGS) m8_args=$2 ;;
	MAN8S_APPLICATION_MODE) m8_mode=$2 ;;
	MAN8S_APPLICATION_USER) m8_user=$2 ;;
	MAN8S_DHCP_WAIT) m8_dhcp_wait=$2 ;;
	'') m8_log 'Cannot read a variable of the environment: its name is empty' ;;
	m8_* | [!A-Za-z_]* | *[!A-Za-z0-9_]*) m8_add_word "$1=$2" ;;
	# Variables that ash itself sets, computes or obeys.
	IFS | OPTIND | LINENO | RANDOM | EPOCH* | PPID | PWD | OLDPWD | SHLVL | PS[0-9] | FUNCNAME | HIST*) m8_add_word "$1=$2" ;;
	*) export "$1=$2" ;;
	esac
}

m8_add_word() {
	m8_words=$((m8_words + 1))
	eval "m8_word_$m8_words=\$1"
}

# m8_unescape TEXT: sets m8_text. nspawn cannot carry a line break: mbctl writes `\n` for it, `\r` for a carriage return, `\\` for a backslash.
m8_unescape() {
	m8_rest=$1
	m8_text=
	while :; do
		case $m8_rest in
		*\\*) ;;
		*) break ;;
		esac
		m8_text=$m8_text${m8_rest%%\\*}
		m8_rest=${m8_rest#*\\}
		case $m8_rest in
		n*) m8_text=$m8_text$m8_newline m8_rest=${m8_rest#n} ;;
		r*) m8_text=$m8_text$m8_return m8_rest=${m8_rest#r} ;;
		*) m8_text=$m8_text\\ m8_rest=${m8_rest#\\} ;;
		esac
	done
	m8_text=$m8_text$m8_rest
}
