/**
 * The drop-in for one machine's unit:
 * `/etc/systemd/system/systemd-nspawn@NAME.service.d/50-mbctl.conf`.
 *
 * The stock unit (systemd 252 to 262) stops a machine by SIGTERM to systemd-nspawn, which passes KillSignal= on to
 * its stub process 1. The stub ignores all signals but a few of its own, so the image's StopSignal never
 * reaches the program. ExecStop= below sends it to process 2 and waits.
 *
 * The stock RestartForceExitStatus=133 stays: nspawn exits so only when the machine was rebooted (`machinectl
 * reboot`). A program's own exit status 133 it turns into 1, all others it passes on; death by a signal is 255.
 *
 * @module
 */
import { usageError } from "../errors.ts";
import { type SignalName, signalNumber } from "../signal.ts";
import { execShell } from "./exec_shell.ts";
import {
  formatUnitFile,
  type UnitItem,
  unitBlank,
  unitComment,
  unitEntry,
  unitSection,
} from "./unit_file.ts";

export interface UnitDropInSettings {
  /** What the image wants to be stopped by. */
  readonly stopSignal: SignalName;
  /** How long the program may take before it gets SIGKILL, in whole seconds. */
  readonly stopTimeoutSec: number;
  /** Wait for this network interface before the start: at boot, networkd may still be making the bridge. */
  readonly bridge?: string | undefined;
  /** An nft script that is loaded before the machine has a network, and without which it does not start. */
  readonly firewall?: string | undefined;
  /** As `bridge`, for the parent of a macvlan; with `vlan` (1 to 4094) the interface `PARENT.VLAN` is made on it where it is missing. */
  readonly macvlan?: { readonly parent: string; readonly vlan?: number | undefined } | undefined;
}

/** How long podman and docker wait before they kill. */
export const DEFAULT_STOP_TIMEOUT_SEC = 10;
/** For nspawn itself to go once its program is gone. */
const TEARDOWN_SEC = 5;
/** How long a start waits for an interface; then nspawn says itself what is missing. */
const INTERFACE_WAIT_SEC = 5;

/** Renders the whole drop-in. */
export function renderUnitDropIn(settings: UnitDropInSettings): string {
  const { stopSignal, stopTimeoutSec, bridge, firewall, macvlan } = settings;
  if (!Number.isInteger(stopTimeoutSec) || stopTimeoutSec < 1) {
    throw new RangeError(`stopTimeoutSec is ${stopTimeoutSec}`);
  }
  const items: UnitItem[] = [
    unitComment("Rendered by mbctl beside the machine's nspawn file; removed with the machine."),
    unitBlank(),
    unitSection("Service"),
  ];
  if (bridge !== undefined) {
    items.push(
      unitComment(
        `At boot the bridge may come a moment later than this unit; wait up to ${INTERFACE_WAIT_SEC} s for it.`,
      ),
      unitEntry("ExecStartPre", execShell(waitScript(bridge, "bridge"), "mbctl-start")),
    );
  }
  if (firewall !== undefined) {
    items.push(
      unitComment(
        "In place before the machine's first packet, also where somebody flushed all rules: without it, no start.",
      ),
      unitEntry("ExecStartPre", `nft -f ${firewall}`),
    );
  }
  if (macvlan !== undefined) {
    const { parent, vlan } = macvlan;
    const isTagged = vlan === undefined ? "" : `, and makes its VLAN ${vlan} where it is missing`;
    items.push(
      unitComment(
        `Waits up to ${INTERFACE_WAIT_SEC} s for the interface that the machine hangs on${isTagged}.`,
      ),
      unitEntry(
        "ExecStartPre",
        execShell(
          [
            ...waitScript(parent, "parent interface"),
            ...(vlan === undefined ? [] : vlanScript(parent, vlan)),
          ],
          "mbctl-start",
        ),
      ),
    );
  }
  items.push(
    unitComment(
      `Stop: ${stopSignal} to the program (process 2 of the machine), SIGKILL after ${stopTimeoutSec} s. This line also
runs after the program has ended by itself: MAINPID is empty then, and there is nothing to do.`,
    ),
    unitEntry("ExecStop", execShell(stopScript(stopSignal, stopTimeoutSec), "mbctl-stop")),
    unitEntry("TimeoutStopSec", String(stopTimeoutSec + 2 * TEARDOWN_SEC)),
    unitBlank(),
    unitComment(
      "A systemd-nspawn that was killed leaves a mount behind with which systemd 257 refuses the next start.",
    ),
    unitEntry("ExecStopPost", execShell(cleanUpScript(), "mbctl-clean")),
  );
  return formatUnitFile(items);
}

/** `kill` of dash and busybox knows the names of the plain signals only, so real-time ones go by number. */
function killArgument(signal: SignalName): string {
  return signal.startsWith("SIGRT") ? `-${signalNumber(signal)}` : `-s ${signal.slice(3)}`;
}

function waitScript(name: string, what: string): string[] {
  // The name becomes part of a shell script; the kernel would take far more (dev_valid_name()).
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/.test(name)) {
    throw usageError(
      `Cannot use ${JSON.stringify(name)} as the name of a ${what}: not 1 to 15 letters, digits, "_", "." and "-"`,
    );
  }
  return [
    "n=0",
    `while [ ! -e /sys/class/net/${name} ] && [ $n -lt ${INTERFACE_WAIT_SEC * 10} ]; do sleep 0.1; n=$((n+1)); done`,
  ];
}

/** ip-link(8). It stays when the machine stops: another one may hang on it. */
function vlanScript(parent: string, vlan: number): string[] {
  const device = `${parent}.${vlan}`;
  return [
    `[ -e /sys/class/net/${device} ] || ip link add link ${parent} name ${device} type vlan id ${vlan} || exit`,
    `ip link set ${device} up`,
  ];
}

/** What nspawn itself takes away when it ends in order (nspawn.c, unix-export; gone again by 262). */
function cleanUpScript(): string[] {
  return [
    "d=/run/systemd/nspawn/unix-export/%i",
    "[ -d $d ] || exit 0",
    "umount -l $d 2>/dev/null",
    "rmdir $d 2>/dev/null",
    "exit 0",
  ];
}

/** /proc/PID/task/TID/children and NSpid: proc(5); the last number of NSpid is the pid inside the innermost namespace. */
function stopScript(signal: SignalName, timeoutSec: number): string[] {
  const pollsPerSecond = 20;
  const wait = (pid: string, seconds: number) =>
    `n=0; while kill -0 ${pid} 2>/dev/null && [ $n -lt ${seconds * pollsPerSecond} ]; do sleep 0.05; n=$((n+1)); done`;
  return [
    `[ -n "$MAINPID" ] || exit 0`,
    `child() { for p in $(cat /proc/$1/task/*/children 2>/dev/null); do ` +
      `case $(grep ^NSpid: /proc/$p/status 2>/dev/null) in *[!0-9]$2) echo $p; return;; esac; done; }`,
    `init=$(child $MAINPID 1)`,
    `app=$(child "$init" 2)`,
    `[ -n "$app" ] || exit 0`,
    `kill ${killArgument(signal)} $app 2>/dev/null`,
    wait("$app", timeoutSec),
    `kill -s KILL $app 2>/dev/null`,
    wait("$MAINPID", TEARDOWN_SEC),
    "exit 0",
  ];
}
