# shellcheck shell=dash
# The part of check_health.sh that begins with a machine's start: it finds the machine's program, writes down how to
# enter the machine as that program's user, and asks until the machine is well.
# shellcheck disable=SC2034,SC2154 # One program with check_health.sh, which reads this file.

# The last number of a line of NSpid: is the innermost (proc_pid_status(5)).
innermost() {
  number=
  while read -r key values; do
    [ "$key" != NSpid: ] || number=${values##*[!0-9]}
  done 2>/dev/null <"$proc/$1/status"
}

# child PID NUMBER: sets $found to the child that has this number in the machine.
child() {
  found=
  children=
  read -r children 2>/dev/null <"$proc/$1/task/$1/children"
  for candidate in $children; do
    innermost "$candidate"
    [ "$number" != "$2" ] || found=$candidate
  done
  [ -n "$found" ]
}

# Sets $app; false while man8s-init is at work in its place.
find_app() {
  child "$MAIN" 1 || return
  if [ "$process" = 2 ]; then child "$found" 2 || return; fi
  app=$found
  line=
  read -r line 2>/dev/null <"$proc/$app/cmdline"
  case $line in '' | /man8s-init/busybox* | ./man8s-init/busybox*) return 1 ;; esac
}

# host_id uid|gid ID: sets $id to what the machine's user or group is on the host (user_namespaces(7)).
host_id() {
  id=
  while read -r inner outer count; do
    [ "$2" -lt "$inner" ] || [ "$2" -ge $((inner + count)) ] || id=$((outer + $2 - inner))
  done <"$1_map"
  [ -n "$id" ]
}

# The other way round.
inner_id() {
  id=
  while read -r inner outer count; do
    [ "$2" -lt "$outer" ] || [ "$2" -ge $((outer + count)) ] || id=$((inner + $2 - outer))
  done <"$1_map"
  [ -n "$id" ]
}

# Sets $identity to who man8s-init made the program: the program may have become another since. By the numbers of the
# machine: uid, gid, other groups. One that has no man8s-init, or an older one, is what it is now.
find_identity() {
  # The busybox is the machine's to replace: it gets nothing of the host either.
  identity=$(
    {
      echo 0 >"$group/cgroup.procs"
      # shellcheck disable=SC2086 # No namespace is no word.
      exec "$bin/nsenter" --mount=ns/mnt --uts=ns/uts --ipc=ns/ipc --pid=ns/pid --cgroup=ns/cgroup $net --user=ns/user -- \
        /man8s-init/busybox cat /run/man8s-init/identity 2>/dev/null
    } | head -c 1000
  )
  end_probe
  case $identity in
    *[!0-9\ ]* | '') ;;
    [0-9]*' '[0-9]*) return ;;
  esac
  while read -r key first others; do
    case $key in
      Uid:) inner_id uid "$first" && identity=$id ;;
      Gid:) inner_id gid "$first" && identity="$identity $id" ;;
      Groups:) for value in $first $others; do inner_id gid "$value" && identity="$identity $id"; done ;;
    esac
  done <status
}

# Sets $uid, $gid, $groups and $bounds for the entry.
find_entry() {
  find_identity
  # shellcheck disable=SC2086
  set -- $identity
  # 00 would be root by another name.
  for value; do
    case $value in 0 | [1-9] | [1-9][0-9]*) [ "${#value}" -le 10 ] || return ;; *) return 1 ;; esac
  done
  list=
  bounds=
  if [ "$1" = 0 ]; then
    find_bounds || return
    shift 2
    for value; do list="$list,$value"; done
  else
    host_id uid "$1" && uid=$id || return
    host_id gid "$2" && gid=$id || return
    shift 2
    for value; do host_id gid "$value" && list="$list,$id"; done
  fi
  groups=--clear-groups
  [ -z "$list" ] || groups=--groups=${list#,}
}

# Sets $bounds to the program's bounding set (capabilities(7)), as setpriv takes it.
find_bounds() {
  while read -r key set; do
    [ "$key" != CapBnd: ] || break
  done <status
  bounds=-all
  number=0
  while [ "$number" -lt 64 ]; do
    [ $((0x$set >> number & 1)) = 0 ] || bounds=$bounds,+cap_$number
    number=$((number + 1))
  done
  # CAP_SYS_CHROOT and CAP_SYS_ADMIN, by which nsenter changes its mounts (setns(2)).
  case $bounds, in
    *,+cap_18,*+cap_21,*) return 0 ;;
  esac
  echo 'a command cannot be run as root in a machine without CAP_SYS_ADMIN and CAP_SYS_CHROOT: ask by http or tcp' >"$run/$name.output"
  return 1
}

# The program's environment as lines of sh. What the shell itself sets, and names that are none for a shell, are left out.
environment() {
  tr '\n\000' '\001\n' <environ | sed -nE "
    /^[A-Za-z_][A-Za-z0-9_]*=/!d
    /^(IFS|OPTIND|LINENO|RANDOM|PPID|PWD|OLDPWD|SHLVL|FUNCNAME|EPOCH[A-Z]*|HIST[A-Z]*|PS[0-9])=/d
    s/'/'\\\\''/g; s/=/='/; s/\$/'/; s/^/export /; p" | tr '\001' '\n'
}

# All that a command needs, once for each start of the machine: a check has no time to look for it.
prepare() {
  rm -f "$run/$name.probe" "$run/$name.answer"
  mkfifo "$run/$name.answer"
  hold || return
  uid='' gid='' groups='' bounds='' net='' input=''
  [ ns/net -ef "$proc/self/ns/net" ] || net=--net=ns/net
  if [ "$kind" = command ]; then
    if [ ns/user -ef "$proc/self/ns/user" ]; then
      echo 'a command can be run only in a machine with users of its own (PrivateUsers=)' >"$run/$name.output"
      return 1
    fi
    find_entry || return
    # A variable may be a secret: it lies where those of the machine do, which is never swapped out.
    input=$root/run/mbctl/secrets/$name
    if [ -d "$input" ]; then input=$input/.probe; else input=$run/$name.probe; fi
    {
      echo 'unset TERM SHELL HOME USER LOGNAME PATH'
      environment
      cat "$settings/$name.sh"
    } >"$input"
  elif [ "$kind" = http ]; then
    rm -f "$run/$name.request"
    mkfifo "$run/$name.request"
  fi
  printf '%s\n' "app=$app" "group=$group" "uid=$uid" "gid=$gid" "groups=$groups" "bounds=$bounds" "net=$net" "input=$input" >"$run/$name.app"
}

# Until the machine is well: soon after its start, then less and less often. It is unhealthy when the start period and
# so many intervals are over as failures are allowed.
start() {
  mkdir -p "$run"
  find_main
  [ "$main" != 0 ] || return
  MAIN=$main STATE=''
  : >"$run/$name.output"
  keep starting 0 ''
  clock
  end=$((hundredths + patience))
  until find_app; do
    clock
    [ "$hundredths" -lt "$end" ] || break
    sleep 0.05
  done
  group=$root/sys/fs/cgroup$("$bin/systemctl" show --property=ControlGroup --value "systemd-nspawn@$name.service")/mbctl-health
  mkdir -p "$group"
  code=1
  pause=20
  if prepare; then
    while :; do
      clock
      before=$hundredths
      # Where it has ended there is nothing to say.
      ask || return
      [ "$code" != 0 ] || break
      clock
      [ "$hundredths" -lt "$end" ] || break
      # No busier with a slow probe than with a quick one.
      [ "$pause" -ge $((hundredths - before)) ] || pause=$((hundredths - before))
      [ "$pause" -le "$longest" ] || pause=$longest
      sleep "$((pause / 100)).$((pause / 10 % 10))$((pause % 10))"
      pause=$((pause * 3 / 2))
    done
  fi
  if [ "$code" = 0 ]; then
    become_healthy
  elif [ -d "$proc/$MAIN" ]; then
    become_unhealthy "$retries" "not well once since its start"
  fi
}
