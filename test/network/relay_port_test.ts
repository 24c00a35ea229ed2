import { describe, expect, test } from "bun:test";
import { doubleRelay, formatRelayPort, parseRelayPort } from "../../lib/network/relay_port.ts";

describe("parseRelayPort()", () => {
  test.each([
    ["auto", { port: "auto", protocol: "tcp", isProxied: false }],
    ["auto+proxy", { port: "auto", protocol: "tcp", isProxied: true }],
    ["80", { port: 80, protocol: "tcp", isProxied: false }],
    ["53/udp", { port: 53, protocol: "udp", isProxied: false }],
    ["53/udp+proxy", { port: 53, protocol: "udp", isProxied: true }],
  ] as const)("reads %s, and formatRelayPort() writes it", (text, expected) => {
    expect(parseRelayPort(text)).toEqual(expected);
    expect(formatRelayPort(expected)).toBe(text);
  });

  test.each(["", "80-90", "auto/udp", "0", "65536", "80+", "80+proxy+proxy", "http"])(
    "refuses %p",
    (text) => {
      expect(() => parseRelayPort(text)).toThrow(/^Cannot (read the port|relay)/);
    },
  );
});

test.each([
  [["80", "80/udp", "81", "auto"], undefined],
  [["80", "81+proxy", "80+proxy"], "80+proxy"],
  [["auto", "auto+proxy"], "auto+proxy"],
])("doubleRelay() of %p", (texts, twice) => {
  const found = doubleRelay(texts.map(parseRelayPort));
  expect(found && formatRelayPort(found)).toBe(twice);
});
