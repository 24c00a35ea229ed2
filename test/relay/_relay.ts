/** The relaying process as systemd starts it, between sockets of this machine's loopback interface. */

import { closeSync } from "node:fs";
import { fixedMemory } from "../../lib/host/libc_at.ts";
import {
  AF_INET,
  AF_INET6,
  bindSocket,
  IPV6_RECVPKTINFO,
  listenOn,
  openSocket,
  ownName,
  setOption,
  SO_REUSEADDR,
  SOCK_DGRAM,
  SOCK_STREAM,
} from "../../lib/host/libc_socket.ts";
import { selfCommand } from "../../lib/host/self.ts";
import { formatRelayOptions, type RelayOptions } from "../../lib/relay/relay_options.ts";
import {
  encodeSocketAddress,
  longestAddressBytes,
  portBytes,
} from "../../lib/network/socket_address.ts";

/** A relay that runs. */
export interface RunningRelay extends AsyncDisposable {
  /** The port that it listens on, chosen by the kernel. */
  readonly port: number;
  readonly process: Bun.Subprocess;
  /** Its descriptors beside the standard ones. */
  descriptors(): Promise<number>;
}

/** Opens a socket that listens on a free port of `address`, as systemd would. */
export function listenSocket(
  protocol: "tcp" | "udp",
  address: string,
  port = 0,
): { readonly descriptor: number; readonly port: number } {
  const family = address.includes(":") ? AF_INET6 : AF_INET;
  const descriptor = openSocket(family, protocol === "tcp" ? SOCK_STREAM : SOCK_DGRAM);
  const encoded = encodeSocketAddress(address, port);
  const memory = fixedMemory(encoded.length);
  memory.bytes.set(encoded);
  setOption(descriptor, SO_REUSEADDR, 1);
  if (protocol === "udp" && family === AF_INET6) setOption(descriptor, IPV6_RECVPKTINFO, 1);
  const results = [
    bindSocket(descriptor, memory),
    ...(protocol === "tcp" ? [listenOn(descriptor, 4096)] : []),
  ];
  if (results.some((result) => result < 0)) throw new Error(`cannot listen: ${results.join()}`);
  const name = fixedMemory(longestAddressBytes);
  ownName(descriptor, name);
  const [high = 0, low = 0] = portBytes(name.bytes);
  return { descriptor, port: high * 256 + low };
}

/** Starts a relay from a port of `address` to a port of 127.0.0.1. */
export function startRelay(
  target: number,
  options: Partial<RelayOptions> = {},
  address = "::1",
): RunningRelay {
  const { protocol = "tcp" } = options;
  const { descriptor, port } = listenSocket(protocol, address);
  const words = formatRelayOptions(
    {
      protocol,
      isProxied: false,
      clientLimit: 4096,
      idleMs: 60_000,
      exitIdleMs: 60_000,
      ...options,
    },
    `127.0.0.1:${target}`,
  );
  const process = Bun.spawn([...selfCommand("relay"), ...words], {
    stdio: ["ignore", "inherit", "inherit", descriptor],
  });
  closeSync(descriptor);
  return {
    port,
    process,
    async descriptors() {
      const { readdir } = await import("node:fs/promises");
      return (await readdir(`/proc/${process.pid}/fd`)).length;
    },
    async [Symbol.asyncDispose]() {
      process.kill();
      await process.exited;
    },
  };
}
