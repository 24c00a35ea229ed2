/**
 * Restart policies in a machine's unit (systemd.service(5)).
 *
 * systemd's own limit of starts counts starts by hand too, and then refuses them: it is off, and a script counts
 * instead. A unit that is stopped by systemctl is never restarted.
 *
 * @module
 */

import type { RestartPolicy } from "../spec/restart_policy.ts";
import { execShell } from "./exec_shell.ts";
import { type UnitItem, unitComment, unitEntry } from "./unit_file.ts";

/** Brought RestartSteps= and RestartMaxDelaySec=. */
const BACKOFF_SINCE = 254;

/** The lines of `[Unit]`. */
export function restartUnitItems({ when }: RestartPolicy): UnitItem[] {
  return when === "no" ? [] : [unitEntry("StartLimitIntervalSec", "0")];
}

/** The lines of `[Service]`. */
export function restartItems(policy: RestartPolicy, systemdVersion: number): UnitItem[] {
  const { when } = policy;
  if (when === "no") return [];
  const delay =
    systemdVersion < BACKOFF_SINCE
      ? [unitEntry("RestartSec", "2s")]
      : [
          unitEntry("RestartSec", "500ms"),
          unitEntry("RestartSteps", "6"),
          unitEntry("RestartMaxDelaySec", "30s"),
        ];
  return [
    unitComment("A machine that was stopped by hand stays so."),
    unitEntry("Restart", when === "on-failure" ? "on-failure" : "always"),
    ...delay,
  ];
}

/** What is done in `[Service]` when the machine has ended; it must stand before other ExecStopPost= lines. */
export function endItems({ when, retries }: RestartPolicy): UnitItem[] {
  if (when === "no") return [];
  return [...(retries === undefined ? [] : giveUpItems(retries)), ...forgetItems()];
}

function giveUpItems(retries: number): UnitItem[] {
  return [
    unitComment(
      `Gives up after ${retries} restarts. Only before the unit is down can systemd be told so, by a stop that is not waited for.`,
    ),
    unitEntry("ExecStopPost", `-${execShell(giveUpScript(retries), "mbctl-restart")}`),
  ];
}

/** machined lets go of a name only when the unit is down, which a unit that is to be restarted never is. */
function forgetItems(): UnitItem[] {
  const machined = ["org.freedesktop.machine1", "/org/freedesktop/machine1"];
  const script = [
    `busctl call ${machined.join(" ")} org.freedesktop.machine1.Manager UnregisterMachine s %i 2>/dev/null`,
    "exit 0",
  ];
  return [
    unitComment(
      "A systemd-nspawn that was killed is still registered, and the next one would be refused.",
    ),
    unitEntry("ExecStopPost", execShell(script, "mbctl-restart")),
  ];
}

function giveUpScript(retries: number): string[] {
  const unit = "systemd-nspawn@%i.service";
  return [
    '[ "$SERVICE_RESULT" != success ] || exit 0',
    `n=$(systemctl show -P NRestarts ${unit})`,
    `[ "$n" -ge ${retries} ] || exit 0`,
    // A stop or restart by hand is under way: ours would take its place.
    `case " $(systemctl list-jobs --no-legend --plain ${unit}) " in *" stop "*|*" restart "*) exit 0;; esac`,
    `echo "mbctl: gives up after ${retries} restarts; systemctl start ${unit} tries again" >&2`,
    `systemctl stop --no-block ${unit}`,
  ];
}
