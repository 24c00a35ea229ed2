/** Somebody who asks a machine's web server again and again, and notes when there was no answer. */

import type { Host } from "../lab/host.ts";
import type { HostProcess } from "../lab/host_process.ts";
import { waitFor } from "../lab/wait_for.ts";

export interface Gap {
  /** Between the last answer before and the first one after, in milliseconds. */
  readonly ms: number;
  readonly before: string;
  readonly after: string;
}

/** What is asked goes on until it is disposed of. */
export class FetchLoop implements AsyncDisposable {
  readonly #process: HostProcess;

  /** Waits for the first answer. */
  static async start(host: Host, url: string): Promise<FetchLoop> {
    // Who is gone takes no connection; the answer of one that is there may be slow.
    const script = `while :; do
      if answer=$(curl -sf --connect-timeout 1 -m 5 "$1"); then echo "$(date +%s%3N) $answer"; else echo "$(date +%s%3N) -"; fi
      sleep 0.02
    done`;
    const loop = new FetchLoop(host.start(["sh", "-c", script, "loop", url]));
    await loop.answer(/\d+ [^-\s]/, 0);
    return loop;
  }

  private constructor(process: HostProcess) {
    this.#process = process;
  }

  /** How much has been written: from where {@linkcode since} looks. */
  get mark(): number {
    return this.#process.stdout().length;
  }

  /** Waits for an answer that comes after a mark. */
  async answer(pattern: RegExp, mark: number = this.mark): Promise<void> {
    await waitFor(() => pattern.test(this.#process.stdout().slice(mark)), {
      what: `the answer ${pattern}`,
      explain: async () => this.#process.stdout().slice(mark).slice(-500),
    });
  }

  /** The times without an answer since a mark, and all that was answered, each once. */
  since(mark: number): { readonly gaps: readonly Gap[]; readonly answers: readonly string[] } {
    const gaps: Gap[] = [];
    const answers = new Set<string>();
    let last: { readonly ms: number; readonly text: string } | undefined;
    let isOpen = false;
    for (const line of this.#process.stdout().slice(mark).split("\n").slice(0, -1)) {
      const [, ms = "", text = ""] = /^(\d+) (.*)$/.exec(line) ?? [];
      if (ms === "") continue;
      if (text === "-") {
        isOpen = true;
        continue;
      }
      if (isOpen && last !== undefined) {
        gaps.push({ ms: Number(ms) - last.ms, before: last.text, after: text });
      }
      isOpen = false;
      last = { ms: Number(ms), text };
      answers.add(text);
    }
    return { gaps, answers: [...answers] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}
