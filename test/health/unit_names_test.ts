import { expect, test } from "bun:test";
import { healthMachine, healthUnit, healthyUnit } from "../../lib/health/unit_names.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";

const web = parseMachineName("web-1.x");

test.each([
  [`${healthUnit(web)}.service`, "web-1.x"],
  [`${healthUnit(web)}.timer`, "web-1.x"],
  [healthyUnit(web), "web-1.x"],
  ["mbctl-healthy_web.timer", undefined],
  ["mbctl-health_web@1.service", undefined],
  ["mbctl-health_.service", undefined],
  ["mbctl-health_-x.service", undefined],
  ["my-mbctl-health_web.service", undefined],
  ["mbctl-relay6_web.service", undefined],
])("healthMachine() of %s is %p", (file, name) => {
  expect<string | undefined>(healthMachine(file)).toBe(name);
});
