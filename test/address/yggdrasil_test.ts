import { expect, test } from "bun:test";
import { formatIpv6, formatPrefix, parseIpv6, parsePrefix } from "../../lib/address/ipv6.ts";
import {
  isYggdrasilPrefix,
  yggdrasilAddress,
  yggdrasilPrefix,
} from "../../lib/address/yggdrasil.ts";

// Made by yggdrasil 0.5.12: -genconf -json, then -publickey, -address and -subnet of each.
const nodes: readonly (readonly [key: string, address: string, subnet: string])[] = [
  [
    "987bb473f49e2d343703900dc4a34311b4edaa3ddb9306c9e65688ceb1829a4e",
    "200:cf08:9718:16c3:a597:91f8:dfe4:76b9",
    "300:cf08:9718:16c3::/64",
  ],
  [
    "b9f4351abb8c55f8573fecabaab9ba08c3482d323faccf0ba19d91402d0be64b",
    "200:8c17:95ca:88e7:540f:5180:26a8:aa8c",
    "300:8c17:95ca:88e7::/64",
  ],
  [
    "130a3c3d5277a3a950a921cb33dba0d3b13028574935e16c9c5440da089eceb7",
    "203:cf5c:3c2a:d885:c56a:f56d:e34c:c245",
    "303:cf5c:3c2a:d885::/64",
  ],
  [
    "996d37029e27f8fd494ecd9fe47f780ab3b74f34ab7c259e47f10134eb009996",
    "200:cd25:91fa:c3b0:e05:6d62:64c0:3701",
    "300:cd25:91fa:c3b0::/64",
  ],
];

test.each(nodes)("the key %p gives the address %p and the subnet %p", (key, address, subnet) => {
  expect(formatIpv6(yggdrasilAddress(key))).toBe(address);
  expect(formatPrefix(yggdrasilPrefix(yggdrasilAddress(key)))).toBe(subnet);
});

test.each(["", "00", "g".repeat(64), "0".repeat(64), "f".repeat(65)])(
  "yggdrasilAddress() refuses %p",
  (key) => {
    expect(() => yggdrasilAddress(key)).toThrow(/^Cannot use yggdrasil public key/);
  },
);

test("isYggdrasilPrefix() tells 300::/8 from the rest", () => {
  expect(isYggdrasilPrefix(parsePrefix("3ff:1:2:3::"))).toBe(true);
  expect(isYggdrasilPrefix(parsePrefix("200:1:2:3::"))).toBe(false);
  expect(isYggdrasilPrefix(yggdrasilPrefix(parseIpv6("200:1:2:3:4:5:6:7")))).toBe(true);
});
