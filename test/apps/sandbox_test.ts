/** What applications may do, and who they must not look into. */

import { expect, test } from "bun:test";
import { renderProbeService } from "../../lib/apps/health_units.ts";
import { renderLogService } from "../../lib/apps/log_units.ts";
import { boundedCapabilities } from "../../lib/apps/sandbox.ts";
import { healthCheck } from "../../lib/spec/health_check.ts";
import { app } from "./_app.ts";

const probes = [
  { kind: "tcp", port: 80 },
  { kind: "http", port: 80, path: "/" },
] as const;

test.each([
  ["reads its output", renderLogService(app.name)],
  ...probes.map((probe) => {
    const check = healthCheck(undefined, { probe });
    if (check === undefined) throw new Error("there is no check");
    return [`asks by ${probe.kind}`, renderProbeService(app, check, undefined)] as const;
  }),
])("what %s has more than an application of root's: that one cannot look into it", (_, unit) => {
  const helpers = /^CapabilityBoundingSet=(.+)$/m.exec(unit)?.[1]?.split(" ") ?? [];
  const applications = boundedCapabilities(app.capabilities).map((name) => `CAP_${name}`);
  // ptrace(2): of two processes of one user, one that has all that the other one has may look into it.
  expect(helpers.filter((name) => !applications.includes(name))).not.toEqual([]);
  expect(unit).not.toContain("User=");
});
