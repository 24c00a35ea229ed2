/** A connector for tests: a listening socket, a server of its own process, clients of every kind. */

import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cgroupRoot } from "../../lib/calls/command_group.ts";
import { fixedMemory } from "../../lib/host/libc_at.ts";
import {
  acceptSocket,
  bindSocket,
  listenOn,
  openSocket,
  SOCK_STREAM,
} from "../../lib/host/libc_socket.ts";
import {
  connectUnix,
  openUnixSocket,
  receiveWithRights,
  sendWithRights,
} from "../../lib/host/libc_unix.ts";
import { exitCodeOf } from "../lab/run.ts";
import { waitFor } from "../lab/wait_for.ts";
import type { ServeOptions } from "./_serve.ts";

const AF_UNIX = 1;
const clientFile = join(import.meta.dir, "../../lib/calls/client_child.ts");
const serverFile = join(import.meta.dir, "_serve.ts");

/** A server on a socket that outlives it, as systemd's does. */
export class TestConnector implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "mbctl-connector-"));
  readonly path = join(this.folder, "socket");
  readonly cgroup: string;
  readonly #listener: number;
  #server: Bun.Subprocess | undefined;
  #isListening = true;

  constructor() {
    this.cgroup = join(cgroupRoot, this.folder.slice(this.folder.lastIndexOf("/") + 1));
    this.#listener = openSocket(AF_UNIX, SOCK_STREAM);
    const address = fixedMemory(110);
    address.view.setUint16(0, AF_UNIX, true);
    address.bytes.set(Buffer.from(this.path), 2);
    if (bindSocket(this.#listener, address) < 0 || listenOn(this.#listener, 4096) < 0)
      throw new Error("no socket");
    mkdirSync(this.cgroup);
  }

  /** Starts a server, and waits until it takes calls. */
  async serve(options: ServeOptions = {}): Promise<this> {
    this.#server = Bun.spawn(
      [
        process.execPath,
        serverFile,
        JSON.stringify({ cgroup: this.cgroup, graceMs: 500, ...options }),
      ],
      { stdio: ["ignore", "inherit", "inherit", this.#listener] },
    );
    // SIGTERM is the last for which it gets ready.
    const what = { what: "the server", intervalMs: 5 };
    await waitFor(() => this.server.exitCode !== null || catches(this.pid, 15), what);
    return this;
  }

  get server(): Bun.Subprocess {
    if (this.#server === undefined) throw new Error("no server was started");
    return this.#server;
  }

  get pid(): number {
    return this.server.pid;
  }

  /** Takes a client in the server's place. */
  async accept(): Promise<number> {
    const what = { intervalMs: 2, what: "a client" };
    return await waitFor(() => {
      const socket = acceptSocket(this.#listener);
      return socket >= 0 && socket;
    }, what);
  }

  /** Nobody listens any more. */
  close(): void {
    if (this.#isListening) closeSync(this.#listener);
    this.#isListening = false;
  }

  /** What the server has open. */
  descriptors(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  /** Cgroups of commands. */
  groups(): string[] {
    return readdirSync(this.cgroup, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  }

  /** Processes of commands. */
  processes(): number[] {
    return this.groups().flatMap((group) =>
      readFileSync(join(this.cgroup, group, "cgroup.procs"), "utf8")
        .split("\n")
        .filter(Boolean)
        .map(Number),
    );
  }

  /** The command line of a client. */
  clientArgv(argv: readonly string[]): string[] {
    return [process.execPath, clientFile, this.path, ...argv];
  }

  /** Starts a client; its streams are pipes. */
  start(argv: readonly string[]) {
    return Bun.spawn(this.clientArgv(argv), { stdio: ["pipe", "pipe", "pipe"] });
  }

  /** Runs a client to its end. */
  async call(argv: readonly string[], input = "") {
    const child = this.start(argv);
    child.stdin.write(input);
    await child.stdin.end();
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    await child.exited;
    return { exitCode: exitCodeOf(child), stdout, stderr };
  }

  /** A client made by hand. */
  connect(): RawClient {
    return new RawClient(this.path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server?.kill("SIGTERM");
    await this.#server?.exited;
    this.close();
    writeFileSync(join(this.cgroup, "cgroup.kill"), "1");
    const remove = () => {
      for (const group of this.groups()) rmdirSync(join(this.cgroup, group));
      rmdirSync(this.cgroup);
      return true;
    };
    await waitFor(remove, { intervalMs: 10, what: "the end of all commands" });
    rmSync(this.folder, { recursive: true });
  }
}

/** Whether a process has a handler for a signal (proc_pid_status(5), SigCgt). */
function catches(pid: number, signal: number): boolean {
  const mask = /^SigCgt:\s*(\w+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "0";
  return ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n;
}

/** A connection that says what it is told to. */
export class RawClient implements Disposable {
  readonly socket = openUnixSocket();
  #isOpen = true;

  constructor(path: string) {
    const result = connectUnix(this.socket, path);
    if (result < 0) throw new Error(`connect: ${result}`);
  }

  /** @returns what sendmsg(2) does. */
  send(bytes: Uint8Array, descriptors: readonly number[] = []): number {
    return sendWithRights(this.socket, bytes, descriptors);
  }

  /** What the server says until it closes, and how many descriptors came with it. */
  async rest(
    timeoutMs = 10_000,
  ): Promise<{ readonly bytes: Buffer; readonly descriptors: number }> {
    const chunks: Buffer[] = [];
    const into = fixedMemory(4096);
    let count = 0;
    await waitFor(
      () => {
        const { length, descriptors } = receiveWithRights(this.socket, into);
        for (const descriptor of descriptors) closeSync(descriptor);
        count += descriptors.length;
        if (length > 0) chunks.push(Buffer.from(into.bytes.subarray(0, length)));
        // ECONNRESET: it had not read all of ours.
        return length === 0 || length === -104;
      },
      { timeoutMs, what: "the end of the connection", intervalMs: 1 },
    );
    return { bytes: Buffer.concat(chunks), descriptors: count };
  }

  /** The one answer that is said. */
  async answer(): Promise<unknown> {
    const { bytes } = await this.rest();
    return bytes.length === 0 ? undefined : JSON.parse(bytes.subarray(4).toString());
  }

  [Symbol.dispose](): void {
    if (this.#isOpen) closeSync(this.socket);
    this.#isOpen = false;
  }
}
