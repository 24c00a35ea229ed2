/**
 * Health checks of an application, by a timer of its machine.
 *
 * @module
 */

import { startPatienceMs } from "../health/probe_files.ts";
import {
  formatUnitFile,
  type UnitItem,
  unitBlank,
  unitComment,
  unitEntry,
  unitSection,
} from "../nspawn/unit_file.ts";
import type { AppSpec } from "../spec/app_spec.ts";
import type { HealthCheck, HealthProbe } from "../spec/health_check.ts";
import { appPaths, appUnits } from "./app_paths.ts";
import type { AppProgram } from "./app_program.ts";
import { execItems, execLine, renderedComment } from "./app_service.ts";
import { sandboxItems, unseenItems } from "./sandbox.ts";
import { quoteExecWord } from "./systemd_value.ts";

/** The words of a probe that runs in the application; undefined for one that asks a port. */
export function probeWords(probe: HealthProbe): readonly string[] | undefined {
  switch (probe.kind) {
    case "command":
      return probe.words;
    case "shell":
      return ["/bin/sh", "-c", probe.line];
    case "http":
    case "tcp":
      return undefined;
  }
}

/** Renders `oci-APP-health.service`: asks, and keeps the answer. */
export function renderHealthService({ name }: AppSpec, check: HealthCheck): string {
  const units = appUnits(name);
  const patienceSec = Math.ceil(startPatienceMs(check) / 1000);
  const words = [appPaths(name).check, name, patienceSec, check.retries, check.onFailure];
  return formatUnitFile([
    unitComment(renderedComment),
    unitSection("Unit"),
    unitEntry("Description", `Health of ${name}`),
    unitEntry("After", units.service),
    unitEntry("StartLimitIntervalSec", "0"),
    unitBlank(),
    unitSection("Service"),
    unitEntry("Type", "oneshot"),
    unitEntry("ExecStart", `/bin/sh ${words.join(" ")}`),
    unitComment("systemd would write three lines for each check."),
    unitEntry("LogLevelMax", "notice"),
  ]);
}

/**
 * Renders `oci-APP-probe.service`: one question, in the application's root and with its rights.
 *
 * @param probe the program; undefined for one that asks a port.
 */
export function renderProbeService(
  app: AppSpec,
  check: HealthCheck,
  probe: AppProgram | undefined,
): string {
  const units = appUnits(app.name);
  return formatUnitFile([
    unitComment(renderedComment),
    unitSection("Unit"),
    unitEntry("Description", `Health check of ${app.name}`),
    unitEntry("After", units.service),
    unitComment("The same /tmp."),
    unitEntry("JoinsNamespaceOf", units.service),
    unitEntry("StartLimitIntervalSec", "0"),
    unitBlank(),
    unitSection("Service"),
    unitEntry("Type", "oneshot"),
    ...(probe === undefined ? portItems(check.probe) : programItems(app, probe)),
    unitEntry("TimeoutStartSec", `${check.timeoutMs}ms`),
    unitEntry("LogLevelMax", "notice"),
  ]);
}

/** Renders `oci-APP-health.timer`: from one check to the next, for as long as the application runs. */
export function renderHealthTimer({ name }: AppSpec, { intervalMs }: HealthCheck): string {
  const units = appUnits(name);
  return formatUnitFile([
    unitComment(renderedComment),
    unitSection("Unit"),
    unitEntry("Description", `Health checks of ${name}`),
    unitEntry("PartOf", units.service),
    unitEntry("After", units.service),
    unitBlank(),
    unitSection("Timer"),
    unitEntry("OnActiveSec", "1s"),
    unitEntry("OnUnitInactiveSec", `${intervalMs}ms`),
    unitEntry("AccuracySec", `${Math.min(1000, Math.ceil(intervalMs / 10))}ms`),
  ]);
}

const isNoFailure = "No failed unit: a machine is not degraded by what an application answers.";

function programItems(app: AppSpec, probe: AppProgram): UnitItem[] {
  return [
    ...execItems(app, probe),
    unitComment(isNoFailure),
    unitEntry("ExecStart", `-${execLine(probe)}`),
    ...sandboxItems(app, probe.user.uid, []),
  ];
}

/** By the machine's bash, which can open connections itself. */
function portItems(probe: HealthProbe): UnitItem[] {
  const open = (port: number) => `exec 3<>/dev/tcp/127.0.0.1/${port}`;
  const script =
    probe.kind === "http"
      ? [
          open(probe.port),
          `printf 'GET %s HTTP/1.0\\r\\nHost: 127.0.0.1:${probe.port}\\r\\nUser-Agent: mbctl\\r\\nConnection: close\\r\\n\\r\\n' "$1" >&3`,
          "IFS= read -r line <&3",
          "case $line in HTTP/*' '[23][0-9][0-9]*) exit 0 ;; esac",
          "exit 1",
        ]
      : probe.kind === "tcp"
        ? [open(probe.port)]
        : [];
  const path = probe.kind === "http" ? probe.path : "";
  const words = ["/bin/bash", "-c", script.join("; "), "mbctl", path];
  return [
    unitComment(isNoFailure),
    unitEntry("ExecStart", `-:${words.map(quoteExecWord).join(" ")}`),
    ...unseenItems,
    unitEntry("NoNewPrivileges", "yes"),
    unitEntry("ProtectSystem", "strict"),
    unitEntry("PrivateTmp", "yes"),
  ];
}
