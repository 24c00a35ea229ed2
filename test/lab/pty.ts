/**
 * A command in a host on a terminal of that host, for prompts, Ctrl-C and job control.
 *
 * script(1) runs in the host and makes the pseudo-terminal there, so that its name
 * resolves in the host; a terminal of ours outside carries bytes only.
 *
 * @module
 */
import { enterArgv, type EnterOptions, shellWord } from "./enter.ts";
import { exitCodeOf } from "./run.ts";
import { waitFor } from "./wait_for.ts";

export interface PtyOptions extends EnterOptions {
  /** Columns, 80 by default. */
  readonly cols?: number;
  /** Rows, 24 by default. */
  readonly rows?: number;
}

/** What a user can press, for `send()`. */
export const keys = {
  ctrlC: "\x03",
  ctrlD: "\x04",
  ctrlZ: "\x1a",
  ctrlBackslash: "\x1c",
  enter: "\r",
  escape: "\x1b",
  up: "\x1b[A",
  down: "\x1b[B",
} as const;

export class Pty implements AsyncDisposable {
  readonly argv: readonly string[];
  /** The command's exit code; 128 + N when signal N ended it. */
  readonly exited: Promise<number>;
  readonly #child: Bun.Subprocess;
  readonly #terminal: Bun.Terminal;
  #output = "";
  #seen = 0;

  constructor(leader: number, argv: readonly string[], options: PtyOptions = {}) {
    this.argv = argv;
    const decoder = new TextDecoder();
    this.#terminal = new Bun.Terminal({
      cols: options.cols ?? 80,
      rows: options.rows ?? 24,
      data: (_terminal, data) => {
        this.#output += decoder.decode(data, { stream: true });
      },
    });
    // Before script(1) does it: else what is sent early comes back as an echo, and ^C ends nsenter. It
    // copies our modes to the inner terminal, so that one is set right by hand.
    this.#terminal.setRawMode(true);
    const command = `stty sane; exec ${argv.map(shellWord).join(" ")}`;
    this.#child = Bun.spawn(
      enterArgv(
        leader,
        ["script", "--quiet", "--return", "--command", command, "/dev/null"],
        options,
      ),
      { terminal: this.#terminal },
    );
    this.exited = this.#child.exited.then(() => exitCodeOf(this.#child));
  }

  /** All that has been written on the terminal so far, control sequences included. */
  get output(): string {
    return this.#output;
  }

  /** Types on the terminal. */
  send(text: string): void {
    this.#terminal.write(text);
  }

  /** Gives the terminal another size. */
  resize(cols: number, rows: number): void {
    this.#terminal.resize(cols, rows);
  }

  /** Waits until the output matches behind the match of the call before. */
  async waitFor(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray> {
    const match = await waitFor(
      () => new RegExp(pattern.source, pattern.flags).exec(this.#output.slice(this.#seen)),
      {
        timeoutMs,
        what: `${pattern} on the terminal of ${JSON.stringify(this.argv)}`,
        intervalMs: 10,
        explain: () => JSON.stringify(this.#output.slice(this.#seen)),
      },
    );
    this.#seen += match.index + match[0].length;
    return match;
  }

  /** Waits for the end of the command, and returns its exit code. */
  async waitForExit(timeoutMs?: number): Promise<number> {
    let exitCode: number | undefined;
    this.exited.then((code) => {
      exitCode = code;
    });
    return await waitFor(() => (exitCode === undefined ? undefined : { exitCode }), {
      timeoutMs,
      what: `${JSON.stringify(this.argv)} to end`,
      intervalMs: 10,
      explain: () => JSON.stringify(this.#output.slice(this.#seen)),
    }).then((end) => end.exitCode);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
    this.#terminal.close();
  }
}
