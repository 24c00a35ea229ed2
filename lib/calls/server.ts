/**
 * Serves a connector: takes calls on a listening socket that systemd holds (sd_listen_fds(3)), many at a time, and leaves
 * when nobody has called for a while. Whoever calls in that moment waits in the socket's queue, and systemd starts the
 * next server for him.
 *
 * @module
 */

import { constants } from "node:os";
import process from "node:process";
import { acceptSocket, EPOLLIN } from "../host/libc_socket.ts";
import { closeOnExec } from "../host/libc_unix.ts";
import { SyscallError } from "../host/libc.ts";
import { Connection, type Lender } from "./connection.ts";
import { Readiness } from "./readiness.ts";

export interface ConnectorOptions
  extends Omit<Lender, "graceMs" | "requestMs">, Partial<Pick<Lender, "graceMs" | "requestMs">> {
  /** The listening socket, 3 where systemd hands it over. It stays open. */
  readonly listener: number;
  /** Leaves when nobody has called for this long, in milliseconds. */
  readonly exitIdleMs: number;
  /** Calls at a time; the others wait in the socket's queue. */
  readonly clientLimit?: number;
}

/** Each is a command that runs; systemd's own limit for a service is 64 (MaxConnections=). */
const defaultClientLimit = 128;
/** Less than systemd waits for the server itself (TimeoutStopSec= of its unit, 30 s): it ends its commands first. */
const defaultGraceMs = 10_000;
const defaultRequestMs = 10_000;
/** How long nobody is taken in when the kernel refuses. */
const pauseMs = 1000;
/** Nobody waits, or he has gone again. */
const { EAGAIN, ECONNABORTED, EINTR } = constants.errno;
const passing: readonly number[] = [EAGAIN, ECONNABORTED, EINTR];

/**
 * Serves until nobody calls, or SIGTERM, which ends all commands.
 *
 * @throws {SyscallError} where the descriptor is no listening socket.
 */
export async function serveConnector(options: ConnectorOptions): Promise<void> {
  const { listener, exitIdleMs, clientLimit = defaultClientLimit } = options;
  const lender = { graceMs: defaultGraceMs, requestMs: defaultRequestMs, ...options };
  using readiness = new Readiness();
  const connections = new Set<Connection>();
  const finished = Promise.withResolvers<void>();
  let isStopping = false;
  let isListening = false;
  let isPaused = false;
  let idle: ReturnType<typeof setTimeout> | undefined;

  const listen = () => {
    const isWanted = !isStopping && !isPaused && connections.size < clientLimit;
    if (isWanted === isListening) return;
    isListening = isWanted;
    if (isWanted) readiness.watch(listener, EPOLLIN, accept);
    else readiness.unwatch(listener);
  };
  const accept = () => {
    while (!isStopping && connections.size < clientLimit) {
      const socket = acceptSocket(listener);
      if (socket < 0) {
        if (!passing.includes(-socket)) pause();
        break;
      }
      const connection = new Connection(socket, readiness, lender);
      connections.add(connection);
      connection.done
        .finally(() => {
          connections.delete(connection);
          settle();
        })
        .catch(finished.reject);
    }
    settle();
  };
  /** We have no descriptor, or the host no memory: nobody tells when there is one again. */
  const pause = () => {
    readiness.unwatch(listener);
    isListening = false;
    isPaused = true;
    setTimeout(() => {
      isPaused = false;
      settle();
    }, pauseMs);
  };
  const settle = () => {
    listen();
    clearTimeout(idle);
    if (connections.size > 0) return;
    if (isStopping) finished.resolve();
    else idle = setTimeout(stop, exitIdleMs);
  };
  const stop = () => {
    isStopping = true;
    for (const connection of connections) connection.stop();
    settle();
  };

  const isOurs = closeOnExec(listener);
  if (isOurs < 0) throw new SyscallError("fcntl", -isOurs);
  process.on("SIGTERM", stop);
  try {
    settle();
    await finished.promise;
  } finally {
    process.removeListener("SIGTERM", stop);
    clearTimeout(idle);
    if (isListening) readiness.unwatch(listener);
  }
}
