#!/bin/sh
# Rendered by mbctl. Runs in the machine, as root, by oci-APP-health.service: asks by oci-APP-probe.service, and keeps
# what it found in /run/oci/APP/health: STATE STREAK CODE STARTED, of this start of the application alone.
#
#     check APP PATIENCE RETRIES ACTION    failures count PATIENCE seconds after the start
set -u
app=$1 patience=$2 retries=$3 action=$4
unit=oci-$app.service
probe=oci-$app-probe.service
file=${MBCTL_TEST_RUN:-/run/oci}/$app/health

show() { systemctl show --property="$2" --value "$1"; }

systemctl --quiet is-active "$unit" || exit 0
started=$(show "$unit" ActiveEnterTimestampMonotonic)
state=starting streak=0 code=0 of=
[ ! -e "$file" ] || read -r state streak code of <"$file"
[ "$of" = "$started" ] || state=starting streak=0
before=$state

if systemctl --quiet start "$probe"; then
  code=$(show "$probe" ExecMainStatus)
else
  # Without an answer in time, most of all.
  code=$(show "$probe" Result)
  systemctl reset-failed "$probe"
fi
read -r up _ </proc/uptime
age=$((${up%.*} - started / 1000000))
if [ "$code" = 0 ]; then
  state=healthy streak=0
elif [ "$state" != starting ]; then
  streak=$((streak + 1))
  [ "$streak" -lt "$retries" ] || state=unhealthy
elif [ "$age" -ge "$patience" ]; then
  # Whoever never became well has had its time.
  state=unhealthy streak=$retries
fi
[ "$started" = "$(show "$unit" ActiveEnterTimestampMonotonic)" ] || exit 0
mkdir -p "${file%/*}"
printf '%s\n' "$state $streak $code $started" >"$file.new"
mv -f "$file.new" "$file"

if [ "$state" != "$before" ]; then
  # As sd-daemon(3) has it: a notice.
  echo "<5>$unit is $state"
  if [ "$state" = unhealthy ] && [ "$action" != none ]; then
    exec systemctl --no-block "$action" "$unit"
  fi
fi
# It may be well long before the next one.
if [ "$state" = starting ]; then
  sleep 1
  exec systemctl --no-block restart "oci-$app-health.service"
fi
