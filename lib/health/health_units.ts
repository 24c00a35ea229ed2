/**
 * The units that check a machine's health, for systemd 252 and later.
 *
 * @module
 */

import { formatUnitFile, type UnitItem } from "../nspawn/unit_file.ts";
import { unitBlank, unitComment, unitEntry, unitSection } from "../nspawn/unit_file.ts";
import type { HealthCheck } from "../spec/health_check.ts";
import { type MachineName, machineUnit } from "../spec/machine_name.ts";
import { healthScript } from "./health_paths.ts";
import { startPatienceMs } from "./probe_files.ts";
import { healthUnit } from "./unit_names.ts";

const rendered = "Rendered by mbctl from machine.toml and the image's configuration.";

const identifier = "mbctl-health";

/** For what the script does beside the probe itself: the machine's init, and ending what hangs. */
const slackSec = 30;

/**
 * What systemd-nspawn's own filter keeps from a machine, for a command that comes from outside does not run under
 * it (nspawn-seccomp.c). Keyrings, for instance, know no namespaces.
 */
const forbidden =
  "~@keyring @clock @module @raw-io @reboot @swap @obsolete bpf perf_event_open open_by_handle_at";

/** Renders `mbctl-healthy_NAME.service`: its start ends when the machine is well; of one without a check, when it runs. */
export function renderHealthyUnit(
  name: MachineName,
  check: HealthCheck | undefined,
  busybox: string,
): string {
  const service = [
    unitBlank(),
    unitSection("Service"),
    unitComment("Not active for good: who is started later waits anew."),
    unitEntry("Type", "oneshot"),
  ];
  const unit = head(name, `Waits until the machine ${name} is well`);
  if (check === undefined)
    return formatUnitFile([...unit, ...service, unitEntry("ExecStart", "true")]);
  return formatUnitFile([
    ...unit,
    unitEntry("Wants", wants(name)),
    ...service,
    unitEntry("ExecStart", scriptLine(busybox, "await", name)),
    unitComment("By then it is well, or is not going to be."),
    unitEntry("TimeoutStartSec", longest(check)),
    unitEntry("SyslogIdentifier", identifier),
  ]);
}

/** Renders `mbctl-health_NAME.service`: one check; the first one goes on until the machine is well. */
export function renderHealthService(
  name: MachineName,
  check: HealthCheck,
  busybox: string,
): string {
  const { kind } = check.probe;
  return formatUnitFile([
    ...head(name, `Health of the machine ${name}`),
    unitBlank(),
    unitSection("Service"),
    unitComment("No job that the host's own start would wait for."),
    unitEntry("Type", "exec"),
    unitEntry("ExecStart", scriptLine(busybox, "check", name)),
    unitEntry("RuntimeMaxSec", longest(check)),
    unitComment("systemd would write three lines for each check."),
    unitEntry("LogLevelMax", "notice"),
    unitEntry("SyslogIdentifier", identifier),
    unitComment("A probe is to find it as any program does."),
    unitEntry("IgnoreSIGPIPE", "no"),
    ...(kind === "command" || kind === "shell"
      ? [
          unitComment("As systemd-nspawn does for the machine's own programs."),
          unitEntry("SystemCallFilter", forbidden),
          unitEntry("SystemCallErrorNumber", "EPERM"),
        ]
      : []),
  ]);
}

/** Renders `mbctl-health_NAME.timer`: from one check to the next, for as long as the machine runs. */
export function renderHealthTimer(name: MachineName, { intervalMs }: HealthCheck): string {
  return formatUnitFile([
    ...head(name, `Health checks of the machine ${name}`),
    unitComment("timers.target would wait for the machine otherwise."),
    unitEntry("DefaultDependencies", "no"),
    unitEntry("Conflicts", "shutdown.target"),
    unitEntry("Before", "shutdown.target"),
    unitBlank(),
    unitSection("Timer"),
    unitComment("The machine starts the first one itself."),
    unitEntry("OnUnitInactiveSec", `${intervalMs}ms`),
    unitComment("Checks of several machines may share a wake-up."),
    unitEntry("AccuracySec", `${Math.min(1000, Math.ceil(intervalMs / 10))}ms`),
  ]);
}

/** What a machine's own unit has to know of health. */
export interface HealthDropIn {
  readonly name: MachineName;
  /** Whether a health check starts with it. */
  readonly hasCheck: boolean;
  /** Machines that must be well before it starts. */
  readonly depends: readonly MachineName[];
}

/** Renders the drop-in of the machine's unit; undefined when there is nothing to say. */
export function renderHealthDropIn(
  { name, hasCheck, depends }: HealthDropIn,
  busybox: string,
): string | undefined {
  if (!hasCheck && depends.length === 0) return undefined;
  return formatUnitFile([
    unitComment(rendered),
    unitSection("Unit"),
    ...(hasCheck ? [unitEntry("Wants", wants(name))] : []),
    ...(depends.length > 0
      ? [
          unitComment("Stops before them, also when they never became well."),
          unitEntry("After", depends.map(machineUnit).join(" ")),
          unitBlank(),
          unitSection("Service"),
          unitComment(
            "50-mbctl.conf has it wait for these machines. Here it learns how they turned out: no start before all are well.",
          ),
          unitEntry("ExecStartPre", scriptLine(busybox, "require", ...depends)),
        ]
      : []),
  ]);
}

function head(name: MachineName, description: string): UnitItem[] {
  const machine = machineUnit(name);
  return [
    unitComment(rendered),
    unitSection("Unit"),
    unitEntry("Description", description),
    unitEntry("BindsTo", machine),
    unitEntry("After", machine),
  ];
}

/** The units that ask a machine. */
function wants(name: MachineName): string {
  return `${healthUnit(name)}.service ${healthUnit(name)}.timer`;
}

/** How long a machine may take to become well, and more. */
function longest(check: HealthCheck): string {
  return `${Math.ceil((startPatienceMs(check) + check.timeoutMs) / 1000) + slackSec}s`;
}

function scriptLine(busybox: string, ...words: readonly string[]): string {
  return `${busybox} sh ${healthScript} ${words.join(" ")}`;
}
