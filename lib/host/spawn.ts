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
    const stop = () => child.kill("SIGKILL");
    signal?.addEventListener("abort", stop);
    const talk = stderr === undefined ? readTalk(child.stderr as ReadableStream<Uint8Array>) : "";
    return {
      pid: child.pid,
      async done() {
        const said = await talk;
        const exitCode = await child.exited;
        signal?.removeEventListener("abort", stop);
        if (signal?.aborted) throw interrupted();
        if (exitCode === 0 && child.signalCode === null) return;
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

/**
 * Runs a program with our own standard streams and nothing else of ours, in a session of its own, and
 * passes signals on: of nsenter(1), which waits for a child in another PID namespace, to that child.
 *
 * @param env the program's whole environment.
 * @returns its exit code; 128 and the signal's number where a signal ended it.
 * @throws {MbctlError} (host) when the program is not installed.
 */
export async function attendProgram(
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const [program = "", ...words] = argv;
  const path = Bun.which(program, { PATH: childEnvironment().PATH ?? "" });
  if (path === null) throw missingProgram(program);
  const child = Bun.spawn([path, ...words], {
    stdio: ["inherit", "inherit", "inherit"],
    env: { ...env },
    detached: true,
  });
  const handlers = forwarded.map((signal) => {
    const pass = async () => {
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
  await child.exited;
  for (const [signal, pass] of handlers) process.removeListener(signal, pass);
  return child.signalCode === null
    ? (child.exitCode ?? 1)
    : 128 + signalNumber(parseSignal(`${child.signalCode}`));
}

function childrenOf(pid: number): number[] {
  const text = readTextIfPresent(`/proc/${pid}/task/${pid}/children`) ?? "";
  return text.split(" ").filter(Boolean).map(Number);
}

function sendSignal(pid: number, signal: (typeof forwarded)[number]): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It ended meanwhile.
    if (!isErrno(error, "ESRCH")) throw error;
  }
}

async function readTalk(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    text = (text + decoder.decode(chunk, { stream: true })).slice(-talkLimit);
  }
  return text;
}
