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
import type { SignalName } from "../signal.ts";
import type { Device } from "../spec/device.ts";
import type { Limits } from "../spec/limits.ts";
import { noRestart, type RestartPolicy } from "../spec/restart_policy.ts";
import { execShell } from "./exec_shell.ts";
import { OLDEST_SYSTEMD } from "./keys.ts";
import { type SecretCredential, secretServiceItems, secretUnitConditions } from "./secret_unit.ts";
import { deviceCleanUp, deviceItems } from "./unit_devices.ts";
import {
  formatUnitFile,
  type UnitItem,
  unitBlank,
  unitComment,
  unitEntry,
  unitSection,
} from "./unit_file.ts";
import { limitItems } from "./unit_limits.ts";
import { endItems, restartItems, restartUnitItems } from "./unit_restart.ts";
import { innerVolumeItems } from "./unit_volumes.ts";
import { cleanUpScript, listenScript, stopScript, TEARDOWN_SEC } from "./unit_stop.ts";

export interface UnitDropInSettings {
  /** What the image wants to be stopped by; undefined: a whole system, which shuts itself down. */
  readonly stopSignal: SignalName | undefined;
  /** How long the program or the system may take before it gets SIGKILL, in whole seconds. */
  readonly stopTimeoutSec: number;
  /** Wait for this network interface before the start: at boot, networkd may still be making the bridge. */
  readonly bridge?: string | undefined;
  /** An nft script that is loaded before the machine has a network, and without which it does not start. */
  readonly firewall?: string | undefined;
  /** As `bridge`, for the parent of a macvlan; with `vlan` (1 to 4094) the interface `PARENT.VLAN` is made on it where it is missing. */
  readonly macvlan?: { readonly parent: string; readonly vlan?: number | undefined } | undefined;
  readonly secrets?: readonly SecretCredential[] | undefined;
  /** Major version of systemd: newer keys are written only where they are known. */
  readonly systemdVersion?: number | undefined;
  /** Units that must be up before the machine starts, and are started with it. */
  readonly depends?: readonly string[] | undefined;
  readonly restart?: RestartPolicy | undefined;
  /** Those of the unit; the disk's is the tree's. */
  readonly limits?: Limits | undefined;
  readonly devices?: readonly Device[] | undefined;
  /** The folders of the host that volumes bind. */
  readonly volumeSources?: readonly string[] | undefined;
  /** A folder that gets a copy of all drop-ins of the unit at each start; its grandparent is the machine's configuration. */
  readonly dropInCopies?: string | undefined;
}

/** The name under which the shell runs that keeps a copy of the drop-ins; it ends the value of its entry. */
export const KEEP_NAME = "mbctl-keep";
/** How long podman and docker wait before they kill. */
export const DEFAULT_STOP_TIMEOUT_SEC = 10;
/** How long a start waits for an interface; then nspawn says itself what is missing. */
const INTERFACE_WAIT_SEC = 5;

/** Renders the whole drop-in. */
export function renderUnitDropIn(settings: UnitDropInSettings): string {
  const { stopSignal, stopTimeoutSec, bridge, firewall, macvlan, dropInCopies } = settings;
  const { restart = noRestart, limits = {}, devices = [], secrets = [] } = settings;
  // An older mbctl's drop-in has neither: read_unit.ts must know it again.
  const isPatient = dropInCopies !== undefined;
  if (!Number.isInteger(stopTimeoutSec) || stopTimeoutSec < 1) {
    throw new RangeError(`stopTimeoutSec is ${stopTimeoutSec}`);
  }
  const items: UnitItem[] = [
    unitComment("Rendered by mbctl beside the machine's nspawn file; removed with the machine."),
    unitBlank(),
    ...unitItems(settings),
    unitSection("Service"),
  ];
  if (dropInCopies !== undefined) {
    items.push(
      unitComment(
        "Keeps a copy of this unit's drop-ins with the machine's configuration, which alone must rebuild it.",
      ),
      unitEntry("ExecStartPre", `-${execShell(copyScript(dropInCopies), KEEP_NAME)}`),
    );
  }
  if (stopSignal === undefined) items.push(...inotifyItems());
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
    ...innerVolumeItems(settings.volumeSources ?? []),
    ...secretServiceItems(secrets),
    ...deviceItems(devices),
    ...limitItems(limits),
    ...restartItems(restart, settings.systemdVersion ?? OLDEST_SYSTEMD),
    ...(stopSignal === undefined
      ? systemStopItems()
      : [
          unitComment(
            `Stop: ${stopSignal} to the program (process 2 of the machine), SIGKILL after ${stopTimeoutSec} s. This line also
runs after the program has ended by itself: MAINPID is empty then, and there is nothing to do.`,
          ),
          unitEntry(
            "ExecStop",
            execShell(stopScript(stopSignal, stopTimeoutSec, isPatient), "mbctl-stop"),
          ),
        ]),
    unitEntry("TimeoutStopSec", String(stopTimeoutSec + 2 * TEARDOWN_SEC)),
    unitBlank(),
    ...endItems(restart),
    ...deviceCleanUp(devices),
    unitComment(
      "A systemd-nspawn that was killed leaves a mount behind with which systemd 257 refuses the next start.",
    ),
    unitEntry("ExecStopPost", execShell(cleanUpScript(), "mbctl-clean")),
  );
  return formatUnitFile(items);
}

/** The kernel's own limit of inotify instances for each user is 128 (inotify(7)); each systemd takes a dozen of root's. */
const INOTIFY_INSTANCES = 8192;

/** What machines take counts as their maker's, root's, also where they have users of their own. */
function inotifyItems(): UnitItem[] {
  const file = "/proc/sys/fs/inotify/max_user_instances";
  const raise = `f=${file}; [ $(cat $f) -ge ${INOTIFY_INSTANCES} ] || echo ${INOTIFY_INSTANCES} >$f`;
  return [
    unitComment(
      "All whole systems of a host share root's inotify instances: a few of them would use up the kernel's 128.",
    ),
    unitEntry("ExecStartPre", `-${execShell([raise], "mbctl-start")}`),
  ];
}

/** systemd-nspawn itself asks a whole system to shut down, by KillSignal= of the nspawn file. */
function systemStopItems(): UnitItem[] {
  return [
    unitComment(`Stop: systemd-nspawn asks the machine's systemd to shut down. In the first moment after a start that one
would not hear of it, so this line waits until it listens. It also ends who entered the machine by nsenter, which
would stand still with it.`),
    unitEntry("ExecStop", execShell(listenScript(), "mbctl-stop")),
  ];
}

/** The whole section `[Unit]`; none where nothing is to be said in it. */
function unitItems({ secrets = [], depends = [], restart = noRestart }: UnitDropInSettings) {
  const needed = depends.join(" ");
  const items = [
    ...secretUnitConditions(secrets),
    ...(depends.length === 0
      ? []
      : [
          unitComment("Starts when the machines that it needs are well."),
          unitEntry("Wants", needed),
          unitEntry("After", needed),
        ]),
    ...restartUnitItems(restart),
  ];
  return items.length === 0 ? [] : [unitSection("Unit"), ...items, unitBlank()];
}

/**
 * Nothing is written where nothing changed, as far as there is a diff(1) that says so. Not synced: what a power loss
 * leaves behind is mended by the next start.
 */
function copyScript(copies: string): string[] {
  return [
    "d=/etc/systemd/system/systemd-nspawn@%i.service.d",
    `c=${copies}`,
    "[ -d ${c%/*/*} ] || exit 0",
    "! diff -rq $d $c >/dev/null 2>&1 || exit 0",
    "mkdir -p -m 0700 ${c%/*} && rm -rf $c.new $c.old && cp -a $d $c.new || exit",
    "[ ! -e $c ] || mv $c $c.old",
    "mv $c.new $c && rm -rf $c.old",
  ];
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
