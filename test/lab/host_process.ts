/**
 * A command that runs in a host beside the test: its output so far, its end, signals.
 *
 * @module
 */
import { enterArgv, type EnterOptions } from "./enter.ts";
import { childrenOf } from "./process_tree.ts";
import { type CollectedText, collectText, exitCodeOf, type RunResult } from "./run.ts";
import { waitFor } from "./wait_for.ts";

export class HostProcess implements AsyncDisposable {
  readonly argv: readonly string[];
  /** Settles at the end; does not throw on a failure of the command. */
  readonly exited: Promise<RunResult>;
  readonly #child: Bun.Subprocess<"pipe", "pipe", "pipe">;
  readonly #stdout: CollectedText;
  readonly #stderr: CollectedText;

  constructor(leader: number, argv: readonly string[], options: EnterOptions = {}) {
    this.argv = argv;
    const child = Bun.spawn(enterArgv(leader, argv, options), {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
    this.#child = child;
    const stdout = collectText(child.stdout);
    const stderr = collectText(child.stderr);
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.exited = (async () => {
      await child.exited;
      await Promise.race([Promise.all([stdout.done, stderr.done]), Bun.sleep(1000)]);
      return {
        exitCode: exitCodeOf(child),
        stdout: stdout.text(),
        stderr: stderr.text(),
      };
    })();
  }

  /** Standard output so far. */
  stdout(): string {
    return this.#stdout.text();
  }

  /** Standard error so far. */
  stderr(): string {
    return this.#stderr.text();
  }

  /** Writes to the command's standard input. */
  send(text: string): void {
    this.#child.stdin.write(text);
    this.#child.stdin.flush();
  }

  /** Closes the command's standard input. */
  closeStdin(): void {
    this.#child.stdin.end();
  }

  /**
   * The command's pid as the outer machine counts, once it runs.
   * (nsenter forks once; the command takes the place of that child by exec.)
   */
  async pid(): Promise<number> {
    return await waitFor(() => childrenOf(this.#child.pid)[0], {
      what: `${JSON.stringify(this.argv)} to run`,
      intervalMs: 5,
    });
  }

  /** Sends a signal to the command itself; no error where it has ended already. */
  async kill(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    try {
      process.kill(await this.pid(), signal);
    } catch (error) {
      if (this.#child.exitCode === null && this.#child.signalCode === null) throw error;
    }
  }

  /** Waits until the output (stdout, then stderr) matches. */
  async waitForOutput(pattern: RegExp, timeoutMs?: number): Promise<RegExpMatchArray> {
    return await waitFor(() => this.stdout().match(pattern) ?? this.stderr().match(pattern), {
      timeoutMs,
      what: `${pattern} in the output of ${JSON.stringify(this.argv)}`,
      intervalMs: 10,
      explain: () => `${this.stdout()}\n${this.stderr()}`,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }
}
