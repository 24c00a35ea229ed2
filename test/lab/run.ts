/**
 * Running a program of the outer machine: argv lists only, output kept as text.
 *
 * @module
 */

export interface RunOptions {
  /** What the program reads on standard input; nothing by default. */
  readonly stdin?: string | Uint8Array;
  /** The program is killed after this time; two minutes by default. */
  readonly timeoutMs?: number;
  /** Return a failed run instead of throwing. */
  readonly allowFailure?: boolean;
  /** The whole environment of the program; the caller's own by default. */
  readonly env?: Readonly<Record<string, string>>;
  /** Working directory. */
  readonly cwd?: string;
  /** What an error names instead of the whole argument list. */
  readonly shownAs?: readonly string[];
}

export interface RunResult {
  /** Exit code; 128 + N when signal N ended the program. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program ended with something other than 0, or took too long. */
export class RunError extends Error {
  override readonly name = "RunError";
  readonly argv: readonly string[];
  readonly result: RunResult;

  constructor(argv: readonly string[], result: RunResult, why: string) {
    super(
      `Cannot run ${JSON.stringify(argv)}: ${why}\n${result.stdout.slice(-4000)}\n${result.stderr.slice(-4000)}`,
    );
    this.argv = argv;
    this.result = result;
  }
}

/**
 * Runs a program to its end.
 *
 * @throws RunError on a time-out, and on a failure unless `allowFailure` is set.
 */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const timeoutMs = options.timeoutMs ?? 120_000;
  const child = Bun.spawn([...argv], {
    stdin: options.stdin === undefined ? "ignore" : Buffer.from(options.stdin),
    stdout: "pipe",
    stderr: "pipe",
    ...(options.env === undefined ? {} : { env: { ...options.env } }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill("SIGKILL");
  }, timeoutMs);
  // A grandchild that outlives the program may hold the pipes open: what counts is the program's end.
  const stdout = collectText(child.stdout);
  const stderr = collectText(child.stderr);
  await child.exited;
  await Promise.race([Promise.all([stdout.done, stderr.done]), Bun.sleep(2000)]);
  clearTimeout(timer);
  const result = {
    exitCode: exitCodeOf(child),
    stdout: stdout.text(),
    stderr: stderr.text(),
  };
  if (timedOut)
    throw new RunError(options.shownAs ?? argv, result, `still running after ${timeoutMs} ms`);
  if (result.exitCode !== 0 && options.allowFailure !== true) {
    throw new RunError(options.shownAs ?? argv, result, `exit code ${result.exitCode}`);
  }
  return result;
}

/** Exit code of an ended child as a shell would say it: 128 + N for signal N. */
export function exitCodeOf(child: Bun.Subprocess): number {
  if (child.exitCode !== null) return child.exitCode;
  const signals: Record<string, number> = {
    SIGHUP: 1,
    SIGINT: 2,
    SIGQUIT: 3,
    SIGABRT: 6,
    SIGKILL: 9,
    SIGPIPE: 13,
    SIGTERM: 15,
  };
  return 128 + (signals[child.signalCode ?? ""] ?? 0);
}

/** Text that arrives on a stream, readable at any time. */
export interface CollectedText {
  /** What has arrived so far. */
  text(): string;
  /** Settles when the stream ends. */
  readonly done: Promise<void>;
}

/** Reads a stream in the background. */
export function collectText(stream: ReadableStream<Uint8Array>): CollectedText {
  const chunks: Uint8Array[] = [];
  const done = (async () => {
    for await (const chunk of stream) chunks.push(chunk);
  })();
  return { text: () => Buffer.concat(chunks).toString("utf8"), done };
}
