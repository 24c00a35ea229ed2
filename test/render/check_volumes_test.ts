import { expect, test } from "bun:test";
import { checkVolumes } from "../../lib/render/check_volumes.ts";

test.each([
  "/machine.toml",
  "//container.nspawn",
  "/man8env.env",
  "/host0.network",
  "/./.mbctl",
  "/.mbctl/unit.d",
  "/.container.nspawn.mbctl-next",
])("checkVolumes() keeps %s of the configuration folder from the machine", (path) => {
  expect(() => checkVolumes([{ path, kind: "config" }])).toThrow("in the configuration folder");
});

test("checkVolumes() lets files of those names be anywhere else", () => {
  const volumes = ["/machine.toml", "/.mbctl/unit.d", "/host0.network"];
  expect(() => checkVolumes(volumes.map((path) => ({ path, kind: "data" })))).not.toThrow();
  expect(() => checkVolumes([{ path: "/etc/machine.toml", kind: "config" }])).not.toThrow();
});
