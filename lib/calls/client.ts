/**
 * Calls a command that another machine lends, as if it were here: its input, output and error are ours, so are its exit
 * code and the signals that we get. It is told neither our environment nor our working directory.
 *
 * @module
 */

import { closeSync, constants as fsConstants, openSync, writeSync } from "node:fs";
import { constants } from "node:os";
import { basename, dirname } from "node:path";
import process from "node:process";
import { SyscallError } from "../host/libc.ts";
import { fixedMemory } from "../host/libc_at.ts";
import { EPOLLIN, EPOLLRDHUP } from "../host/libc_socket.ts";
import { readTerminalModes } from "../host/libc_terminal.ts";
import {
  connectUnix,
  openUnixSocket,
  receiveWithRights,
  sendWithRights,
  unixPathLimit,
} from "../host/libc_unix.ts";
import { CallError, failedAnswer } from "./call_error.ts";
import { ClientTerminal } from "./client_terminal.ts";
import { isInputShared } from "./descriptor_kinds.ts";
import { controlLimit, encodeFrame, FrameReader, requestLimit } from "./frame.ts";
import { Readiness } from "./readiness.ts";
import { type CallSignal, parseAnswer, parseRequest } from "./request.ts";

/** Passed on as they come; those of a terminal's size and of job control have their own ways. */
const passedOn = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2"] as const;

/**
 * Runs a lent command to its end.
 *
 * @param argv the command and its words.
 * @returns its exit code; 125 where the connector does not answer, 126 and 127 as a shell has them. What was wrong stands
 * on standard error.
 */
export async function callConnector(path: string, argv: readonly string[]): Promise<number> {
  try {
    const call = new Call(connect(path));
    return await call.run(argv);
  } catch (error) {
    const answer = failedAnswer(error, 125);
    tell(answer.error);
    return answer.exit_code;
  }
}

/** One call, on a socket that it closes. */
class Call {
  readonly #socket: number;
  readonly #reader = new FrameReader(controlLimit);
  readonly #buffer = fixedMemory(controlLimit);
  readonly #end = Promise.withResolvers<number>();
  #terminal: ClientTerminal | undefined;

  constructor(socket: number) {
    this.#socket = socket;
  }

  async run(argv: readonly string[]): Promise<number> {
    // Before anything is sent: this side can say it best.
    parseRequest({ argv });
    this.#sendRequest(argv);
    using readiness = new Readiness();
    const handlers = this.#signals().map(([signal, handle]) => {
      process.on(signal, handle);
      return () => process.removeListener(signal, handle);
    });
    try {
      readiness.watch(this.#socket, EPOLLIN | EPOLLRDHUP, () => this.#receive(readiness));
      return await this.#end.promise;
    } finally {
      this.#terminal?.end();
      for (const remove of handlers) remove();
      readiness.unwatch(this.#socket);
      closeSync(this.#socket);
    }
  }

  #sendRequest(argv: readonly string[]): void {
    const frame = encodeFrame({ argv });
    if (frame.length - 4 > requestLimit) {
      const text = `Cannot send a command line of ${frame.length - 4} bytes: the limit is ${requestLimit}`;
      throw new CallError(126, text);
    }
    const isShared = isInputShared();
    const input = isShared ? openSync("/dev/null", fsConstants.O_RDONLY) : 0;
    try {
      for (let sent = 0; sent < frame.length;) {
        const rights = sent === 0 ? [input, 1, 2] : [];
        const length = sendWithRights(this.#socket, frame.subarray(sent), rights, true);
        if (length === -constants.errno.EINTR) continue;
        // It may have said why before it went.
        if (length === -constants.errno.EPIPE || length === -constants.errno.ECONNRESET) return;
        if (length < 0) throw new SyscallError("sendmsg", -length);
        sent += length;
      }
    } finally {
      if (isShared) closeSync(input);
    }
  }

  #receive(readiness: Readiness): void {
    const { length, descriptors } = receiveWithRights(this.#socket, this.#buffer);
    if (length === -constants.errno.EAGAIN || length === -constants.errno.EINTR) return;
    if (length <= 0) {
      this.#end.reject(new CallError(125, "Cannot end the call: the connector went away"));
      return;
    }
    const [master, ...others] = descriptors;
    for (const other of others) closeSync(other);
    let isMasterUsed = false;
    try {
      let rest = this.#buffer.bytes.subarray(0, length);
      while (rest.length > 0) {
        const { taken, value } = this.#reader.read(rest);
        rest = rest.subarray(taken);
        if (value === undefined) continue;
        const answer = parseAnswer(value.of);
        if (answer.kind === "end") {
          if (answer.error !== undefined) tell(answer.error);
          this.#end.resolve(answer.exitCode);
        } else if (this.#terminal === undefined) {
          if (master === undefined || readTerminalModes(master) === undefined) {
            throw new CallError(125, "Cannot read the answer: it has no terminal");
          }
          isMasterUsed = true;
          this.#terminal = new ClientTerminal(master, readiness, (size) => this.#send(size));
        }
      }
    } catch (error) {
      this.#end.reject(error);
    } finally {
      if (master !== undefined && !isMasterUsed) closeSync(master);
    }
  }

  /** Who hears what. */
  #signals(): (readonly [signal: NodeJS.Signals, handle: () => void])[] {
    return [
      ...passedOn.map((signal) => [signal, () => this.#pass(signal)] as const),
      ["SIGWINCH", () => this.#terminal?.tellSize()],
      [
        "SIGTSTP",
        () => {
          this.#pass("SIGTSTP");
          this.#terminal?.suspend();
          // As we would have been, had we not listened.
          process.kill(process.pid, "SIGSTOP");
        },
      ],
      [
        "SIGCONT",
        () => {
          this.#pass("SIGCONT");
          this.#terminal?.resume();
        },
      ],
    ];
  }

  #pass(signal: CallSignal): void {
    this.#send({ signal });
  }

  #send(value: object): void {
    // Where it does not take it, the end is near, and comes by itself.
    sendWithRights(this.#socket, encodeFrame(value), []);
  }
}

function connect(path: string): number {
  const socket = openUnixSocket();
  if (socket < 0) throw new SyscallError("socket", -socket);
  try {
    const result = connectShortened(socket, path);
    if (result < 0) throw new SyscallError("connect", -result);
    return socket;
  } catch (error) {
    closeSync(socket);
    if (!(error instanceof Error && "code" in error)) throw error;
    const state = states[`${error.code}`] ?? error.code;
    throw new CallError(125, `Cannot reach the connector ${JSON.stringify(path)}: ${state}`);
  }
}

const states: Readonly<Record<string, string>> = {
  ENOENT: "there is none",
  ENOTDIR: "there is none",
  ECONNREFUSED: "nobody serves it",
  EACCES: "permission is denied",
};

/** A socket's address holds no more than 107 bytes of path: a longer one begins at an open folder. */
function connectShortened(socket: number, path: string): number {
  if (Buffer.byteLength(path) < unixPathLimit) return connectUnix(socket, path);
  const folder = openSync(dirname(path), fsConstants.O_RDONLY | fsConstants.O_DIRECTORY);
  try {
    return connectUnix(socket, `/proc/self/fd/${folder}/${basename(path)}`);
  } finally {
    closeSync(folder);
  }
}

function tell(text: string): void {
  try {
    writeSync(2, `${text}\n`);
  } catch {
    // There is nobody to be told.
  }
}
