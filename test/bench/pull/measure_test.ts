/** Needs root, and the cgroups of version 2 mounted anywhere. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { measure } from "./measure.ts";

const mounted = /^\S+ (\S+) cgroup2 /m.exec(readFileSync("/proc/mounts", "utf8"))?.[1];
const canMakeGroups = mounted !== undefined && process.getuid?.() === 0 && isWritable(mounted);

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

const failureOf = async (run: Promise<unknown>) => await run.then(() => "none", String);

describe.skipIf(!canMakeGroups)("measure()", () => {
  const group = join(mounted ?? "/", `mbctl-measure-test-${process.pid}`);
  beforeAll(() => mkdirSync(group));
  afterAll(() => rmdirSync(group));

  test("counts the time of all processes, also of those that nobody waits for", async () => {
    const spin = "import time\nwhile time.process_time() < 0.2: pass";
    // Its parent ends at once; cat ends when the pipe's last writer does.
    const argv = ["sh", "-c", '(python3 -c "$1" &) | cat', "sh", spin];
    const { cpuMs } = await measure({ argv }, group);
    expect(cpuMs).toBeGreaterThanOrEqual(200);
  });

  test("sees the memory of children", async () => {
    const hold = "import time; held = b'x' * 60_000_000; time.sleep(0.3)";
    const argv = ["sh", "-c", 'python3 -c "$1"; true', "sh", hold];
    const { peak } = await measure({ argv }, group, { lookEveryMs: 10 });
    expect(peak.pssBytes).toBeGreaterThan(60e6);
    expect(peak.rssBytes).toBeGreaterThan(60e6);
    expect(peak.pssBytes).toBeLessThan(120e6);
  });

  test("shows what a command said that failed, and leaves no group and no process", async () => {
    const argv = ["sh", "-c", "sleep 1000 & echo it burns >&2; exit 3"];
    expect(await failureOf(measure({ argv }, group))).toMatch(/exit code 3\nit burns\n$/);
    expect(existsSync(join(group, "run"))).toBe(false);
  });

  test("ends a command when it is told to", async () => {
    const controller = new AbortController();
    const run = measure({ argv: ["sleep", "1000"] }, group, { signal: controller.signal });
    controller.abort(new Error("enough"));
    expect(await failureOf(run)).toBe("Error: enough");
    expect(existsSync(join(group, "run"))).toBe(false);
  });
});
