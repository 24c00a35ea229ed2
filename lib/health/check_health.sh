# shellcheck shell=dash
# Asks a machine how it is, and keeps the answer in /run/mbctl/health. Runs on the host as root, under busybox's sh, by
# the units of health_units.ts:
#
#     check_health.sh check NAME       once; first after its start until it is well, or its time is over (start_health.sh)
#     check_health.sh await NAME       waits until it is well; fails when it is not going to be
#     check_health.sh require NAME…    whether all of these are well, for a machine that depends on them
#
# What is asked stands in /var/lib/mbctl/health (probe_files.ts). A command of the image's runs in the machine and
# nowhere else: none of its words and variables is given to a program of the host.

root=${MBCTL_TEST_ROOT:-}
bin=${MBCTL_TEST_BIN:-/usr/bin}
settings=$root/var/lib/mbctl/health
run=$root/run/mbctl/health
proc=$root/proc
umask 077

# say STATE PRIORITY TEXT: an entry of the journal, also among those of the machine's unit.
say() {
  "$bin/logger" --journald <<END
MESSAGE_ID=f0b8a4c2c5d94b7c9d1f6a1b3e5d7c90
MESSAGE=$3
PRIORITY=$2
SYSLOG_IDENTIFIER=mbctl
OBJECT_SYSTEMD_UNIT=systemd-nspawn@$name.service
MBCTL_EVENT=health
MBCTL_MACHINE=$name
MBCTL_HEALTH=$1
END
}

# keep STATE STREAK EXIT: written only when it differs, as every write is a child.
keep() {
  [ "$STATE $STREAK $EXIT" = "$1 $2 $3" ] && return
  [ "$STATE" = "$1" ] || SINCE=$(date +%s)
  STATE=$1 STREAK=$2 EXIT=$3
  printf '%s\n' "STATE=$1" "STREAK=$2" "EXIT=$3" "SINCE=$SINCE" "MAIN=$MAIN" >"$run/.$name.new"
  mv -f "$run/.$name.new" "$run/$name.state"
}

become_healthy() {
  [ "$STATE" = healthy ] || say healthy 5 "$name: is healthy"
  keep healthy 0 0
}

# become_unhealthy STREAK TEXT
become_unhealthy() {
  if [ "$STATE" != unhealthy ]; then
    keep unhealthy "$1" "$code"
    case $on_failure in none) text= ;; *) text=", $on_failure" ;; esac
    say unhealthy 4 "$name: is unhealthy, $2$text"
    [ "$on_failure" = none ] ||
      "$bin/systemctl" --no-block "$on_failure" "systemd-nspawn@$name.service"
  else
    keep unhealthy "$1" "$code"
  fi
}

# Sets $hundredths to the time since the host's boot.
clock() {
  read -r hundredths _ <"$proc/uptime"
  hundredths=${hundredths%.*}${hundredths#*.}
}

# Becomes the program in the machine. Of the host's programs nsenter is the last, and a process is seen in the machine
# only once it has entered all of it.
enter() {
  # shellcheck disable=SC2086 # No namespace is no word, and the shell may be two.
  exec "$@" --mount=ns/mnt --uts=ns/uts --ipc=ns/ipc --pid=ns/pid --cgroup=ns/cgroup $net "--wdns=$directory" -- \
    $shell
}

# As a user of the machine's that is not root, by its number on the host. The three capabilities let it in, and end with
# the entry: who changes its user namespace has those of the new one alone, and none after execve(2). Programs with
# the setuid bit give it none either.
enter_as_user() {
  capabilities=+sys_admin,+sys_chroot,+sys_ptrace
  enter "$bin/setpriv" "--reuid=$uid" "--regid=$gid" "$groups" --reset-env --no-new-privs "--inh-caps=$capabilities" \
    "--ambient-caps=$capabilities" -- "$bin/nsenter" --preserve-credentials --user=ns/user
}

# As root of the machine, who is to have the capabilities of the program and no others: the set can only be bounded
# between the entries to the user namespace and to the rest.
enter_as_root() {
  enter "$bin/nsenter" --user=ns/user -- "$bin/setpriv" "$groups" --reset-env "--bounding-set=$bounds" -- "$bin/nsenter"
}

# Becomes the program that asks. Its working directory is the machine's program in /proc.
probe() {
  # So that the machine's limits count, and that all of it can be ended at once.
  echo 0 >"$group/cgroup.procs"
  case $kind in
    command)
      exec <"$input"
      if [ -n "$bounds" ]; then enter_as_root; else enter_as_user; fi
      ;;
    tcp)
      # Its nc has no -z: what it would run with the connection ends at once.
      for address in 127.0.0.1 ::1; do
        # shellcheck disable=SC2086
        "$bin/nsenter" $net -- "$busybox" nc "$address" "$port" -e "$busybox" true && exit
      done
      exit 1
      ;;
    http)
      # Open for both, so that it has no end: some servers give up on a client that has.
      exec 4<>"$run/$name.request"
      printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1:%s\r\nUser-Agent: mbctl\r\nConnection: close\r\n\r\n' "$path" "$port" >&4
      # shellcheck disable=SC2086
      "$bin/nsenter" $net -- "$busybox" nc 127.0.0.1 "$port" <&4 | {
        IFS= read -r line
        printf '%s\n' "$line"
        case $line in HTTP/*' '[23][0-9][0-9]*) exit 0 ;; esac
        exit 1
      }
      ;;
  esac
}

# True when the number is still that of the machine's program. The working directory holds on to the process: what is
# opened below it later cannot be another's that got its number.
hold() {
  [ -n "$app" ] && cd "$proc/$app" 2>/dev/null || return
  while IFS= read -r line; do
    case $line in 0::*"/systemd-nspawn@$name.service/"*) return 0 ;; esac
  done 2>/dev/null <cgroup
  return 1
}

end_probe() {
  echo 1 >"$group/cgroup.kill"
}

# Asks once. Sets $code: 0 is well. False: the program is no more.
ask() {
  hold || return
  exec 3<>"$run/$name.answer"
  # Its process is not among those of the unit.
  trap 'end_probe; exit 1' TERM
  # tail reads to the end however much there is, and keeps little of it.
  {
    (
      exec 2>&1 3>&-
      probe
    )
    echo "$?" >&3
    # The shell itself would say of a probe that it was killed.
  } </dev/null 2>/dev/null | tail -c 4096 >"$run/.$name.output" 3>&- &
  # shellcheck disable=SC3045 # busybox's read has -t
  if read -r -t "$timeout" code <&3; then
    end_probe
    wait
  else
    end_probe
    read -r code <&3
    wait
    code=124
    echo "no answer in $timeout s" >>"$run/.$name.output"
  fi
  exec 3>&-
  # Its time is when the machine was asked. Nothing written is the common case, and costs no child.
  if [ -s "$run/.$name.output" ]; then
    mv -f "$run/.$name.output" "$run/$name.output"
  else
    : >"$run/$name.output"
  fi
}

check() {
  # shellcheck source=/dev/null
  [ ! -e "$run/$name.app" ] || . "$run/$name.app"
  case $STATE in healthy | unhealthy) ;; *) app= ;; esac
  if ! ask; then
    # It was not asked since its start. Away from here, as most checks need not read it.
    # shellcheck source=/dev/null
    . "$root/var/lib/mbctl/start_health.sh"
    start
  elif [ "$code" = 0 ]; then
    become_healthy
  elif [ $((STREAK + 1)) -ge "$retries" ]; then
    become_unhealthy $((STREAK + 1)) "$((STREAK + 1)) failures in a row, the last with exit code $code"
  else
    keep "$STATE" $((STREAK + 1)) "$code"
  fi
}

# load NAME: what was asked and answered last.
load() {
  name=$1
  app='' group='' uid='' gid='' groups='' bounds='' net='' input=''
  # shellcheck disable=SC2034 # start_health.sh uses them.
  kind='' busybox='' port='' path='' directory='' process=2 shell='/man8s-init/busybox sh'
  # shellcheck disable=SC2034
  timeout='' patience=0 longest=0 retries=1 on_failure=none
  STATE='' STREAK=0 EXIT='' SINCE='' MAIN=''
  # shellcheck source=/dev/null
  [ ! -e "$settings/$name.conf" ] || . "$settings/$name.conf"
  # shellcheck source=/dev/null
  [ ! -e "$run/$name.state" ] || . "$run/$name.state"
}

# Sets $main to the machine's systemd-nspawn: 0 when it does not run.
find_main() {
  main=$("$bin/systemctl" show --property=MainPID --value "systemd-nspawn@$name.service")
}

await() {
  find_main
  while :; do
    case $MAIN/$STATE in
      "$main/healthy") return 0 ;;
      "$main/unhealthy") break ;;
    esac
    sleep 0.2
    load "$name"
  done
  echo "The machine $name is unhealthy: mbctl machines show $name" >&2
  return 1
}

# A machine without a check of its own is well when it runs.
require() {
  for needed; do
    load "$needed"
    find_main
    if [ "$main" = 0 ]; then
      STATE='not running'
    elif [ -z "$kind" ]; then
      continue
    elif [ "$MAIN" != "$main" ]; then
      STATE=starting
    fi
    [ "$STATE" != healthy ] || continue
    echo "The machine $name, on which this one depends, is $STATE: mbctl machines show $name" >&2
    exit 1
  done
}

mode=$1
shift
case $mode in
  check | await)
    load "$1"
    "$mode"
    ;;
  require) require "$@" ;;
esac
