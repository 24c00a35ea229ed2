/**
 * What the kernel counts for a machine: the files of its cgroup (Documentation/admin-guide/cgroup-v2.rst)
 * and of its network (proc_pid_net(5)), as texts. A file that is not there gives undefined: not every
 * controller is on everywhere.
 *
 * @module
 */

/** The files of a unit's cgroup that {@linkcode readFigures} reads. */
export const cgroupFiles = [
  "cpu.stat",
  "memory.current",
  "memory.peak",
  "memory.max",
  "pids.current",
  "pids.max",
  "io.stat",
] as const;

export type CgroupTexts = Readonly<Partial<Record<(typeof cgroupFiles)[number], string>>>;

export interface CgroupFigures {
  /** Processor time since the start, in microseconds. */
  readonly cpuUsec?: number;
  readonly memoryBytes?: number;
  /** The most since the start; kernels from 5.19 on. */
  readonly memoryPeakBytes?: number;
  /** Absent for none. */
  readonly memoryLimitBytes?: number;
  readonly tasks?: number;
  readonly tasksLimit?: number;
  /** Of all block devices. */
  readonly readBytes?: number;
  readonly writtenBytes?: number;
}

/** Reads the texts. */
export function readFigures(texts: CgroupTexts): CgroupFigures {
  const io = texts["io.stat"];
  return defined({
    cpuUsec: keyed(texts["cpu.stat"], "usage_usec"),
    memoryBytes: whole(texts["memory.current"]),
    memoryPeakBytes: whole(texts["memory.peak"]),
    memoryLimitBytes: whole(texts["memory.max"]),
    tasks: whole(texts["pids.current"]),
    tasksLimit: whole(texts["pids.max"]),
    readBytes: io === undefined ? undefined : summed(io, "rbytes"),
    writtenBytes: io === undefined ? undefined : summed(io, "wbytes"),
  });
}

export interface NetworkFigures {
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** Sums all interfaces of /proc/PID/net/dev but the loopback. */
export function readNetworkFigures(text: string): NetworkFigures {
  const rows = text
    .split("\n")
    .map((line) => /^\s*([^:\s]+):\s*(\d.*)$/.exec(line))
    .filter((row) => row !== null && row[1] !== "lo")
    .map((row) => (row?.[2] ?? "").split(/\s+/).map(Number));
  const sum = (column: number) => rows.reduce((total, row) => total + (row[column] ?? 0), 0);
  return { receivedBytes: sum(0), sentBytes: sum(8) };
}

/** A number alone; `max` is none. */
function whole(text: string | undefined): number | undefined {
  return /^\d+\n?$/.test(text ?? "") ? Number(text) : undefined;
}

/** Of lines `KEY NUMBER`. */
function keyed(text: string | undefined, key: string): number | undefined {
  const found = new RegExp(`^${key} (\\d+)$`, "m").exec(text ?? "")?.[1];
  return found === undefined ? undefined : Number(found);
}

/** Of lines `8:0 rbytes=1 wbytes=2 …`. */
function summed(text: string, key: string): number {
  return [...text.matchAll(new RegExp(`\\b${key}=(\\d+)`, "g"))].reduce(
    (sum, [, number]) => sum + Number(number),
    0,
  );
}

/** Without the keys that are undefined. */
function defined<T extends object>(value: { [Key in keyof T]: T[Key] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as T;
}
