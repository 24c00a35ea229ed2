/**
 * One client of a connector, from its connect(2) to the end of all that it started.
 *
 * @module
 */

import { closeSync } from "node:fs";
import { constants } from "node:os";
import { fixedMemory } from "../host/libc_at.ts";
import { EPOLLIN, EPOLLRDHUP } from "../host/libc_socket.ts";
import { setTerminalSize, type TerminalSize } from "../host/libc_terminal.ts";
import { descriptorLimit, receiveWithRights, sendWithRights } from "../host/libc_unix.ts";
import { parseSignal, signalNumber } from "../signal.ts";
import { CallError, failedAnswer } from "./call_error.ts";
import type { CommandPlan } from "./command_plan.ts";
import { checkStdio, isTerminal, openPipesToAll, type Stdio } from "./descriptor_kinds.ts";
import { controlLimit, encodeFrame, FrameReader, requestLimit } from "./frame.ts";
import { type MachineTerminal, openMachineTerminal } from "./machine_terminal.ts";
import { type Peer, readPeer } from "./peer.ts";
import type { Readiness } from "./readiness.ts";
import { type CallSignal, parseControl, parseRequest } from "./request.ts";
import { RunningCommand } from "./running_command.ts";

/** What a connector lends, and to whom. */
export interface Lender {
  /** Begins the names of cgroups: one for each pair of machines. */
  readonly name: string;
  /** Asked before anything is read. */
  readonly isAllowed: (peer: Peer) => boolean | Promise<boolean>;
  /**
   * How a command line is run; it may start the machine first.
   *
   * @param how whether its standard input will be a terminal, which a session of its own can have for its own (setsid(1), -c).
   * @throws {CallError} with the exit code, any other error for 126.
   */
  readonly plan: (
    argv: readonly [command: string, ...words: string[]],
    how: { readonly hasTerminal: boolean },
  ) => Promise<CommandPlan>;
  /** For what a command leaves behind, and for one whose client has gone, in milliseconds. */
  readonly graceMs: number;
  /** For a request to arrive, in milliseconds. */
  readonly requestMs: number;
}

const { EAGAIN, EINTR } = constants.errno;
const buffer = fixedMemory(64 * 1024);

/** The call of one client. */
export class Connection {
  /** When nothing is left of it: no descriptor, no process. */
  readonly done: Promise<void>;
  readonly #socket: number;
  readonly #readiness: Readiness;
  readonly #lender: Lender;
  readonly #reader = new FrameReader(requestLimit);
  /** Received, and not yet closed. */
  #descriptors: number[] = [];
  readonly #request = Promise.withResolvers<readonly [string, ...string[]]>();
  #isRequested = false;
  #isClosed = false;
  #command: RunningCommand | undefined;
  #terminal: MachineTerminal | undefined;
  /** What ended the call before its command ran. */
  #early: CallSignal | undefined;
  #size: TerminalSize | undefined;

  /** @param socket accepted; ours to close. */
  constructor(socket: number, readiness: Readiness, lender: Lender) {
    this.#socket = socket;
    this.#readiness = readiness;
    this.#lender = lender;
    // It may be over before anybody waits for it.
    this.#request.promise.catch(() => {});
    this.done = this.#serve();
  }

  /** The server ends: so does the command, as if the client had gone, but it may still say how. */
  stop(): void {
    if (this.#command === undefined) this.#leave();
    else this.#command.hangUp();
  }

  async #serve(): Promise<void> {
    try {
      await this.#checkPeer();
      const argv = await this.#readRequest();
      const exitCode = await this.#run(argv);
      this.#answer({ exit_code: exitCode });
    } catch (error) {
      if (error !== gone) this.#answer(failedAnswer(error, 126));
    } finally {
      this.#close();
      this.#closeDescriptors();
      if (this.#terminal !== undefined) closeSync(this.#terminal.end);
      this.#terminal = undefined;
    }
    await this.#command?.gone;
  }

  async #checkPeer(): Promise<void> {
    const peer = readPeer(this.#socket);
    const isAllowed = peer !== undefined && (await this.#lender.isAllowed(peer));
    if (!isAllowed) {
      throw new CallError(125, "Cannot use this connector: it is not given to whoever connected");
    }
  }

  async #readRequest(): Promise<readonly [string, ...string[]]> {
    const { requestMs } = this.#lender;
    const timer = setTimeout(() => {
      const text = `Cannot read the request: it did not come within ${requestMs / 1000} s`;
      this.#request.reject(new CallError(125, text));
    }, requestMs);
    try {
      this.#readiness.watch(this.#socket, EPOLLIN | EPOLLRDHUP, () => this.#receive());
      return await this.#request.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  async #run(argv: readonly [string, ...string[]]): Promise<number> {
    const [input = -1, output = -1, error = -1] = this.#descriptors;
    const given: Stdio = [input, output, error];
    checkStdio(given);
    const like = given.find(isTerminal);
    const plan = await this.#lender.plan(argv, { hasTerminal: isTerminal(input) });
    if (this.#isClosed) throw gone;
    if (this.#early !== undefined) return 128 + signalNumber(parseSignal(this.#early));
    const stdio = like === undefined ? given : this.#giveTerminal(plan, given, like);
    openPipesToAll(stdio);
    const command = new RunningCommand(plan, stdio, this.#lender);
    this.#command = command;
    this.#closeDescriptors();
    return await command.ended;
  }

  /** Puts a terminal of the machine in the place of the client's, and hands its other side to the client. */
  #giveTerminal(plan: CommandPlan, given: Stdio, like: number): Stdio {
    const terminal = openMachineTerminal(plan.root ?? "/", plan.owner, like, isTerminal(given[0]));
    this.#terminal = terminal;
    try {
      if (this.#size !== undefined) setTerminalSize(terminal.end, this.#size);
      this.#send({ terminal: true }, [terminal.master]);
    } finally {
      closeSync(terminal.master);
    }
    const [input, output, error] = given.map((one) => (isTerminal(one) ? terminal.end : one));
    return [input ?? -1, output ?? -1, error ?? -1];
  }

  #receive(): void {
    const { length, descriptors, hasMore } = receiveWithRights(this.#socket, buffer);
    // Ours from now on, whatever comes.
    this.#descriptors.push(...(this.#isRequested ? [] : descriptors));
    if (this.#isRequested) for (const descriptor of descriptors) closeSync(descriptor);
    if (length === -EAGAIN || length === -EINTR) return;
    if (length <= 0) {
      this.#leave();
      return;
    }
    try {
      const isTooMany = this.#descriptors.length > descriptorLimit;
      if (hasMore || isTooMany || (this.#isRequested && descriptors.length > 0)) {
        throw new CallError(125, `Cannot take more than ${descriptorLimit} descriptors`);
      }
      let rest = buffer.bytes.subarray(0, length);
      while (rest.length > 0) {
        const { taken, value } = this.#reader.read(rest);
        rest = rest.subarray(taken);
        if (value !== undefined) this.#take(value.of);
      }
    } catch (error) {
      this.#refuse(error);
    }
  }

  #take(value: unknown): void {
    if (!this.#isRequested) {
      const argv = parseRequest(value);
      if (this.#descriptors.length !== descriptorLimit) {
        const count = this.#descriptors.length;
        throw new CallError(125, `Cannot run a command with ${count} descriptors: three it takes`);
      }
      this.#isRequested = true;
      this.#reader.limit = controlLimit;
      this.#request.resolve(argv);
      return;
    }
    const control = parseControl(value);
    if (control.kind === "size") {
      this.#size = control.size;
      if (this.#terminal !== undefined) setTerminalSize(this.#terminal.end, control.size);
    } else if (this.#command !== undefined) {
      this.#command.signal(control.signal);
    } else if (!["SIGTSTP", "SIGCONT"].includes(control.signal)) {
      this.#early = control.signal;
    }
  }

  /** Somebody who does not keep to the protocol: is told, and gone. */
  #refuse(error: unknown): void {
    if (this.#isRequested) {
      this.#answer(failedAnswer(error, 125));
      this.#leave();
    } else {
      this.#request.reject(error);
      // Nothing more is read.
      this.#readiness.unwatch(this.#socket);
    }
  }

  #leave(): void {
    this.#close();
    this.#request.reject(gone);
    this.#command?.hangUp();
  }

  #answer(value: object): void {
    if (this.#isClosed) return;
    try {
      this.#send(value, []);
    } catch {
      // It has gone, or does not read.
    }
    this.#close();
  }

  #send(value: object, descriptors: readonly number[]): void {
    const frame = encodeFrame(value);
    // Frames of ours are small: what does not fit waits behind thousands that nobody reads.
    if (sendWithRights(this.#socket, frame, descriptors) !== frame.length) throw gone;
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#readiness.unwatch(this.#socket);
    closeSync(this.#socket);
  }

  #closeDescriptors(): void {
    for (const descriptor of this.#descriptors.splice(0)) closeSync(descriptor);
  }
}

/** Nobody is there any more to be told. */
const gone = new Error("the client has gone");
