/**
 * Questions to the world that may stay without an answer: each is bounded in time, and none throws.
 *
 * @module
 */

import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { MbctlError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { hasProgram, type RunOptions } from "../host/run.ts";

/** Longest wait for a program, in milliseconds. */
const programTimeoutMs = 10_000;
/**
 * Longest wait for a packet. Who is there answers in milliseconds, and who is not refuses at once; but a host under load
 * lets everybody wait, and loses a packet now and then: what is asked is asked again.
 */
const packetTimeoutMs = 2500;
/** Until what is asked of a name server is asked again. */
const askAgainMs = 800;

/** What a program said, and whether it ended well. */
export interface Answer {
  readonly isDone: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

const noAnswer: Answer = { isDone: false, stdout: "", stderr: "" };

/** Runs a program for ten seconds at most. One that is not installed says nothing. */
export async function ask(
  host: Host,
  argv: readonly string[],
  options: Pick<RunOptions, "input"> = {},
): Promise<Answer> {
  if (!hasProgram(argv[0] ?? "")) return noAnswer;
  const everyCode = Array.from({ length: 256 }, (_, code) => code);
  // One that does not end by SIGTERM is not waited for.
  const { promise: tooLate, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), programTimeoutMs + 500);
  try {
    const running = host.run(argv, {
      ...options,
      allowExitCodes: everyCode,
      timeoutMs: programTimeoutMs,
    });
    const result = await Promise.race([running, tooLate]);
    if (result === undefined) return noAnswer;
    return { isDone: result.exitCode === 0, stdout: result.stdout, stderr: result.stderr };
  } catch (error) {
    // Our user's Ctrl-C is no silence of the program's.
    if (!(error instanceof MbctlError) || error.kind === "interrupted") throw error;
    return noAnswer;
  } finally {
    clearTimeout(timer);
  }
}

/** Whether an address answers one of two pings (-w: in two seconds); undefined where there is no ping(8). */
export async function answersPing(host: Host, address: string): Promise<boolean | undefined> {
  if (!hasProgram("ping")) return undefined;
  return (await ask(host, ["ping", "-n", "-c1", "-w2", address])).isDone;
}

/** Whether a TCP port takes connections. */
export async function acceptsTcp(address: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host: address, port });
  const timer = setTimeout(() => resolve(false), packetTimeoutMs);
  socket.on("connect", () => resolve(true));
  socket.on("error", () => resolve(false));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

/** Whether a name server answers at an address, with whatever. */
export async function answersDns(address: string, port = 53): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  const timer = setTimeout(() => resolve(false), packetTimeoutMs);
  let again: ReturnType<typeof setInterval> | undefined;
  socket.on("error", () => resolve(false));
  socket.on("message", (message) => resolve(isDnsAnswer(message)));
  try {
    // Told of a failure too, such as a network that is not there; the types do not say so.
    const begin: (error?: Error) => void = (error) => {
      if (error !== undefined && error !== null) return resolve(false);
      socket.send(dnsQuery);
      again = setInterval(() => socket.send(dnsQuery), askAgainMs);
    };
    socket.connect(port, address, begin);
    return await promise;
  } finally {
    clearTimeout(timer);
    clearInterval(again);
    socket.close();
  }
}

/**
 * Asks for the address of `localhost` (RFC 1035, 4.1): every resolver answers that by itself (RFC 6761, 6.3).
 * Header: number, recursion desired, one question; then the name, type A, class IN.
 */
const dnsQuery = Buffer.concat([
  Buffer.from([0x6d, 0x62, 0x01, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
  Buffer.from("\x09localhost\0", "latin1"),
  Buffer.from([0, 1, 0, 1]),
]);

/** The number of our question, and the bit that makes it a response. */
function isDnsAnswer(message: Uint8Array): boolean {
  return message[0] === 0x6d && message[1] === 0x62 && ((message[2] ?? 0) & 0x80) !== 0;
}
