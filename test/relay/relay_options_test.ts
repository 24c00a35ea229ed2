import { expect, test } from "bun:test";
import { formatRelayOptions, parseRelayOptions } from "../../lib/relay/relay_options.ts";

test("parseRelayOptions() reads what formatRelayOptions() writes", () => {
  const options = {
    protocol: "udp",
    isProxied: true,
    clientLimit: 4096,
    idleMs: 120_000,
    exitIdleMs: 300_000,
  } as const;
  const words = formatRelayOptions(options, "10.199.0.17:53");
  expect(parseRelayOptions(words)).toEqual({
    ...options,
    target: { address: "10.199.0.17", port: 53 },
  });
});

test.each(["", "tcp plain 1 1 1 host:80", "sctp plain 1 1 1 1.2.3.4:5", "tcp plain 1 1 1 1.2.3.4"])(
  "parseRelayOptions() refuses %p",
  (words) => {
    expect(() => parseRelayOptions(words.split(" "))).toThrow("no options of a relay");
  },
);
