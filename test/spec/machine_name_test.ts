import { expect, test } from "bun:test";
import { hostInterfaceName, machineUnit, parseMachineName } from "../../lib/spec/machine_name.ts";

const good = ["a", "web", "Man8Registry", "TestBWContainer3", "web-1", "a.b", "1", "x".repeat(64)];

const bad: readonly (readonly [name: string, state: string])[] = [
  ["", "it is empty"],
  ["x".repeat(65), "it has 65 characters, more than 64"],
  ["a_b", '"_" is not allowed in it'],
  ["a/b", '"/" is not allowed in it'],
  ["..", 'a "." stands at its beginning, at its end or beside another'],
  [".", 'a "." stands at its beginning, at its end or beside another'],
  ["../x", '"/" is not allowed in it'],
  [".hidden", 'a "." stands at its beginning, at its end or beside another'],
  ["a.", 'a "." stands at its beginning, at its end or beside another'],
  ["a..b", 'a "." stands at its beginning, at its end or beside another'],
  ["-a", 'a "-" stands at the beginning of a part'],
  ["a-", 'a "-" stands at the end of a part'],
  ["a.-b", 'a "-" stands at the beginning of a part'],
  ["a b", '" " is not allowed in it'],
  ["a\n", '"\\n" is not allowed in it'],
  ["ä", '"ä" is not allowed in it'],
  ["a@b", '"@" is not allowed in it'],
  ["$(id)", '"$" is not allowed in it'],
];

test.each(good)("parseMachineName() takes %p as it is", (name) => {
  expect(parseMachineName(name) as string).toBe(name);
});

test.each(bad)("parseMachineName() refuses %p: %s", (name, state) => {
  expect(() => parseMachineName(name)).toThrow(
    `Cannot use ${JSON.stringify(name)} as a machine name: ${state}`,
  );
});

test("hostInterfaceName() has the 15 characters that the kernel allows", () => {
  expect(hostInterfaceName(parseMachineName("web"))).toBe("vb-web");
  expect(hostInterfaceName(parseMachineName("long-name-of-a-machine"))).toBe("vb-long-name-of");
});

test("machineUnit() is an instance of systemd's own template", () => {
  expect(machineUnit(parseMachineName("web-1"))).toBe("systemd-nspawn@web-1.service");
});
