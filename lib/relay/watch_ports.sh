#!/bin/sh
# Watches from outside which ports a machine's app listens on, and has those relayed that it
# listens on by IPv4 alone. Runs in the machine's network, as a unit of its own (watcher_unit.ts).
#
#     watch_ports.sh ADDRESS PROTOCOL:PORT=UNIT@...
#
# ADDRESS is the machine's mesh address as /proc/net/tcp6 shows it, PORT a number or *, and
# UNIT@PORT.socket is what relays the port. The first that fits counts.
#
# A relay that took a port first would make an app fail that listens on [::] as well. So a port
# must be seen on IPv4, and not on IPv6, at two looks a second apart, and is given up as soon as
# the app listens no more.

net=${MBCTL_TEST_NET:-/proc/net}
# Units at a time, and ports that are looked at: an app that listens on all ports must neither fill
# systemd with units nor keep this shell busy.
limit=64
most=256

address=$1
shift
wanted="$*"

# Adds to $ports what is bound in one file of /proc/net (proc(5)), as words PROTOCOL:PORT in
# decimal: list PROTOCOL FILE PICK, where PICK leaves a line of sed its port. Listening sockets of
# TCP come first: what is behind them is not read.
list() {
  case $wanted in *"$1:"*) ;; *) return ;; esac
  case $1 in
    tcp) others='/ 0A /!q' ;;
    udp) others='/ 07 /!d' ;;
  esac
  # One child and no more: this runs once a second.
  found=$(sed -nE "1d; $others; s/^ *[0-9]+: //; s/ .*//; $3" "$net/$2")
  number=0
  for hex in $found; do
    decimal=$((0x$hex))
    case " $wanted" in *" $1:$decimal="* | *" $1:*="*) ;; *) continue ;; esac
    ports="$ports $1:$decimal"
    number=$((number + 1))
    [ "$number" -lt "$most" ] || break
  done
}

# The app listens on IPv4: not on 127.0.0.0/8 alone, which it keeps to itself on purpose.
list_ipv4() {
  ports=
  list tcp tcp '/^.{6}7F:/!{s/.*://; p}'
  list udp udp '/^.{6}7F:/!{s/.*://; p}'
}

# What stands in the way of a relay: somebody listens on [::], or at its very address.
list_ipv6() {
  ports=
  list tcp tcp6 "/^(0{32}|$address):/{s/.*://; p}"
  list udp udp6 "/^(0{32}|$address):/{s/.*://; p}"
}

# has WORDS WORD
has() {
  case " $1 " in *" $2 "*) return 0 ;; esac
  return 1
}

# Sets $unit to what relays PROTOCOL:PORT; empty when nobody wants it relayed.
find_unit() {
  unit=
  set -f
  for word in $wanted; do
    pattern=${word%%=*}
    # shellcheck disable=SC2254 # It is a pattern: tcp:*
    case $1 in
      $pattern)
        unit=${word#*=}${1#*:}
        break
        ;;
    esac
  done
  set +f
}

# say PROTOCOL:PORT TEXT: to the journal.
say() {
  echo "port ${1#*:}/${1%%:*}: $2"
}

# The same, but once for each port and text.
say_once() {
  has "$said" "$1=$3" && return
  said="$said $1=$3"
  say "$1" "$2"
}

start() {
  say "$1" "relayed from IPv6"
  relayed="$relayed $1"
  count=$((count + 1))
  systemctl start "$unit.socket" || say "$1" "cannot be relayed: systemctl status $unit.socket"
}

stop() {
  find_unit "$1"
  say "$1" "the app listens no more, no relay"
  # Its process has the port as well.
  systemctl stop "$unit.socket" "$unit.service"
  rest=
  for other in $relayed; do
    [ "$other" = "$1" ] || rest="$rest $other"
  done
  relayed=$rest
  count=$((count - 1))
}

# look NOW BEFORE: the ports on IPv4, now and at the last look.
look() {
  for port in $relayed; do
    has "$1" "$port" || stop "$port"
  done
  taken=
  for port in $1; do
    has "$relayed" "$port" && continue
    has "$2" "$port" || continue
    find_unit "$port"
    [ -n "$unit" ] || continue
    # Read only now: most looks have nothing to do.
    if [ -z "$taken" ]; then
      list_ipv6
      taken="$ports ."
    fi
    if has "$taken" "$port"; then
      say_once "$port" "the app listens on IPv6 by itself, no relay" ipv6
    elif [ "$count" -ge "$limit" ]; then
      say_once "$port" "not relayed, $limit others are" limit
    else
      start "$port"
    fi
  done
}

relayed=
said=
count=0
before=
while :; do
  list_ipv4
  now=$ports
  look "$now" "$before"
  before=$now
  sleep 1
done
