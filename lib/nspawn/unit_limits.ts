/**
 * What a machine may use of its host, in its unit (systemd.resource-control(5)).
 *
 * @module
 */

import type { Limits } from "../spec/limits.ts";
import { execShell } from "./exec_shell.ts";
import { type UnitItem, unitComment, unitEntry } from "./unit_file.ts";

/** The length of time for which CPUQuota= counts, in microseconds: systemd's default. */
const PERIOD_US = 100_000;
/** Fewer, and nspawn itself cannot do its work. */
const NSPAWN_FILES = 4096;

/** The lines of `[Service]`. */
export function limitItems(limits: Limits): UnitItem[] {
  const { memory, cpus, tasks, ioWeight, openFiles } = limits;
  const entry = (key: string, value: number | string | undefined) =>
    value === undefined ? [] : [unitEntry(key, String(value))];
  const entries = [
    ...entry("MemoryMax", memory),
    // As much again, as podman's --memory has it.
    ...entry("MemorySwapMax", memory),
    ...entry(
      "CPUQuota",
      cpus === undefined ? undefined : `${Math.max(1, Math.round(cpus * 100))}%`,
    ),
    ...entry("TasksMax", tasks),
    ...entry("IOWeight", ioWeight),
    // nspawn cannot give its program more than it has.
    ...entry(
      "LimitNOFILE",
      openFiles === undefined ? undefined : Math.max(openFiles, NSPAWN_FILES),
    ),
  ];
  if (entries.length === 0) return [];
  const seen = payloadScript(limits);
  return [
    unitComment("What the machine may use of the host, nspawn included."),
    ...entries,
    ...(seen.length === 0
      ? []
      : [
          unitComment("The same where the program sees it: /sys/fs/cgroup in the machine."),
          unitEntry("ExecStartPost", `-${execShell(seen, "mbctl-limits")}`),
        ]),
  ];
}

/**
 * The shell script that gives the program of a machine that runs its limits, by $MAINPID: what is not limited is set
 * to "max". The unit's own limits systemd takes over by `daemon-reload`.
 */
export function liveLimitsScript(limits: Limits): string {
  const script = [
    ...payloadStart,
    ...["memory.max", "memory.swap.max", "pids.max"].map((file) => `put ${file} max`),
    `put cpu.max "max ${PERIOD_US}"`,
    ...payloadScript(limits).slice(payloadStart.length),
  ];
  return `${script.join("\n")}\n`;
}

/** nspawn runs the machine in a cgroup "payload" of the unit's, beside its own "supervisor". */
const payloadStart = [
  `p=/sys/fs/cgroup$(sed -n "s/^0:://p" /proc/$MAINPID/cgroup)`,
  "p=${p%/supervisor}/payload",
  // A controller that this host does not have has no files.
  'put() { [ ! -e $p/$1 ] || echo "$2" >$p/$1; }',
];

function payloadScript({ memory, cpus, tasks }: Limits): string[] {
  const write = (file: string, value: number | string | undefined) =>
    value === undefined ? [] : [`put ${file} "${value}"`];
  const lines = [
    ...write("memory.max", memory),
    ...write("memory.swap.max", memory),
    ...write(
      "cpu.max",
      cpus === undefined
        ? undefined
        : `${Math.max(1000, Math.round(cpus * PERIOD_US))} ${PERIOD_US}`,
    ),
    ...write("pids.max", tasks),
  ];
  return lines.length === 0 ? [] : [...payloadStart, ...lines];
}
