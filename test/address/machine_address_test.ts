import { expect, test } from "bun:test";
import { parsePrefix, type Suffix } from "../../lib/address/ipv6.ts";
import {
  formatSuffix,
  isReservedSuffix,
  machineAddressText,
  machineSuffix,
} from "../../lib/address/machine_address.ts";

const golden: readonly (readonly [name: string, suffix: string])[] = [
  ["TestBWContainer3", "1d44:bc13:a177:c4d"],
  ["SomeFutureMachineName", "78d9:ceb4:751d:d98f"],
  ["Man8Registry", "506:6d46:6c9:5800"],
];

test.each(golden)("machineSuffix(%p) is %p", (name, suffix) => {
  expect(formatSuffix(machineSuffix(name))).toBe(suffix);
});

test("machineAddressText() puts prefix and suffix together", () => {
  expect(machineAddressText("TestBWContainer3", parsePrefix("300:2e98:a4b0:1789::/64"))).toBe(
    "300:2e98:a4b0:1789:1d44:bc13:a177:c4d",
  );
});

test("machineSuffix() tells upper case from lower case", () => {
  expect(machineSuffix("web")).not.toBe(machineSuffix("Web"));
});

test("the network's own address and the bridge's are reserved", () => {
  expect([0n, 1n, 2n].map((suffix) => isReservedSuffix(suffix as Suffix))).toEqual([
    true,
    true,
    false,
  ]);
});
