import { expect, test } from "bun:test";
import {
  interfaceNamePattern,
  machineInterface,
  macvlanDevice,
} from "../../lib/network/template.ts";

test.each([
  [{ kind: "bridge" }, "host0"],
  [{ kind: "macvlan", parent: "eth0" }, "mv-eth0"],
  [{ kind: "macvlan", parent: "eth0", vlan: 20 }, "mv-eth0.20"],
  // nspawn shortens by a hash of its own; man8s-init takes the one there is.
  [{ kind: "macvlan", parent: "enx001122334455" }, "mv-enx001122334"],
  [{ kind: "host" }, ""],
  [{ kind: "private" }, "lo"],
] as const)("machineInterface() of %j is %j", (network, name) => {
  expect(machineInterface(network)).toBe(name);
});

test("macvlanDevice() is the parent, or the VLAN on it", () => {
  expect(macvlanDevice({ kind: "macvlan", parent: "eth0" })).toBe("eth0");
  expect(macvlanDevice({ kind: "macvlan", parent: "eth0", vlan: 4094 })).toBe("eth0.4094");
});

test.each([
  ["eth0", true],
  ["br-lan.7", true],
  ["x".repeat(15), true],
  ["x".repeat(16), false],
  ["", false],
  ["-x", false],
  ["a b", false],
  ["a/b", false],
  ["$(id)", false],
  ["a\nb", false],
])("interfaceNamePattern: %j is a name: %p", (name, isName) => {
  expect(interfaceNamePattern.test(name)).toBe(isName);
});
