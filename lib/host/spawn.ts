/**
 * Children that work beside us, with descriptors of their own: a stream of data
 * goes from one to the next without passing through JavaScript. For everything
 * that simply runs to its end there is {@linkcode "run.ts"}.
 *
 * @module
 */

import process from "node:process";
import { quoteLine } from "../env/posix_sh.ts";
import { parseSignal, signalNumber } from "../signal.ts";
import { isErrno, readTextIfPresent } from "./files.ts";
import {
  childEnvironment,
  CommandError,
  diesWithUs,
  hearSignals,
  interrupted,
  type MakeRunOptions,
  missingProgram,
} from "./run.ts";

export interface SpawnOptions {
  /** What the child reads: nothing by default, or a descriptor of ours. */
  readonly stdin?: number | undefined;
  /** Where its output goes: nowhere by default, or a descriptor of ours. */
  readonly stdout?: number | undefined;
  /** Where its talk goes: kept for the error by default, or a descriptor of ours. */
  readonly stderr?: number | undefined;
  /** Descriptors of ours that it gets as 3, 4, … */
  readonly descriptors?: readonly number[] | undefined;
  readonly cwd?: string | undefined;
  /** Variables added to the scrubbed environment. */
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** A child at work. Disposing of it kills it, if it still runs. */
export interface Child extends Disposable {
  readonly pid: number;
  /**
   * @returns when it has ended well.
   * @throws {CommandError} with what it said, when it has not; (interrupted) when the user stopped us.
   */
  done(): Promise<void>;
  kill(): void;
}

/**
 * Starts a program. Our copies of the descriptors stay open: the caller closes them.
 *
 * @throws {MbctlError} (host) when it is not installed.
 */
export type Spawn = (argv: readonly string[], options?: SpawnOptions) => Child;

/** Longest talk of a child that is kept for the error, in characters. */
const talkLimit = 64 * 1024;

/** Builds the `spawn` of one invocation of mbctl. */
export function makeSpawn({ onCommand = () => {}, signal }: MakeRunOptions = {}): Spawn {
  return (argv, { stdin, stdout, stderr, descriptors = [], cwd, env: added } = {}) => {
    const [program = ""] = argv;
    const env = { ...childEnvironment(), ...added };
    if (Bun.which(program, { PATH: env.PATH ?? "" }) === null) throw missingProgram(program);
    onCommand(quoteLine(argv));
    if (signal?.aborted) throw interrupted();
    const child = Bun.spawn([...diesWithUs(), ...argv], {
      stdio: [stdin ?? "ignore", stdout ?? "ignore", stderr ?? "pipe", ...descriptors],
      env,
      ...(cwd === undefined ? {} : { cwd }),
    });
    let isKilled = false;
    const stop = () => {
      isKilled = true;
      child.kill("SIGKILL");
    };
    signal?.addEventListener("abort", stop);
    const talk = stderr === undefined ? readTalk(child.stderr as ReadableStream<Uint8Array>) : "";
    return {
      pid: child.pid,
      async done() {
        const said = await talk;
        const exitCode = await child.exited;
        signal?.removeEventListener("abort", stop);
        const isDone = exitCode === 0 && child.signalCode === null;
        if (!isDone && !isKilled && signal !== undefined) await hearSignals();
        if (signal?.aborted) throw interrupted();
        if (isDone) return;
        const state =
          child.signalCode === null
            ? `it exited with code ${exitCode}`
            : `it ended by ${child.signalCode}`;
        throw new CommandError(argv, { stdout: "", stderr: said, exitCode }, state);
      },
      kill: stop,
      [Symbol.dispose]() {
        signal?.removeEventListener("abort", stop);
        stop();
      },
    };
  };
}

/** What is passed on to a program that is attended: the rest belongs to a terminal, which it has none of. */
const forwarded = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2"] as const;
/** What a terminal's keys send to all who are in its foreground. */
const ofKeys: ReadonlySet<string> = new Set(["SIGINT", "SIGQUIT"]);

/** How a program is attended. */
export interface AttendOptions {
  /** The systemd of the machine that it enters, by its number on the host. */
  readonly init?: number | undefined;
  /** It has our terminal, keys and job control included; otherwise a session of its own. */
  readonly isForeground?: boolean;
}

/**
 * Runs a program with our own standard streams and nothing else of ours, and
 * passes signals on: of nsenter(1), which waits for a child in another PID namespace, to that child.
 *
 * @param env the program's whole environment.
 * @returns its exit code; 128 and the signal's number where a signal ended it.
 * @throws {MbctlError} (host) when the program is not installed.
 */
export async function attendProgram(
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
  { init, isForeground = false }: AttendOptions = {},
): Promise<number> {
  const [program = "", ...words] = argv;
  const path = Bun.which(program, { PATH: childEnvironment().PATH ?? "" });
  if (path === null) throw missingProgram(program);
  const child = Bun.spawn([path, ...words], {
    stdio: ["inherit", "inherit", "inherit"],
    env: { ...env },
    detached: !isForeground,
  });
  const handlers = forwarded.map((signal) => {
    const pass = async () => {
      // It has got that one, too.
      if (isForeground && ofKeys.has(signal)) return;
      // A moment after the start there is nobody yet to get it.
      for (let n = 0; n < 100 && child.exitCode === null; n++) {
        const [pid] = childrenOf(child.pid);
        if (pid !== undefined) return void sendSignal(pid, signal);
        await Bun.sleep(10);
      }
    };
    process.on(signal, pass);
    return [signal, pass] as const;
  });
  await withoutStandstill(child.pid, child.exited, init);
  for (const [signal, pass] of handlers) process.removeListener(signal, pass);
  return child.signalCode === null
    ? (child.exitCode ?? 1)
    : 128 + signalNumber(parseSignal(`${child.signalCode}`));
}

/** How often a program that stands still is looked at, in milliseconds. */
const standstillMs = 500;

/**
 * Waits for a program's end. nsenter(1) stops with its child. A system that shuts down stops all of its processes, then kills
 * them: nsenter would stand still for ever, and with it the system, whose process 1 ends when nsenter has seen its child's
 * end (pid_namespaces(7)). Of that end nobody tells process 1, who is not its parent: systemd-shutdown(8) would look again
 * after 10 s only, or when it gets a SIGCHLD (wait_for_children() in killall.c).
 */
async function withoutStandstill(
  pid: number,
  exited: Promise<number>,
  init?: number,
): Promise<number> {
  const timer = setInterval(() => {
    const isOver = stateOf(pid) === "T" && childrenOf(pid).every((child) => stateOf(child) === "Z");
    if (isOver) sendSignal(pid, "SIGCONT");
  }, standstillMs);
  try {
    return await exited;
  } finally {
    clearInterval(timer);
    if (init !== undefined) sendSignal(init, "SIGCHLD");
  }
}

/** The letter of proc_pid_stat(5); undefined for a process that is gone. */
function stateOf(pid: number): string | undefined {
  return /\) (\w) /.exec(readTextIfPresent(`/proc/${pid}/stat`) ?? "")?.[1];
}

function childrenOf(pid: number): number[] {
  const text = readTextIfPresent(`/proc/${pid}/task/${pid}/children`) ?? "";
  return text.split(" ").filter(Boolean).map(Number);
}

function sendSignal(pid: number, signal: (typeof forwarded)[number] | "SIGCONT" | "SIGCHLD"): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It ended meanwhile.
    if (!isErrno(error, "ESRCH")) throw error;
  }
}

/** A program that was started, with streams that are others'. */
export interface StartedProgram {
  readonly pid: number;
  /** Its exit code; 128 and the signal's number where a signal ended it. */
  readonly ended: Promise<number>;
}

/**
 * Starts a program with the given standard streams and nothing else of ours, in a session of its own. Our copies of the
 * descriptors stay open.
 *
 * @param argv begins with an absolute path.
 * @param env the program's whole environment.
 * @throws the system's error where it cannot be started: `ENOENT`, `EACCES`, `E2BIG`.
 */
export function startProgram(
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
  stdio: readonly [number, number, number],
): StartedProgram {
  const child = Bun.spawn([...argv], { stdio: [...stdio], env: { ...env }, detached: true });
  return {
    pid: child.pid,
    ended: withoutStandstill(child.pid, child.exited).then(() =>
      child.signalCode === null
        ? (child.exitCode ?? 1)
        : 128 + signalNumber(parseSignal(`${child.signalCode}`)),
    ),
  };
}

async function readTalk(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    text = (text + decoder.decode(chunk, { stream: true })).slice(-talkLimit);
  }
  return text;
}
