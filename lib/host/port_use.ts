/**
 * Whether a port of this host is free: by taking it for a moment, which is what systemd will do for good.
 *
 * @module
 */

import type { Protocol } from "../network/port.ts";
import { encodeSocketAddress } from "../network/socket_address.ts";
import { SyscallError } from "./libc.ts";
import { close, fixedMemory } from "./libc_at.ts";
import {
  AF_INET,
  AF_INET6,
  bindSocket,
  EADDRINUSE,
  EADDRNOTAVAIL,
  IPV6_V6ONLY,
  listenOn,
  openSocket,
  setOption,
  SO_REUSEADDR,
  SOCK_DGRAM,
  SOCK_STREAM,
} from "./libc_socket.ts";

export type PortUse = "free" | "taken" | "no such address";

/**
 * Looks whether a port can be listened on.
 *
 * @param address one address of the host; all of IPv4 and IPv6 without.
 * @throws {SyscallError} for anything else that the kernel refuses it for.
 */
export function probePort(protocol: Protocol, port: number, address?: string): PortUse {
  if (address !== undefined) return probe(protocol, port, address, false);
  try {
    return probe(protocol, port, "::", true);
  } catch (error) {
    // A host whose IPv6 is switched off.
    if (error instanceof SyscallError && error.code === "EAFNOSUPPORT") {
      return probe(protocol, port, "0.0.0.0", false);
    }
    throw error;
  }
}

function probe(protocol: Protocol, port: number, address: string, isDual: boolean): PortUse {
  const family = address.includes(":") ? AF_INET6 : AF_INET;
  const socket = openSocket(family, protocol === "tcp" ? SOCK_STREAM : SOCK_DGRAM);
  if (socket < 0) throw new SyscallError("socket", -socket);
  try {
    if (family === AF_INET6) setOption(socket, IPV6_V6ONLY, isDual ? 0 : 1);
    // What has just ended does not count for TCP. UDP would share the port with whoever does so too.
    if (protocol === "tcp") setOption(socket, SO_REUSEADDR, 1);
    const encoded = encodeSocketAddress(address, port);
    const memory = fixedMemory(encoded.length);
    memory.bytes.set(encoded);
    const bound = bindSocket(socket, memory);
    const result = bound === 0 && protocol === "tcp" ? listenOn(socket, 1) : bound;
    if (result === -EADDRINUSE) return "taken";
    if (result === -EADDRNOTAVAIL) return "no such address";
    if (result < 0) throw new SyscallError("bind", -result, `${address} port ${port}`);
    return "free";
  } finally {
    close(socket);
  }
}
