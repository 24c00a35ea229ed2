import { expect, test } from "bun:test";
import { encodeSocketAddress } from "../../lib/network/socket_address.ts";
import { longestHeaderBytes, writeProxyHeader } from "../../lib/relay/proxy_header.ts";

/** Of haproxy's doc/proxy-protocol.txt, 2.2: the signature. */
const signature = "0d0a0d0a000d0a515549540a";

test.each([
  [
    "tcp",
    "2001:db8::1",
    "300::2",
    `21210024${"20010db8".padEnd(31, "0")}1${"0300".padEnd(31, "0")}2`,
  ],
  [
    "udp",
    "2001:db8::1",
    "300::2",
    `21220024${"20010db8".padEnd(31, "0")}1${"0300".padEnd(31, "0")}2`,
  ],
  ["tcp", "192.0.2.1", "198.51.100.2", "2111000cc0000201c6336402"],
  ["udp", "::ffff:192.0.2.1", "::ffff:198.51.100.2", "2112000cc0000201c6336402"],
] as const)("writeProxyHeader() of %s from %s", (protocol, client, server, expected) => {
  const into = new Uint8Array(longestHeaderBytes);
  const length = writeProxyHeader(
    protocol,
    encodeSocketAddress(client, 0x1234),
    encodeSocketAddress(server, 0x50),
    into,
  );
  expect(into.subarray(0, length).toHex()).toBe(`${signature}${expected}12340050`);
});
