#!/bin/sh
# Entrypoint of the lab's redis image, in the way of the official one: options alone
# mean redis-server; root hands its data over to the user redis and becomes it.
set -e
case "$1" in
-* | *.conf) set -- redis-server "$@" ;;
esac
if [ "$1" = redis-server ] && [ "$(id -u)" = 0 ]; then
	chown -R redis:redis .
	exec setpriv --reuid redis --regid redis --init-groups "$0" "$@"
fi
if [ "$1" = redis-server ]; then
	shift
	# The official build has protected mode off; Debian's listens to the host alone.
	set -- redis-server --bind '*' '-::*' --protected-mode no "$@"
fi
exec "$@"
