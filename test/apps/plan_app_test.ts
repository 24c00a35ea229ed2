import { expect, test } from "bun:test";
import { planAddApp } from "../../lib/apps/plan_app.ts";
import { machinePaths } from "../../lib/paths.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { app } from "./_app.ts";

test("a folder of the host is made, as its machine would not start without it", () => {
  const machine = parseMachineName("office");
  const { prepare } = planAddApp({
    ...{ machine, paths: machinePaths("/", machine), imageText: "{}", isReplaced: false },
    app: { ...app, volumes: [{ path: "/x", kind: "host", source: "/srv/x" }] },
    busybox: "/bin/busybox",
  });
  expect(prepare).toContainEqual({ kind: "make-directory", path: "/srv/x", mode: 0o755 });
});
