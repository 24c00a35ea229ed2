import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatAccessRule, parseAccessRule } from "../../lib/network/access_rule.ts";
import { formatPortRange, parsePortRange, type Protocol } from "../../lib/network/port.ts";

describe("parseAccessRule()", () => {
  test.each([
    ["trusted", { from: { kind: "trusted" } }],
    ["mesh:443/tcp", { from: { kind: "mesh" }, ports: { first: 443, last: 443, protocol: "tcp" } }],
    ["hostc", { from: { kind: "host", host: "hostc" } }],
    ["web@hostb", { from: { kind: "machine", machine: "web", host: "hostb" } }],
    [
      "a.b-1@h.c:8000-8010/udp",
      {
        from: { kind: "machine", machine: "a.b-1", host: "h.c" },
        ports: { first: 8000, last: 8010, protocol: "udp" },
      },
    ],
    // Reserved words are no hosts; behind an @ they would be, and config.toml has none of that name.
    ["trusted@hostb", { from: { kind: "machine", machine: "trusted", host: "hostb" } }],
  ])("reads %p", (text, rule) => expect(parseAccessRule(text)).toEqual(rule as never));

  test.each([
    ["", "names nobody"],
    [":80", "names nobody"],
    ["web@", "names nobody"],
    ["@hostb", "names nobody"],
    ["a@b@c", "names nobody"],
    ["we b", "names nobody"],
    ["web\n", "names nobody"],
    ["300:1::/64", "Cannot read the port"],
    ["mesh:", "Cannot read the port"],
    ["mesh:0", "Cannot read the port"],
    ["mesh:65536", "Cannot read the port"],
    ["mesh:90-80", "Cannot read the port"],
    ["mesh:80/sctp", "Cannot read the port"],
    ["mesh:80/tcp:81", "Cannot read the port"],
    ["mesh: 80", "Cannot read the port"],
  ])("refuses %p: it %s", (text, says) => expect(() => parseAccessRule(text)).toThrow(says));

  test("is the inverse of formatAccessRule()", () => {
    const name = fc.stringMatching(/^[a-zA-Z0-9]([a-zA-Z0-9-]{0,9}[a-zA-Z0-9])?$/);
    const source = fc.oneof(
      name,
      fc.tuple(name, name).map((parts) => parts.join("@")),
    );
    const port = fc.integer({ min: 1, max: 65535 });
    const ports = fc
      .tuple(port, fc.constantFrom("/tcp", "/udp"))
      .map(([number, protocol]) => `:${number}${protocol}`);
    fc.assert(
      fc.property(fc.tuple(source, fc.oneof(ports, fc.constant(""))), (parts) => {
        expect(formatAccessRule(parseAccessRule(parts.join("")))).toBe(parts.join(""));
      }),
    );
  });
});

test("parsePortRange() is the inverse of formatPortRange(), and takes TCP where nothing is said", () => {
  const port = fc.integer({ min: 1, max: 65535 });
  fc.assert(
    fc.property(port, port, fc.constantFrom<Protocol>("tcp", "udp"), (a, b, protocol) => {
      const range = { first: Math.min(a, b), last: Math.max(a, b), protocol };
      expect(parsePortRange(formatPortRange(range))).toEqual(range);
    }),
  );
  expect(parsePortRange("80")).toEqual({ first: 80, last: 80, protocol: "tcp" });
  for (const text of ["", "x", "-1", "1-", "-", "1-2-3", "80 ", "080000", "1/TCP", "/udp"])
    expect(() => parsePortRange(text)).toThrow("Cannot read the port");
});
