import { expect, test } from "bun:test";
import { addressBytes, encodeSocketAddress, portBytes } from "../../lib/network/socket_address.ts";

test.each([
  ["192.0.2.1", 80, "02000050c00002010000000000000000"],
  ["2001:db8::1", 443, "0a0001bb0000000020010db800000000000000000000000100000000"],
] as const)("encodeSocketAddress() of %s port %p", (address, port, expected) => {
  const encoded = encodeSocketAddress(address, port);
  expect(encoded.toHex()).toBe(expected);
  expect(portBytes(encoded).toHex()).toBe(port.toString(16).padStart(4, "0"));
  expect(expected).toContain(addressBytes(encoded).toHex());
});
