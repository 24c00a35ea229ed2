/**
 * The scripts by which a machine's unit stops it, and clears away after it.
 *
 * @module
 */

import { type SignalName, signalNumber } from "../signal.ts";

/** For nspawn itself to go once its program is gone. */
export const TEARDOWN_SEC = 5;

/** An init that does not listen by then never does: it is no systemd. */
const LISTEN_SEC = 5;

const pollsPerSecond = 20;

/** A shell function: the child of process $1 that is number $2 in the machine. */
const findChild =
  `child() { for p in $(cat /proc/$1/task/*/children 2>/dev/null); do ` +
  `case $(grep ^NSpid: /proc/$p/status 2>/dev/null) in *[!0-9]$2) echo $p; return;; esac; done; }`;

/** `kill` of dash and busybox knows the names of the plain signals only, so real-time ones go by number. */
function killArgument(signal: SignalName): string {
  return signal.startsWith("SIGRT") ? `-${signalNumber(signal)}` : `-s ${signal.slice(3)}`;
}

/**
 * /proc/PID/task/TID/children and NSpid: proc(5); the last number of NSpid is the pid inside the innermost namespace.
 *
 * @param isPatient whether process 2 is waited for. systemd-nspawn says that it is ready before there is one, and on a
 * stop then does nothing until it is killed.
 */
export function stopScript(signal: SignalName, timeoutSec: number, isPatient: boolean): string[] {
  const wait = (pid: string, seconds: number) =>
    `n=0; while kill -0 ${pid} 2>/dev/null && [ $n -lt ${seconds * pollsPerSecond} ]; do sleep 0.05; n=$((n+1)); done`;
  return [
    `[ -n "$MAINPID" ] || exit 0`,
    findChild,
    ...(isPatient
      ? [
          `n=0; while init=$(child $MAINPID 1); app=$(child "$init" 2); ` +
            `[ -z "$app" ] && kill -0 $MAINPID 2>/dev/null && [ $n -lt ${2 * pollsPerSecond} ]; do sleep 0.05; n=$((n+1)); done`,
        ]
      : [`init=$(child $MAINPID 1)`, `app=$(child "$init" 2)`]),
    `[ -n "$app" ] || exit 0`,
    `kill ${killArgument(signal)} $app 2>/dev/null`,
    wait("$app", timeoutSec),
    `kill -s KILL $app 2>/dev/null`,
    wait("$MAINPID", TEARDOWN_SEC),
    "exit 0",
  ];
}

/**
 * Waits for a whole system's process 1 to listen to SIGRTMIN+3 (systemd(1), "Signals"): a process 1 that neither blocks nor
 * handles a signal does not get it (pid_namespaces(7)). systemd blocks it, and reads it by signalfd(2).
 *
 * Then ends who entered it from the host: nsenter(1) stops with its child, which systemd-shutdown(8) stops and kills, and while
 * nobody has seen the child's end process 1 cannot end. The child stays, as one of the machine's own.
 */
export function listenScript(): string[] {
  // Bit 36 is that of signal 37: the tenth digit from the right is odd.
  const listens = "^Sig(Blk|Cgt):[[:space:]]*[0-9a-f]*[13579bdf][0-9a-f]{9}$";
  return [
    `[ -n "$MAINPID" ] || exit 0`,
    findChild,
    `n=0; while init=$(child $MAINPID 1); ! grep -Eqs "${listens}" /proc/$init/status && ` +
      `kill -0 $MAINPID 2>/dev/null && [ $n -lt ${LISTEN_SEC * pollsPerSecond} ]; do sleep 0.05; n=$((n+1)); done`,
    // Its one number is the host's: it is in no PID namespace of the machine.
    "p=/sys/fs/cgroup$(sed -n s/^0:://p /proc/$MAINPID/cgroup)",
    `for q in $(find \${p%/supervisor}/payload -name cgroup.procs -exec cat {} +); do ` +
      `if grep -Eqs "^NSpid:[[:space:]]*[0-9]+$" /proc/$q/status; then kill -s KILL $q; fi; done`,
    "exit 0",
  ];
}

/** What nspawn itself takes away when it ends in order (nspawn.c, unix-export; gone again by 262). */
export function cleanUpScript(): string[] {
  return [
    "d=/run/systemd/nspawn/unix-export/%i",
    "[ -d $d ] || exit 0",
    "umount -l $d 2>/dev/null",
    "rmdir $d 2>/dev/null",
    "exit 0",
  ];
}
