#!/bin/sh
# Entrypoint of the lab's registry image, in the way of the official one: an argument
# that is a configuration file means "serve it", anything else is a command.
set -e
case "$1" in
*.yml | *.yaml) exec registry serve "$@" ;;
esac
exec "$@"
