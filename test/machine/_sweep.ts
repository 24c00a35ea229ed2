/**
 * Sends a signal to mbctl at each step that it takes. A first run under strace shows
 * the system calls of the main thread that change a folder or start a child; then
 * strace sends the signal at each of them in turn. No hook is in the product.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { OuterHost, Outcome } from "./_outer_host.ts";

/** System calls that make, rename or remove a name, or start a child; bytes in a file count when it is renamed. */
const changes =
  "rename,renameat,renameat2,mkdir,mkdirat,symlink,symlinkat,unlink,unlinkat,rmdir,fork,vfork,chown,fchownat";

/** One of those calls: the N-th of its name. */
export interface Point {
  readonly call: string;
  readonly n: number;
}

export interface SweepOptions {
  /** SIGKILL by default. */
  readonly signal?: "KILL" | "INT" | "TERM";
  /** Every point by default; 3 takes every third. */
  readonly stride?: number;
}

/**
 * Runs the words once for each point.
 *
 * @param before sets the state up for each run.
 * @param check is told how mbctl ended.
 * @returns how many points there are.
 */
export async function sweep(
  host: Pick<OuterHost, "dir" | "run">,
  before: () => void | Promise<void>,
  words: readonly string[],
  check: (point: Point, outcome: Outcome) => Promise<void>,
  { signal = "KILL", stride = 1 }: SweepOptions = {},
): Promise<number> {
  await before();
  const trace = join(host.dir, "trace");
  await host.run(words, ["strace", "-qq", "-o", trace, "-e", `trace=${changes}`]);
  const counts = new Map<string, number>();
  let points = 0;
  let inTrees = 0;
  for (const [line, call = "", first = ""] of readFileSync(trace, "utf8").matchAll(
    /^(\w+)\((.?).*$/gm,
  )) {
    const n = (counts.get(call) ?? 0) + 1;
    counts.set(call, n);
    // What failed changed nothing: the next call sees the same state.
    if (/ = -1 E/.test(line)) continue;
    // Relative to a folder, and not the name of a machine: the entries of a tree that is being removed are all alike.
    if (/\d/.test(first) && !/"[^"]*(web|mbctl)/.test(line) && inTrees++ % 4 !== 0) continue;
    if (points++ % stride !== 0) continue;
    await before();
    const inject = ["-e", `trace=${call}`, "-e", `inject=${call}:signal=${signal}:when=${n}`];
    await check(
      { call, n },
      await host.run(words, ["strace", "-qq", "-o", "/dev/null", ...inject]),
    );
  }
  return points;
}
