/** A terminal with a user before it, on which a command runs as the leader of its session. */

import { waitFor } from "../lab/wait_for.ts";
import { exitCodeOf } from "../lab/run.ts";

export class TestTerminal implements AsyncDisposable {
  readonly child: Bun.Subprocess;
  readonly #terminal: Bun.Terminal;
  #output = "";
  #seen = 0;

  constructor(argv: readonly string[], size: { readonly rows: number; readonly cols: number }) {
    const decoder = new TextDecoder();
    this.#terminal = new Bun.Terminal({
      ...size,
      data: (_, data) => {
        this.#output += decoder.decode(data, { stream: true });
      },
    });
    // Bun 1.4.5 starts no session for a terminal that was there before.
    const session = ["/usr/bin/setsid", "--ctty", "--wait"];
    this.child = Bun.spawn([...session, ...argv], { terminal: this.#terminal });
  }

  /** All that was written on it. */
  get output(): string {
    return this.#output;
  }

  /** Whether keys make signals no more. */
  isRaw(): boolean {
    const ICANON = 0o2;
    return (this.#terminal.localFlags & ICANON) === 0;
  }

  /** Types. */
  send(text: string): void {
    this.#terminal.write(text);
  }

  resize(rows: number, columns: number): void {
    this.#terminal.resize(columns, rows);
  }

  /** Waits until the output behind the match of the call before matches. */
  async waitFor(pattern: RegExp, timeoutMs = 10_000): Promise<RegExpExecArray> {
    const match = await waitFor(() => pattern.exec(this.#output.slice(this.#seen)), {
      timeoutMs,
      intervalMs: 5,
      what: `${pattern} on the terminal`,
      explain: () => JSON.stringify(this.#output.slice(this.#seen)),
    });
    this.#seen += match.index + match[0].length;
    return match;
  }

  /** Waits for the end of the command, and of its output. */
  async exit(): Promise<number> {
    await this.child.exited;
    return exitCodeOf(this.child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.exited;
    this.#terminal.close();
  }
}
