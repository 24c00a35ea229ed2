/**
 * Relays datagrams: each client gets a socket of its own towards the app, so that the app's answer finds its way
 * back. There is no end of a conversation in UDP: a client that is silent for long is forgotten.
 *
 * @module
 */

import { close, type FixedMemory, fixedMemory } from "../host/libc_at.ts";
import {
  AF_INET,
  connectSocket,
  EAGAIN,
  EPOLLIN,
  openSocket,
  ownName,
  SOCK_DGRAM,
} from "../host/libc_socket.ts";
import {
  DatagramMessage,
  headroomBytes,
  keepPeer,
  type Peer,
  peerKey,
} from "./datagram_message.ts";
import type { EventLoop } from "./event_loop.ts";
import { longestHeaderBytes, writeProxyHeader } from "./proxy_header.ts";
import type { RelayOptions } from "./relay_options.ts";
import { encodeSocketAddress, longestAddressBytes } from "../network/socket_address.ts";

/** Datagrams of one socket at a time, before others have their turn. */
const turnDatagrams = 64;

interface Client {
  readonly socket: number;
  readonly peer: Peer;
  lastMs: number;
}

/** A relay of one socket of UDP; it works while its loop runs. */
export class DatagramRelay {
  readonly #loop: EventLoop;
  readonly #listener: number;
  readonly #options: RelayOptions;
  readonly #target: FixedMemory;
  readonly #message = new DatagramMessage();
  readonly #header = new Uint8Array(longestHeaderBytes);
  /** By {@linkcode peerKey}, the quietest first. */
  readonly #clients = new Map<string, Client>();
  readonly #server = fixedMemory(longestAddressBytes);

  constructor(loop: EventLoop, listener: number, options: RelayOptions) {
    [this.#loop, this.#listener, this.#options] = [loop, listener, options];
    const target = encodeSocketAddress(options.target.address, options.target.port);
    this.#target = fixedMemory(target.length);
    this.#target.bytes.set(target);
    ownName(listener, this.#server);
    loop.watchLevel(listener, EPOLLIN, () => this.#takeQuestions());
  }

  /** How many clients are remembered. */
  get clients(): number {
    return this.#clients.size;
  }

  /** Forgets clients that were silent for long. */
  sweep(): void {
    const oldestMs = performance.now() - this.#options.idleMs;
    for (const [key, client] of this.#clients) {
      if (client.lastMs > oldestMs) return;
      this.#forget(key, client);
    }
  }

  #takeQuestions(): void {
    for (let count = 0; count < turnDatagrams; count++) {
      const bytes = this.#message.receive(this.#listener);
      if (bytes < 0) return;
      const { peer } = this.#message;
      const key = peerKey(peer);
      const client = this.#clients.get(key) ?? this.#meet(peer);
      if (client === undefined) continue;
      this.#touch(key, client);
      const headerBytes = this.#options.isProxied ? this.#introduce(peer) : 0;
      const start = headroomBytes - headerBytes;
      // What cannot be sent is lost: that is UDP. ECONNREFUSED tells of an earlier datagram, and is told once.
      for (let attempt = 0; attempt < 2; attempt++) {
        const sent = this.#message.send(client.socket, start, headerBytes + bytes);
        if (sent >= 0 || sent === -EAGAIN) break;
      }
    }
  }

  #introduce(peer: Peer): number {
    const length = writeProxyHeader("udp", peer.name, this.#server.bytes, this.#header);
    this.#message.data.bytes.set(this.#header.subarray(0, length), headroomBytes - length);
    return length;
  }

  #meet(peer: Peer): Client | undefined {
    const [quietest] = this.#clients;
    if (this.#clients.size >= this.#options.clientLimit && quietest !== undefined) {
      this.#forget(...quietest);
    }
    const socket = openSocket(AF_INET, SOCK_DGRAM);
    if (socket < 0) return undefined;
    const client: Client = { socket, peer: keepPeer(peer), lastMs: 0 };
    const key = peerKey(peer);
    const results = [
      connectSocket(socket, this.#target),
      this.#loop.watchLevel(socket, EPOLLIN, () => this.#takeAnswers(key, client)),
    ];
    if (results.every((result) => result >= 0)) return client;
    this.#loop.unwatch(socket);
    close(socket);
    return undefined;
  }

  #takeAnswers(key: string, client: Client): void {
    for (let count = 0; count < turnDatagrams; count++) {
      const bytes = this.#message.receive(client.socket);
      // Also ECONNREFUSED: nobody listens there yet, or any more.
      if (bytes < 0) return;
      this.#touch(key, client);
      this.#message.send(this.#listener, headroomBytes, bytes, client.peer);
    }
  }

  #touch(key: string, client: Client): void {
    client.lastMs = performance.now();
    this.#clients.delete(key);
    this.#clients.set(key, client);
  }

  #forget(key: string, client: Client): void {
    this.#clients.delete(key);
    this.#loop.unwatch(client.socket);
    close(client.socket);
  }
}
