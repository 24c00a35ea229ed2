import { expect, test } from "bun:test";
import { formatPublishedPort } from "../../lib/network/published_port.ts";
import { convertPublish } from "../../lib/podman/ports.ts";
import { converted } from "./_tools.ts";

const good: readonly (readonly [value: string, ports: readonly string[]])[] = [
  ["8080:80", ["8080:80"]],
  ["8080:80/tcp", ["8080:80"]],
  ["5353:53/udp", ["5353:53/udp"]],
  ["127.0.0.1:8080:80", ["127.0.0.1:8080:80"]],
  ["0.0.0.0:8080:80", ["0.0.0.0:8080:80"]],
  ["[::1]:8080:80", ["[::1]:8080:80"]],
  ["8000-8002:9000-9002", ["8000:9000", "8001:9001", "8002:9002"]],
  ["127.0.0.1:8000-8001:80-81/udp", ["127.0.0.1:8000:80/udp", "127.0.0.1:8001:81/udp"]],
];

test.each(good)("convertPublish() reads %s", (value, ports) => {
  const { publish, remarks } = converted(convertPublish, value);
  expect(publish.map(formatPublishedPort)).toEqual([...ports]);
  expect(remarks).toEqual([]);
});

const lost: readonly (readonly [value: string, reason: string])[] = [
  ["80", "mbctl chooses no port of the host for you: write HOST:80"],
  ["127.0.0.1::80", "mbctl chooses no port of the host for you: write HOST:80"],
  ["3000-3005", "mbctl chooses no port of the host for you: write HOST:3000-3005"],
  ["8000-8010:80", "one of several ports of the host is not chosen for you"],
  ["80:80/sctp", "only tcp and udp are published, not sctp"],
  ["10000-20000:10000-20000/udp", "10001 ports of the host are too many for one relay each"],
];

test.each(lost)("convertPublish() lists %s", (value, reason) => {
  const { publish, remarks } = converted(convertPublish, value);
  expect(publish).toEqual([]);
  expect(remarks.map(({ kind }) => kind)).toEqual(["unsupported"]);
  expect(remarks[0]?.reason.startsWith(reason)).toBe(true);
});

test.each(["", "a:80", "80:a", "80:80:80:80", "70000:80", "80-70:80-70", "localhost:80:80", "80:"])(
  "convertPublish() refuses %j",
  (value) => {
    expect(() => converted(convertPublish, value)).toThrow(/^Cannot /);
  },
);
