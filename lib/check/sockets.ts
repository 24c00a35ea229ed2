/**
 * Who listens on what: `/proc/PID/net/tcp`, `tcp6`, `udp` and `udp6`, as the kernel prints them
 * (proc_net(5); `tcp4_seq_show()` and its kin).
 *
 * @module
 */

import { formatIpv6, type Ipv6 } from "../address/ipv6.ts";
import { formatIpv4, type Ipv4 } from "../network/ipv4.ts";
import type { Protocol } from "../network/port.ts";

/** A socket that waits for others: a TCP one that listens, a UDP one that is tied to nobody. */
export interface Socket {
  readonly protocol: Protocol;
  readonly family: "ipv4" | "ipv6";
  /** As text; `0.0.0.0` or `::` for every address. */
  readonly address: string;
  readonly port: number;
  /** Its number, by which the descriptors of processes name it. */
  readonly inode: number;
}

/** `TCP_LISTEN` of include/net/tcp_states.h. */
const listening = "0A";
/** `TCP_CLOSE`: what a UDP socket without a peer is in. */
const unconnected = "07";

/**
 * Reads one of the four files. Lines that are no sockets, the heading among them, are passed over.
 * Numbers of 32 bits stand in the processor's order: little-endian, on all that mbctl runs on.
 */
export function parseSockets(text: string, protocol: Protocol): Socket[] {
  return text.split("\n").flatMap((line) => {
    const [, local = "", remote = "", state, , , , , , inode] = line.trim().split(/\s+/);
    const parts = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(local);
    if (!parts || !/^\d+$/.test(inode ?? "")) return [];
    if (state !== (protocol === "tcp" ? listening : unconnected)) return [];
    const [, hex = "", port = ""] = parts;
    // A UDP socket in this state may have had a peer; one with a peer now is no server.
    if (!remote.endsWith(":0000")) return [];
    return [
      { protocol, ...readAddress(hex), port: Number.parseInt(port, 16), inode: Number(inode) },
    ];
  });
}

function readAddress(hex: string): Pick<Socket, "family" | "address"> {
  const words = (hex.match(/.{8}/g) ?? []).map((word) => Buffer.from(word, "hex").reverse());
  const bytes = Buffer.concat(words);
  if (bytes.length === 4) {
    return { family: "ipv4", address: formatIpv4(bytes.readUInt32BE() as Ipv4) };
  }
  // ::ffff:a.b.c.d is an IPv4 address, whatever the socket is called (RFC 4291, 2.5.5.2).
  if (/^0{20}ffff$/.test(bytes.toString("hex", 0, 12))) {
    return { family: "ipv4", address: formatIpv4(bytes.readUInt32BE(12) as Ipv4) };
  }
  return { family: "ipv6", address: formatIpv6(BigInt(`0x${bytes.toString("hex")}`) as Ipv6) };
}

/** A port that a machine's programs listen on, with all addresses that they do so at. */
export interface Listener {
  readonly protocol: Protocol;
  readonly port: number;
  readonly addresses: readonly string[];
  /** The program's name; undefined when no process of the machine holds the socket. */
  readonly program?: string | undefined;
  /**
   * Who can get there: all, IPv4 alone, or the machine itself alone. A relay makes a port that the
   * program has on IPv4 or the loopback address answer at the mesh address too.
   */
  readonly reach: "all" | "ipv4" | "loopback" | "relayed";
}

/** man8s-init's own, now and then (RFC 2131, 4.1). */
const dhcpClient = 68;

/**
 * Puts the sockets of a machine together by port.
 *
 * @param programs the program that holds a socket, by inode.
 * @param mesh the machine's mesh address: a socket there that no program of the machine holds is a relay's.
 */
export function listenersOf(
  sockets: readonly Socket[],
  programs: ReadonlyMap<number, string>,
  mesh: string | undefined,
): Listener[] {
  const servers = sockets.filter(({ protocol, port }) => protocol !== "udp" || port !== dhcpClient);
  const groups = Map.groupBy(servers, ({ protocol, port }) => `${port}/${protocol}`);
  return [...groups.values()]
    .map((group): Listener => {
      const isRelay = ({ address, inode }: Socket) => address === mesh && !programs.has(inode);
      const own = group.filter((socket) => !isRelay(socket));
      const { protocol, port } = group[0] as Socket;
      return {
        protocol,
        port,
        addresses: [...new Set((own.length === 0 ? group : own).map(({ address }) => address))],
        program: own.map(({ inode }) => programs.get(inode)).find((name) => name !== undefined),
        reach: group.some(isRelay) ? "relayed" : reachOf(own),
      };
    })
    .sort((a, b) => a.port - b.port || (a.protocol < b.protocol ? -1 : 1));
}

function reachOf(sockets: readonly Socket[]): "all" | "ipv4" | "loopback" {
  const outside = sockets.filter(({ address }) => address !== "::1" && !/^127\./.test(address));
  if (outside.length === 0) return "loopback";
  return outside.some(({ family }) => family === "ipv6") ? "all" : "ipv4";
}

/** `80/tcp nginx (0.0.0.0)`. */
export function describeListener({ protocol, port, addresses, program }: Listener): string {
  const who = program === undefined ? "" : ` ${program}`;
  return `${port}/${protocol}${who} (${addresses.join(", ")})`;
}
