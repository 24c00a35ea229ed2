import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatIpv6, type Ipv6 } from "../../lib/address/ipv6.ts";
import { formatIpv4, type Ipv4 } from "../../lib/network/ipv4.ts";
import {
  formatPublishedPort,
  parsePublishedPort,
  type PublishedPort,
} from "../../lib/network/published_port.ts";

describe("parsePublishedPort()", () => {
  test.each([
    ["8080:80", { hostPort: 8080, machinePort: 80, protocol: "tcp" }],
    [
      "127.0.0.1:5353:53/udp",
      { address: "127.0.0.1", hostPort: 5353, machinePort: 53, protocol: "udp" },
    ],
    ["[0:0::1]:1:65535/tcp", { address: "::1", hostPort: 1, machinePort: 65535, protocol: "tcp" }],
  ] as const)("reads %s", (text, expected) => {
    expect(parsePublishedPort(text)).toEqual(expected);
  });

  test.each([
    ["80", "it is not two ports with a colon between them"],
    ["80:80/sctp", "it is not two ports with a colon between them"],
    ["::1:80:80", "it is not two ports with a colon between them"],
    ["80-90:80-90", "it is not two ports with a colon between them"],
    ["0:80", "0 is no port of 1 to 65535"],
    ["80:65536", "65536 is no port of 1 to 65535"],
  ])("refuses %s", (text, state) => {
    expect(() => parsePublishedPort(text)).toThrow(
      `Cannot publish ${JSON.stringify(text)}: ${state}`,
    );
  });

  test.each(["localhost:80:80", "1.2.3:80:80", "[1.2.3.4]:80:80", ":80:80"])(
    "refuses the address of %s",
    (text) => {
      expect(() => parsePublishedPort(text)).toThrow("Cannot parse IPv");
    },
  );

  test("reads what formatPublishedPort() writes", () => {
    const port = fc.integer({ min: 1, max: 65535 });
    const address = fc.oneof(
      fc.nat(0xffff_ffff).map((number) => formatIpv4(number as Ipv4)),
      fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map((number) => formatIpv6(number as Ipv6)),
    );
    const ports = fc.record(
      { address, hostPort: port, machinePort: port, protocol: fc.constantFrom("tcp", "udp") },
      { requiredKeys: ["hostPort", "machinePort", "protocol"] },
    );
    fc.assert(
      fc.property(ports, (value) => {
        expect(parsePublishedPort(formatPublishedPort(value as PublishedPort))).toEqual(
          value as PublishedPort,
        );
      }),
    );
  });
});
