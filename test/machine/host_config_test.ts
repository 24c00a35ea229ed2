import { expect, test } from "bun:test";
import { formatPrefix } from "../../lib/address/ipv6.ts";
import { MbctlError } from "../../lib/errors.ts";
import { defaultHostConfig, parseHostConfig } from "../../lib/machine/host_config.ts";

const file = "/etc/mbctl/config.toml";

test("parseHostConfig() gives the defaults where there is no file, or an empty one", () => {
  expect(parseHostConfig(undefined, file)).toEqual({
    bridge: "srvgrp0",
    stopTimeoutSec: 10,
    imageTrees: "auto",
  });
  expect(parseHostConfig("# nothing\n", file)).toEqual({
    ...defaultHostConfig,
    busybox: undefined,
    prefix: undefined,
  });
});

test("parseHostConfig() reads every key", () => {
  const text =
    'bridge = "br0"\nprefix = "300:2e98:a4b0:1789::/64"\nbusybox = "/opt/busybox"\nstop_timeout_sec = 30\nimage_trees = "always"\n';
  const { prefix, ...rest } = parseHostConfig(text, file);
  expect(prefix && formatPrefix(prefix)).toBe("300:2e98:a4b0:1789::/64");
  expect(rest).toEqual({
    bridge: "br0",
    busybox: "/opt/busybox",
    stopTimeoutSec: 30,
    imageTrees: "always",
  });
});

const bad: readonly (readonly [text: string, state: RegExp])[] = [
  ["= 1", /^Cannot read "\/etc\/mbctl\/config.toml": line 1, column 1: /],
  ['bridge = "br0"\nbridge = "br1"', /line 2, column 1: /],
  ['bridge = "sixteen-characte"', /an interface name of 1 to 15 characters\n +→ at bridge$/],
  ['bridge = "a b"', /→ at bridge$/],
  ['bridge = ""', /→ at bridge$/],
  [
    'prefix = "300::1/64"',
    /: prefix: Cannot parse IPv6 prefix "300::1\/64": bits are set behind the 64th$/,
  ],
  ['prefix = "300::/63"', /: prefix: Cannot parse IPv6 prefix /],
  ['busybox = "busybox"', /→ at busybox$/],
  ["stop_timeout_sec = 0", /→ at stop_timeout_sec$/],
  ["stop_timeout_sec = 1.5", /→ at stop_timeout_sec$/],
  ['image_trees = "sometimes"', /→ at image_trees$/],
  ['Bridge = "br0"', /→ at Bridge$/],
];
test.each(bad)("parseHostConfig() refuses %j as bad input, with a hint", (text, state) => {
  let error: unknown;
  try {
    parseHostConfig(text, file);
  } catch (thrown) {
    error = thrown;
  }
  if (!(error instanceof MbctlError)) throw new Error("no MbctlError");
  expect(error.message).toMatch(state);
  expect([error.kind, error.hint?.startsWith("mend the file; ")]).toEqual(["usage", true]);
});
