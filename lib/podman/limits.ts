/**
 * What a container may use of its host: `--memory`, `--cpus`, `--ulimit` and their kin.
 *
 * @module
 */

import { usageError } from "../errors.ts";
import { parseMemorySize } from "../spec/memory_size.ts";
import { type Draft, unsupported } from "./draft.ts";
import type { Given } from "./run_option.ts";

/** `--memory`; 0 is no limit. */
export function convertMemory(draft: Draft, { value }: Given): void {
  if (!/^0+[bkmg]?$/i.test(value)) draft.limits.memory = parseMemorySize(value);
}

/** `--cpus`; 0 is no limit. */
export function convertCpus(draft: Draft, { value }: Given): void {
  const cpus = readNumber(value, /^(\d+(\.\d*)?|\.\d+)$/);
  if (cpus > 0) draft.limits.cpus = cpus;
}

/** `--cpu-quota`, in microseconds of each period; 0 and -1 are no limit. */
export function convertCpuQuota(draft: Draft, { value }: Given): void {
  const quota = readNumber(value, /^-?\d+$/);
  if (quota > 0) draft.cpuQuota = quota;
}

/** `--cpu-period`, in microseconds. */
export function convertCpuPeriod(draft: Draft, { value }: Given): void {
  const period = readNumber(value, /^\d+$/);
  if (period > 0) draft.cpuPeriod = period;
}

/** `--pids-limit`; 0 and -1 are no limit. */
export function convertPidsLimit(draft: Draft, { value, written }: Given): void {
  const tasks = readNumber(value, /^-?\d+$/);
  if (tasks > 0) draft.limits.tasks = tasks;
  else
    unsupported(
      draft,
      written,
      "systemd's own TasksMax=16384 of machines holds; set [limits] tasks to a high number",
    );
}

/** `--blkio-weight` of 10 to 1000, as crun and runc turn it into the 1 to 10000 of cgroup v2; 0 is none. */
export function convertBlkioWeight(draft: Draft, { value }: Given): void {
  const weight = readNumber(value, /^\d+$/);
  if (weight === 0) return;
  if (weight < 10 || weight > 1000) {
    throw usageError(`Cannot use the weight ${value}: it is not from 10 to 1000`);
  }
  draft.limits.ioWeight = Math.floor(1 + ((weight - 10) * 9999) / 990);
}

/** `--ulimit NAME=SOFT[:HARD]`; only `nofile` has a key of its own. */
export function convertUlimit(draft: Draft, { value, written }: Given): void {
  const [, name, soft, hard = soft] = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(value) ?? [];
  if (name === undefined || soft === undefined) {
    if (value === "host") {
      unsupported(draft, written, "the host's own limits are not taken over");
      return;
    }
    throw usageError(
      `Cannot read the limit ${JSON.stringify(value)}: it is not NAME=SOFT[:HARD]`,
      "write it as nofile=65536:65536",
    );
  }
  if (name !== "nofile") {
    const limit = [soft, hard].map((number) => (number === "-1" ? "infinity" : number));
    const key = `Limit${name.toUpperCase()}=${[...new Set(limit)].join(":")}`;
    unsupported(draft, written, `write ${key} under [Exec] of container.nspawn`);
    return;
  }
  const most = Number(hard);
  if (most < 1) {
    unsupported(draft, written, "there is always a limit of open files; name a number");
    return;
  }
  draft.limits.openFiles = most;
  if (soft !== hard) {
    unsupported(draft, written, `open_files is soft and hard limit in one; it is ${hard} now`);
  }
}

function readNumber(text: string, form: RegExp): number {
  const number = form.test(text) ? Number(text) : Number.NaN;
  if (Number.isFinite(number) && Math.abs(number) <= Number.MAX_SAFE_INTEGER) return number;
  throw usageError(`Cannot read ${JSON.stringify(text)}: it is no number`);
}
