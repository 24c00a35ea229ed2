/**
 * Relays connections: what comes to a listening socket goes on to one IPv4 address.
 *
 * @module
 */

import { close, type FixedMemory, fixedMemory } from "../host/libc_at.ts";
import {
  acceptSocket,
  AF_INET,
  connectSocket,
  EAGAIN,
  EINPROGRESS,
  EPOLLERR,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
  openSocket,
  ownName,
  peerName,
  send,
  setOption,
  SO_KEEPALIVE,
  SO_LINGER,
  SOCK_STREAM,
  TCP_NODELAY,
} from "../host/libc_socket.ts";
import type { EventLoop } from "./event_loop.ts";
import { PipePool } from "./pipe_pool.ts";
import { longestHeaderBytes, writeProxyHeader } from "./proxy_header.ts";
import type { RelayOptions } from "./relay_options.ts";
import { encodeSocketAddress, longestAddressBytes } from "../network/socket_address.ts";
import { StreamFlow } from "./stream_flow.ts";

/** Connections taken from the queue at a time. */
const acceptLimit = 64;

/** A relay of one listening socket; it works while its loop runs. */
export class StreamRelay {
  readonly #loop: EventLoop;
  readonly #listener: number;
  readonly #options: RelayOptions;
  readonly #target: FixedMemory;
  readonly #pool = new PipePool();
  readonly #client = fixedMemory(longestAddressBytes);
  readonly #server = fixedMemory(longestAddressBytes);
  readonly #header = fixedMemory(longestHeaderBytes);
  #connections = 0;
  #isAccepting = false;

  constructor(loop: EventLoop, listener: number, options: RelayOptions) {
    [this.#loop, this.#listener, this.#options] = [loop, listener, options];
    const target = encodeSocketAddress(options.target.address, options.target.port);
    this.#target = fixedMemory(target.length);
    this.#target.bytes.set(target);
    this.#resume();
  }

  /** How many connections there are. */
  get clients(): number {
    return this.#connections;
  }

  /** Nothing to be done from time to time: connections that are silent may stay. */
  sweep(): void {}

  #resume(): void {
    if (this.#isAccepting) return;
    this.#isAccepting = true;
    this.#loop.watchLevel(this.#listener, EPOLLIN, () => this.#accept());
  }

  /** Who comes now waits in the kernel's queue. */
  #pause(): void {
    this.#isAccepting = false;
    this.#loop.unwatch(this.#listener);
  }

  #accept(): void {
    for (let count = 0; count < acceptLimit && this.#isAccepting; count++) {
      const isFull = this.#connections >= this.#options.clientLimit;
      const client = isFull ? -EAGAIN : acceptSocket(this.#listener);
      if (client >= 0) this.#connect(client);
      // No descriptors, no memory: the next that ends makes room.
      else if (isFull || (client !== -EAGAIN && this.#connections > 0)) this.#pause();
      else return;
    }
  }

  #connect(client: number): void {
    const app = openSocket(AF_INET, SOCK_STREAM);
    if (app < 0) {
      reset(client);
      return;
    }
    for (const option of [TCP_NODELAY, SO_KEEPALIVE]) setOption(app, option, 1);
    setOption(client, TCP_NODELAY, 1);
    const result = connectSocket(app, this.#target);
    if (result < 0 && result !== -EINPROGRESS) {
      close(app);
      reset(client);
      return;
    }
    this.#connections++;
    this.#join(client, app);
  }

  /** Lets bytes flow both ways until both sides have ended, or one is broken. */
  #join(client: number, app: number): void {
    const toApp = new StreamFlow(client, app, this.#pool);
    const toClient = new StreamFlow(app, client, this.#pool);
    let isOpen = true;
    let isConnected = false;
    let isQueued = false;
    const end = (isBroken: boolean) => {
      isOpen = false;
      for (const flow of [toApp, toClient]) flow.release();
      for (const socket of [client, app]) {
        this.#loop.unwatch(socket);
        if (isBroken) reset(socket);
        else close(socket);
      }
      this.#connections--;
      this.#resume();
    };
    const pump = () => {
      if (!isOpen || !isConnected) return;
      const results = [toApp.pump(), toClient.pump()];
      if (results.includes("failed")) end(true);
      else if (toApp.isDone && toClient.isDone) end(false);
      else if (results.includes("more") && !isQueued) {
        isQueued = true;
        this.#loop.later(() => {
          isQueued = false;
          pump();
        });
      }
    };
    const note = (events: number, outgoing: StreamFlow, incoming: StreamFlow) => {
      const isOver = (events & (EPOLLERR | EPOLLHUP)) !== 0;
      if (isOver || (events & (EPOLLIN | EPOLLRDHUP)) !== 0) outgoing.isReadable = true;
      if (isOver || (events & EPOLLOUT) !== 0) incoming.isWritable = true;
    };
    const events = EPOLLIN | EPOLLOUT | EPOLLRDHUP;
    const watched = [
      this.#loop.watch(client, events, (happened) => {
        note(happened, toApp, toClient);
        pump();
      }),
      this.#loop.watch(app, events, (happened) => {
        note(happened, toClient, toApp);
        if (!isConnected) {
          // Refused: what follows would read like an empty answer.
          if ((happened & (EPOLLERR | EPOLLHUP)) !== 0) return end(true);
          if ((happened & EPOLLOUT) === 0) return;
          isConnected = true;
          if (this.#options.isProxied && !this.#introduce(client, app)) return end(true);
        }
        pump();
      }),
    ];
    if (watched.some((result) => result < 0)) end(true);
  }

  /** Tells the app who asks. A new connection takes so little at once. */
  #introduce(client: number, app: number): boolean {
    const names = [peerName(client, this.#client), ownName(client, this.#server)];
    if (names.some((result) => result < 0)) return false;
    const [from, to] = [this.#client.bytes, this.#server.bytes];
    const length = writeProxyHeader("tcp", from, to, this.#header.bytes);
    return send(app, this.#header.address, length) === length;
  }
}

/** Closes a connection so that the other side knows it as broken (socket(7), SO_LINGER). */
function reset(socket: number): void {
  setOption(socket, SO_LINGER, 1, 0);
  close(socket);
}
