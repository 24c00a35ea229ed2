/**
 * The processes of one measured command, however they fork: a cgroup of version 2, of which the
 * kernel counts the time of all processes that were ever in it (cgroup-v2.rst, cpu.stat; needs no
 * controller).
 *
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { waitFor } from "../../lab/wait_for.ts";

/** Makes a group. */
export async function makeGroup(path: string): Promise<void> {
  await mkdir(path);
}

/** Milliseconds of user and system time that a group has used; 0 where there is none. */
export function cpuMsOf(path: string): number {
  try {
    const stat = readFileSync(join(path, "cpu.stat"), "utf8");
    return Number(/^usage_usec (\d+)$/m.exec(stat)?.[1]) / 1000;
  } catch {
    return 0;
  }
}

/** The processes of a group and of all groups in it. */
export function pidsOf(path: string): number[] {
  try {
    const own = readFileSync(join(path, "cgroup.procs"), "utf8").split("\n").filter(Boolean);
    const below = readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .flatMap(({ name }) => pidsOf(join(path, name)));
    return [...own.map(Number), ...below];
  } catch {
    return [];
  }
}

/** What processes have in memory. */
export interface Memory {
  /** Sum over all, what is shared counted in parts (proc(5), Pss). */
  readonly pssBytes: number;
  /** Of the largest one. */
  readonly rssBytes: number;
}

/** What the processes of groups have in memory now. */
export function memoryOf(groups: readonly string[]): Memory {
  let pssBytes = 0;
  let rssBytes = 0;
  for (const pid of groups.flatMap(pidsOf)) {
    let rollup: string;
    try {
      rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    } catch {
      continue;
    }
    const kilobytes = (key: string) =>
      Number(new RegExp(`^${key}: +(\\d+) kB$`, "m").exec(rollup)?.[1] ?? 0);
    pssBytes += kilobytes("Pss") * 1024;
    rssBytes = Math.max(rssBytes, kilobytes("Rss") * 1024);
  }
  return { pssBytes, rssBytes };
}

/** Ends all processes of a group, and removes it. */
export async function removeGroup(path: string): Promise<void> {
  await writeFile(join(path, "cgroup.kill"), "1");
  await waitFor(
    async () => {
      for (const { name } of readdirSync(path, { withFileTypes: true }).filter((entry) =>
        entry.isDirectory(),
      ))
        await rmdir(join(path, name));
      await rmdir(path);
      return true;
    },
    { what: `cgroup ${path} to be empty`, intervalMs: 2 },
  );
}
