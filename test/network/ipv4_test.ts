import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  formatIpv4,
  formatIpv4Network,
  type Ipv4,
  overlapsIpv4,
  parseIpv4,
  parseIpv4Network,
} from "../../lib/network/ipv4.ts";

describe("parseIpv4()", () => {
  test("is the inverse of formatIpv4()", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (bits) => {
        expect(parseIpv4(formatIpv4(bits as Ipv4))).toBe(bits as Ipv4);
      }),
    );
  });

  test.each(["", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.-4", "1.2.3.4 ", "::1"])(
    "refuses %j",
    (text) => expect(() => parseIpv4(text)).toThrow(/^Cannot parse IPv4 address /),
  );
});

describe("parseIpv4Network()", () => {
  test.each(["0.0.0.0/0", "10.199.0.0/24", "192.168.1.1/32", "128.0.0.0/1"])("reads %s", (text) => {
    expect(formatIpv4Network(parseIpv4Network(text))).toBe(text);
  });

  test.each([
    ["10.199.0.1/24", "bits are set behind the 24th"],
    ["10.0.0.0", 'it has no length of 0 to 32 behind a "/"'],
    ["10.0.0.0/33", 'it has no length of 0 to 32 behind a "/"'],
    ["10.0.0.0/08", 'it has no length of 0 to 32 behind a "/"'],
  ])("refuses %s", (text, state) => {
    expect(() => parseIpv4Network(text)).toThrow(
      `Cannot parse IPv4 network ${JSON.stringify(text)}: ${state}`,
    );
  });
});

describe("overlapsIpv4()", () => {
  test.each([
    ["10.0.0.0/8", "10.199.0.0/24", true],
    ["10.199.0.0/24", "10.199.1.0/24", false],
    ["0.0.0.0/0", "192.168.0.0/16", true],
    ["255.255.255.255/32", "255.255.255.0/24", true],
    ["128.0.0.0/1", "10.0.0.0/8", false],
  ])("of %s and %s is %p, both ways", (a, b, wanted) => {
    const [one, two] = [parseIpv4Network(a), parseIpv4Network(b)];
    expect([overlapsIpv4(one, two), overlapsIpv4(two, one)]).toEqual([wanted, wanted]);
  });
});
