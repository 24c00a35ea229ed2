#!/bin/sh
# Entrypoint of the lab's postgres image, in the way of the official one: root makes
# the folders and becomes the user postgres, who makes a database where there is none.
set -e
case "$1" in
-*) set -- postgres "$@" ;;
esac
if [ "$1" = postgres ] && [ "$(id -u)" = 0 ]; then
	mkdir -p "$PGDATA"
	chown -R postgres:postgres "$PGDATA" /run/postgresql
	chmod 0700 "$PGDATA"
	exec setpriv --reuid postgres --regid postgres --init-groups "$0" "$@"
fi
if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
	if [ -z "$POSTGRES_PASSWORD" ] && [ "$POSTGRES_HOST_AUTH_METHOD" != trust ]; then
		echo 'error: database is not initialised and POSTGRES_PASSWORD is not set' >&2
		exit 1
	fi
	password_file=$(mktemp)
	printf '%s\n' "${POSTGRES_PASSWORD:-unused}" >"$password_file"
	initdb --username="${POSTGRES_USER:-postgres}" --pwfile="$password_file" --auth-local=trust
	rm "$password_file"
	echo "host all all all ${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >>"$PGDATA/pg_hba.conf"
	echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
	echo 'postgres: initialisation complete'
fi
exec "$@"
