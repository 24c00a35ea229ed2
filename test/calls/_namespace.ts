/** A PID namespace in which a command can be run, as a machine is one. */

import { readFileSync } from "node:fs";
import { waitFor } from "../lab/wait_for.ts";

export class TestNamespace implements AsyncDisposable {
  /** Its first process, as we count. */
  readonly pid: number;
  readonly #child: Bun.Subprocess;

  private constructor(child: Bun.Subprocess, pid: number) {
    this.#child = child;
    this.pid = pid;
  }

  static async start(): Promise<TestNamespace> {
    const argv = ["unshare", "--pid", "--mount-proc", "--fork", "--kill-child", "sleep", "600"];
    const child = Bun.spawn(argv, { stdio: ["ignore", "ignore", "ignore"] });
    const children = `/proc/${child.pid}/task/${child.pid}/children`;
    const what = { intervalMs: 5, what: "a PID namespace" };
    const pid = await waitFor(() => Number(readFileSync(children, "utf8")) || undefined, what);
    await waitFor(() => readFileSync(`/proc/${pid}/comm`, "utf8") === "sleep\n", what);
    return new TestNamespace(child, pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // unshare(1) holds SIGTERM back while it waits.
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }
}
