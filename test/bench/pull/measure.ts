/**
 * Wall time, processor time and memory of one command, all of its processes together.
 *
 * @module
 */
import { join } from "node:path";
import { collectText, exitCodeOf } from "../../lab/run.ts";
import { cpuMsOf, makeGroup, memoryOf, removeGroup } from "./group.ts";

/** What one run took. */
export interface Run {
  readonly wallMs: number;
  /** User and system time of all processes. */
  readonly cpuMs: number;
}

/** The most memory that was seen during a run. */
export interface Peak {
  /** All processes together, what they share counted once. */
  readonly pssBytes: number;
  /** The largest process. */
  readonly rssBytes: number;
}

export interface Command {
  readonly argv: readonly string[];
  /** Variables beside those of {@linkcode environment}. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Groups of services that work for the command. */
  readonly groups?: readonly string[];
}

export interface MeasureOptions {
  readonly lookEveryMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs a command to its end.
 *
 * @param group a cgroup in which one for this run is made.
 * @param options.lookEveryMs how often its memory is looked at, which takes some time of its own; never by default.
 * @throws Error with what the command said, when it fails; the signal's reason, when it is aborted.
 */
export async function measure(
  command: Command,
  group: string,
  { lookEveryMs, signal }: MeasureOptions = {},
): Promise<Run & { readonly peak: Peak }> {
  signal?.throwIfAborted();
  const own = join(group, "run");
  await makeGroup(own);
  const groups = [own, ...(command.groups ?? [])];
  const before = totalCpuMs(groups);
  const peak = { pssBytes: 0, rssBytes: 0 };
  const look = () => {
    const { pssBytes, rssBytes } = memoryOf(groups);
    peak.pssBytes = Math.max(peak.pssBytes, pssBytes);
    peak.rssBytes = Math.max(peak.rssBytes, rssBytes);
  };
  const startMs = performance.now();
  const child = Bun.spawn(
    [
      ...["setpriv", "--pdeathsig", "KILL", "--", "sh", "-c"],
      ...['echo 0 >"$1/cgroup.procs" && shift && exec "$@"', "sh", own, ...command.argv],
    ],
    {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
      env: { ...environment(), ...command.env },
      cwd: command.cwd ?? "/",
    },
  );
  const timer = lookEveryMs === undefined ? undefined : setInterval(look, lookEveryMs);
  const stop = () => child.kill("SIGKILL");
  signal?.addEventListener("abort", stop);
  if (signal?.aborted) stop();
  const stderr = collectText(child.stderr);
  await child.exited;
  clearInterval(timer);
  signal?.removeEventListener("abort", stop);
  const wallMs = performance.now() - startMs;
  const cpuMs = totalCpuMs(groups) - before;
  await removeGroup(own);
  signal?.throwIfAborted();
  if (child.exitCode !== 0) {
    await stderr.done;
    const state = `exit code ${exitCodeOf(child)}\n${stderr.text().slice(-3000)}`;
    throw new Error(`Cannot measure ${JSON.stringify(command.argv)}: ${state}`);
  }
  return { wallMs, cpuMs, peak };
}

/** What every command gets to see of our environment. */
function environment(): Record<string, string> {
  const { PATH = "/usr/sbin:/usr/bin:/sbin:/bin", TMPDIR = "/tmp" } = process.env;
  return { PATH, TMPDIR, HOME: "/root", LANG: "C.UTF-8" };
}

function totalCpuMs(groups: readonly string[]): number {
  return groups.reduce((sum, group) => sum + cpuMsOf(group), 0);
}
