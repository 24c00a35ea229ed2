/**
 * Children that work beside us, with descriptors of their own: a stream of data
 * goes from one to the next without passing through JavaScript. For everything
 * that simply runs to its end there is {@linkcode "run.ts"}.
 *
 * @module
 */

import { quoteLine } from "../env/posix_sh.ts";
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
  return (argv, { stdin, stdout, descriptors = [], cwd, env: added } = {}) => {
    const [program = ""] = argv;
    const env = { ...childEnvironment(), ...added };
    if (Bun.which(program, { PATH: env.PATH ?? "" }) === null) throw missingProgram(program);
    onCommand(quoteLine(argv));
    if (signal?.aborted) throw interrupted();
    const child = Bun.spawn([...diesWithUs(), ...argv], {
      stdio: [stdin ?? "ignore", stdout ?? "ignore", "pipe", ...descriptors],
      env,
      ...(cwd === undefined ? {} : { cwd }),
    });
    const stop = () => child.kill("SIGKILL");
    signal?.addEventListener("abort", stop);
    const talk = readTalk(child.stderr as ReadableStream<Uint8Array>);
    return {
      pid: child.pid,
      async done() {
        const stderr = await talk;
        const exitCode = await child.exited;
        signal?.removeEventListener("abort", stop);
        if (signal?.aborted) throw interrupted();
        if (exitCode === 0 && child.signalCode === null) return;
        const state =
          child.signalCode === null
            ? `it exited with code ${exitCode}`
            : `it ended by ${child.signalCode}`;
        throw new CommandError(argv, { stdout: "", stderr, exitCode }, state);
      },
      kill: stop,
      [Symbol.dispose]() {
        signal?.removeEventListener("abort", stop);
        stop();
      },
    };
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
