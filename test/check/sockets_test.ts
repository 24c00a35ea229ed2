import { describe, expect, test } from "bun:test";
import {
  describeListener,
  listenersOf,
  parseSockets,
  type Socket,
} from "../../lib/check/sockets.ts";

/** Lines of Linux 6.18; each table has a heading. */
const heading =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
const rest = "00000000:00000000 00:00000000 00000000   996        0";
const line = (local: string, remote: string, state: string, inode: number | string) =>
  `   0: ${local} ${remote} ${state} ${rest} ${inode} 1 00000000eec6ad87 100 0 0 10 5`;
const nobody4 = "00000000:0000";
const nobody6 = `${"0".repeat(32)}:0000`;

describe("parseSockets()", () => {
  const rows: readonly (readonly [string, "tcp" | "udp", string, Omit<Socket, "protocol">])[] = [
    [
      "every IPv4 address",
      "tcp",
      line("00000000:0050", nobody4, "0A", 7),
      { family: "ipv4", address: "0.0.0.0", port: 80, inode: 7 },
    ],
    [
      "one IPv4 address, in the order of the processor",
      "tcp",
      line("0100C70A:0035", nobody4, "0A", 6591939),
      { family: "ipv4", address: "10.199.0.1", port: 53, inode: 6591939 },
    ],
    [
      "a UDP socket",
      "udp",
      line("3500007F:FFFF", nobody4, "07", 1),
      { family: "ipv4", address: "127.0.0.53", port: 65535, inode: 1 },
    ],
    [
      "every IPv6 address",
      "tcp",
      line(`${"0".repeat(32)}:01BB`, nobody6, "0A", 2),
      { family: "ipv6", address: "::", port: 443, inode: 2 },
    ],
    [
      "one IPv6 address, word by word",
      "tcp",
      line("ED16FCFD000001760000000001000000:0035", nobody6, "0A", 3),
      { family: "ipv6", address: "fdfc:16ed:7601::1", port: 53, inode: 3 },
    ],
    [
      "an IPv4 address in an IPv6 socket as what it is",
      "tcp",
      line("0000000000000000FFFF00000100007F:0050", nobody6, "0A", 4),
      { family: "ipv4", address: "127.0.0.1", port: 80, inode: 4 },
    ],
  ];
  test.each(rows)("reads %s", (_, protocol, text, socket) => {
    expect(parseSockets(`${heading}\n${text}\n`, protocol)).toEqual([{ protocol, ...socket }]);
  });

  const odd: readonly (readonly [string, "tcp" | "udp", string])[] = [
    ["nothing", "tcp", ""],
    ["the heading", "tcp", heading],
    ["a connection", "tcp", line("0100007F:0050", "0100007F:9C40", "01", 1)],
    [
      "what a connection leaves, without an inode of its own",
      "tcp",
      line("0100007F:0050", "0100007F:9C40", "06", 0),
    ],
    ["a UDP socket with a peer", "udp", line("0100007F:0050", "0100007F:9C40", "01", 1)],
    ["a UDP socket that had a peer", "udp", line("0100007F:0050", "0100007F:9C40", "07", 1)],
    ["a line that was cut", "tcp", line("0100007F:0050", nobody4, "0A", 1).slice(0, 60)],
    ["an address of another length", "tcp", line("0100007F01:0050", nobody4, "0A", 1)],
    ["a port of another length", "tcp", line("0100007F:00050", nobody4, "0A", 1)],
    ["an inode that is no number", "tcp", line("0100007F:0050", nobody4, "0A", "x")],
  ];
  test.each(odd)("passes over %s", (_, protocol, text) => {
    expect(parseSockets(`${text}\n`, protocol)).toEqual([]);
  });
});

describe("listenersOf()", () => {
  const mesh = "300::7";
  const socket = (address: string, inode: number, port = 80): Socket => {
    return {
      protocol: "tcp",
      family: address.includes(":") ? "ipv6" : "ipv4",
      address,
      port,
      inode,
    };
  };
  const programs = new Map([
    [1, "nginx"],
    [2, "nginx"],
  ]);
  const rows: readonly (readonly [string, readonly Socket[], string, readonly string[]])[] = [
    ["all, on ::", [socket("::", 1)], "all", ["::"]],
    ["all, on both", [socket("0.0.0.0", 1), socket("::", 2)], "all", ["0.0.0.0", "::"]],
    ["all, on its own address", [socket(mesh, 1)], "all", [mesh]],
    ["IPv4", [socket("0.0.0.0", 1)], "ipv4", ["0.0.0.0"]],
    [
      "IPv4, with ::1 beside",
      [socket("10.0.0.1", 1), socket("::1", 2)],
      "ipv4",
      ["10.0.0.1", "::1"],
    ],
    ["loopback", [socket("127.0.0.1", 1), socket("::1", 2)], "loopback", ["127.0.0.1", "::1"]],
    ["loopback, of 127/8", [socket("127.1.2.3", 1)], "loopback", ["127.1.2.3"]],
    ["a relay's", [socket("0.0.0.0", 1), socket(mesh, 9)], "relayed", ["0.0.0.0"]],
    ["a relay's whose program is gone", [socket(mesh, 9)], "relayed", [mesh]],
    ["each address once", [socket("::", 1), socket("::", 2)], "all", ["::"]],
  ];
  test.each(rows)("knows who reaches a port: %s", (_, sockets, reach, addresses) => {
    expect(listenersOf(sockets, programs, mesh)).toMatchObject([{ reach, addresses }]);
  });

  test("sorts by port, and keeps TCP and UDP apart", () => {
    const sockets: Socket[] = [
      { ...socket("::", 1, 443) },
      { ...socket("::", 5, 53), protocol: "udp" },
      { ...socket("::", 1, 53) },
    ];
    expect(listenersOf(sockets, programs, mesh).map(describeListener)).toEqual([
      "53/tcp nginx (::)",
      "53/udp (::)",
      "443/tcp nginx (::)",
    ]);
  });

  test("leaves out the DHCP client of man8s-init, and nothing else of that number", () => {
    const client: Socket = { ...socket("0.0.0.0", 1, 68), protocol: "udp" };
    expect(listenersOf([client], programs, mesh)).toEqual([]);
    expect(listenersOf([socket("0.0.0.0", 1, 68)], programs, mesh)).toHaveLength(1);
  });
});
