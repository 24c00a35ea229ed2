/**
 * The one place where mbctl starts child processes, by zx.
 *
 * zx is given everything that it would otherwise take from the environment
 * (`ZX_PREFIX`, `ZX_SHELL`, …): those variables would be code injection into a
 * tool that runs as root. No word of ours is ever parsed by a shell: an argv is
 * quoted once, by our own quoter, and the shell does nothing but `exec` it.
 *
 * @module
 */

import { DEFAULT_PATH } from "../env/split_environment.ts";
import type { ChildProcess } from "node:child_process";
import process from "node:process";
import { MbctlError } from "../errors.ts";
import { quoteLine, quoteWords } from "../env/posix_sh.ts";
import { installHint } from "./install_hint.ts";

export interface RunOptions {
  /** What the child reads from its standard input; without it, stdin is empty. */
  readonly input?: string | Buffer | undefined;
  /** Variables added to (or, as undefined, taken from) the scrubbed environment. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly cwd?: string | undefined;
  /** Exit codes that are no error; default: 0 alone. */
  readonly allowExitCodes?: readonly number[] | undefined;
  /** The child gets SIGTERM after this long, and the call fails, whatever it has started goes on. */
  readonly timeoutMs?: number | undefined;
  /** Aborting it ends the child and fails the call as interrupted. */
  readonly signal?: AbortSignal | undefined;
  /** The child does not hear Ctrl-C, which a terminal sends to the whole process group. */
  readonly isUndisturbed?: boolean | undefined;
  readonly onStdoutLine?: ((line: string) => void) | undefined;
  readonly onStderrLine?: ((line: string) => void) | undefined;
  /** Ends a child that writes more than this: for programs that pass on what a stranger says. All of it is held in memory. */
  readonly outputLimitBytes?: number | undefined;
}

export interface RunResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/**
 * Runs a program to its end.
 *
 * @throws {CommandError} when it exits with a code that is not allowed.
 * @throws {MbctlError} of kind "host" when the program is not installed, of
 * kind "interrupted" when `signal` was aborted.
 */
export type Run = (argv: readonly string[], options?: RunOptions) => Promise<RunResult>;

/** A child process that failed. */
export class CommandError extends MbctlError {
  readonly argv: readonly string[];
  readonly result: RunResult;

  constructor(argv: readonly string[], result: RunResult, state: string) {
    const said = lastLines(result.stderr || result.stdout, 12);
    super("tool", `Cannot run ${JSON.stringify(argv[0])}: ${state}`, {
      ...(said === "" ? {} : { cause: new Error(said) }),
      hint: "run the command again with -v to see every command as one line",
    });
    this.argv = argv;
    this.result = result;
  }
}

/** The error for a program that the host lacks. */
export function missingProgram(program: string): MbctlError {
  return new MbctlError("host", `Cannot find the program "${program}": it is not installed`, {
    hint: installHint(program),
  });
}

/**
 * Where a program is, for one that gets another PATH than ours.
 *
 * @throws {MbctlError} (host) when it is not installed.
 */
export function requireProgram(program: string): string {
  const path = findProgramFile(program);
  if (path === null) throw missingProgram(program);
  return path;
}

/** Whether a program is installed, where children of ours look for it. */
export function hasProgram(program: string): boolean {
  return findProgramFile(program) !== null;
}

function findProgramFile(program: string): string | null {
  return Bun.which(program, { PATH: childEnvironment().PATH ?? "" });
}

/**
 * What children may see of our environment: what skopeo needs to find its
 * accounts, mirrors, certificates and proxies, and what every program needs.
 */
const passed =
  /^(PATH|HOME|USER|LOGNAME|TMPDIR|TZ|TERM|XDG_[A-Z_]+|REGISTRY_[A-Z_]+|DOCKER_[A-Z_]+|CONTAINERS_[A-Z_]+|SSL_CERT_(FILE|DIR)|(HTTPS?|NO|ALL|FTP)_PROXY|GNUPGHOME|DBUS_[A-Z_]+)$/i;

/** The environment of every child, with a fixed language so that we can read its answers. */
export function childEnvironment(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && passed.test(name)) result[name] = value;
  }
  result.PATH ??= DEFAULT_PATH;
  result.LC_ALL = "C.UTF-8";
  return result;
}

export interface MakeRunOptions {
  /** Told every command, as one line that can be pasted into a shell. */
  readonly onCommand?: ((line: string) => void) | undefined;
  /** Aborting it ends every child that has no signal of its own. */
  readonly signal?: AbortSignal | undefined;
}

/** Builds the `run` of one invocation of mbctl. */
export function makeRun({ onCommand = () => {}, signal: common }: MakeRunOptions = {}): Run {
  return async (argv, options = {}) => {
    const signal = options.signal ?? common;
    const [program] = argv;
    if (program === undefined) throw new TypeError("run() needs a program");
    const env: Record<string, string> = childEnvironment();
    for (const [name, value] of Object.entries(options.env ?? {})) {
      if (value === undefined) delete env[name];
      else env[name] = value;
    }
    if (Bun.which(program, { PATH: env.PATH ?? "" }) === null) throw missingProgram(program);
    onCommand(quoteLine(argv));
    if (signal?.aborted) throw interrupted();

    const { $ } = await import("zx/core");
    const shell = $({
      shell: "/bin/sh",
      prefix: `exec ${quoteWords(diesWithUs(options.isUndisturbed))} `,
      postfix: "",
      quote: (word: string) => quoteWords([word]),
      verbose: false,
      quiet: true,
      nothrow: true,
      detached: false,
      preferLocal: false,
      env,
      // zx leaves a pipe open where there is no input: a program that reads would wait forever.
      ...(options.input
        ? { input: options.input }
        : { stdio: ["ignore", "pipe", "pipe"] as const }),
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    const child = shell`${argv}`;
    // A program that ends before it has read all of its input says so by its exit code; EPIPE would be thrown at nobody.
    if (options.input) child.stdin?.on("error", () => {});
    // Not by zx, which asks ps(1) for a tree of processes: every shell between us and the program is gone by exec.
    const stop = () => void child.child?.kill("SIGTERM");
    signal?.addEventListener("abort", stop);
    // Its end is not that of what it started: a program of a machine's, behind nsenter(1), keeps our pipes open, and may fill
    // them for ever. So nothing more is read.
    const cut = () => {
      const close = () => {
        for (const stream of [child.stdout, child.stderr]) stream.destroy();
      };
      stop();
      if (hasEnded(child.child)) close();
      else child.child?.once("exit", close);
    };
    const timer = options.timeoutMs === undefined ? undefined : setTimeout(cut, options.timeoutMs);
    const { outputLimitBytes: limit = Number.POSITIVE_INFINITY } = options;
    let written = 0;
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => {
        const isNews = written <= limit;
        written += chunk.length;
        if (isNews && written > limit) cut();
      });
    if (options.onStdoutLine) eachLine(child.stdout, options.onStdoutLine);
    if (options.onStderrLine) eachLine(child.stderr, options.onStderrLine);
    const output = await child;
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
    const exitCode = output.exitCode ?? 128;
    const result = { stdout: output.stdout, stderr: output.stderr, exitCode };
    const isDone = (options.allowExitCodes ?? [0]).includes(exitCode) && output.signal === null;
    if (!isDone && signal !== undefined) await hearSignals();
    if (signal?.aborted) throw interrupted();
    if (written > limit) {
      throw new MbctlError(
        "tool",
        `Cannot run ${JSON.stringify(program)}: it writes more than ${limit} bytes`,
      );
    }
    if (isDone) return result;
    throw new CommandError(
      argv,
      result,
      output.signal === null ? `it exited with code ${exitCode}` : `it ended by ${output.signal}`,
    );
  };
}

/**
 * Ctrl-C goes to the whole process group, and the end of a child may be heard before our own signal is: to be waited for
 * before a child that did not end well is taken for a failure.
 */
export async function hearSignals(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 20));
  // On a busy host the timer and the signal come at once, and the timer may be first.
  await new Promise((resolve) => setImmediate(resolve));
}

/**
 * The words before a command that make it end with us, also when we are killed:
 * the next run must not find a child of ours that still writes to what it
 * clears. setpriv(1) sets the signal; the shell after it ends by itself where we
 * were gone before that.
 *
 * @param isUndisturbed whether it does not hear Ctrl-C: what is ignored stays so in the program.
 */
export function diesWithUs(isUndisturbed = false): string[] {
  const deaf = isUndisturbed ? 'trap "" INT HUP QUIT; ' : "";
  const guard = `${deaf}[ "$PPID" = ${process.pid} ] && exec "$@"`;
  return ["setpriv", "--pdeathsig=KILL", "--", "/bin/sh", "-c", guard, "sh"];
}

/** The error of work that the user stopped. */
export function interrupted(): MbctlError {
  return new MbctlError("interrupted", "Interrupted");
}

function hasEnded(child: ChildProcess | undefined): boolean {
  return child === undefined || child.exitCode !== null || child.signalCode !== null;
}

function eachLine(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = "";
  stream.on("data", (chunk: Buffer | string) => {
    const parts = (rest + chunk.toString()).split(/\r\n|[\r\n]/);
    rest = parts.pop() ?? "";
    for (const part of parts) onLine(part);
  });
  stream.on("end", () => {
    if (rest !== "") onLine(rest);
  });
}

function lastLines(text: string, count: number): string {
  return text.trimEnd().split("\n").slice(-count).join("\n");
}
