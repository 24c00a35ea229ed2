#!/bin/sh
# Entrypoint of the lab's nginx image, in the way of the official one: it runs the
# scripts of a folder before it hands over to the server.
set -e
for script in /docker-entrypoint.d/*.sh; do
	[ -x "$script" ] || continue
	echo "docker-entrypoint.sh: running $script"
	"$script"
done
exec "$@"
