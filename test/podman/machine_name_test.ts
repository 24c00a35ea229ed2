import { expect, test } from "bun:test";
import fc from "fast-check";
import { machineNameFor, nameOfImage } from "../../lib/podman/machine_name.ts";
import { isMachineName } from "../../lib/spec/machine_name.ts";

test.each([
  ["web", "web"],
  ["my_app", "my-app"],
  ["My.App-1", "My.App-1"],
  ["_a__b_", "a-b"],
  ["a..b.", "a.b"],
  ["x".repeat(80), "x".repeat(64)],
])("machineNameFor() makes of %s %s", (container, machine) => {
  expect<string>(machineNameFor(container)).toBe(machine);
});

test.each(["", "_", "-.-"])("machineNameFor() refuses %j", (container) => {
  expect(() => machineNameFor(container)).toThrow("no letter or digit is in it");
});

test("machineNameFor() gives a machine name, or says why not", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      if (/[A-Za-z0-9]/.test(text.slice(0, 64))) {
        expect(isMachineName(machineNameFor(text))).toBe(true);
      }
    }),
  );
});

test.each([
  ["nginx", "nginx"],
  ["docker.io/library/nginx:1.27", "nginx"],
  ["localhost:5000/team/app", "app"],
  ["quay.io/x/y@sha256:abc", "y"],
])("nameOfImage() calls %s %s", (reference, name) => {
  expect(nameOfImage(reference)).toBe(name);
});
