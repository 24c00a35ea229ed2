/** What a machine says of its applications: it may say anything. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { appWords, silentState, summarizeApp } from "../../lib/apps/app_list.ts";
import { parseAppHealth, parseAppStates } from "../../lib/apps/app_state.ts";
import type { UnitState } from "../../lib/host/systemd.ts";
import { parseAppName } from "../../lib/spec/app_name.ts";
import { app } from "./_app.ts";

const [web, db] = [parseAppName("web"), parseAppName("db")];
const block = (values: Record<string, string | number>) =>
  Object.entries(values)
    .map(([key, value]) => `${key}=${value}\n`)
    .join("");
const state = (values: Record<string, string | number>) =>
  parseAppStates(block({ Id: "oci-web.service", ...values }), [web]).get(web);

describe("parseAppStates()", () => {
  test.each([
    [{ ActiveState: "active", SubState: "running", NRestarts: 2 }, "running", true, 2],
    [{ ActiveState: "inactive", SubState: "dead" }, "stopped", false, 0],
    [{ ActiveState: "inactive", SubState: "dead", Job: 7 }, "starting", false, 0],
    [
      {
        ...{ ActiveState: "activating", SubState: "auto-restart", NRestarts: 4 },
        ...{ Result: "exit-code", ExecMainStatus: 3 },
      },
      "restarting (3)",
      false,
      4,
    ],
    [
      { ActiveState: "activating", SubState: "auto-restart", Result: "success" },
      "restarting (0)",
      false,
      0,
    ],
    [
      { ActiveState: "activating", SubState: "auto-restart-queued", Result: "signal" },
      "restarting (signal)",
      false,
      0,
    ],
    [{ ActiveState: "activating", SubState: "start" }, "starting", false, 0],
    [{ ActiveState: "failed", Result: "exit-code", ExecMainStatus: 3 }, "failed (3)", false, 0],
    [{ ActiveState: "failed", Result: "oom-kill" }, "failed (oom-kill)", false, 0],
    [{ ActiveState: "failed", Result: "\x1b[31m" }, "failed (unknown)", false, 0],
    [{ ActiveState: "active", NRestarts: "1e9" }, "running", true, 0],
  ])("of %j", (values, word, isRunning, restarts) => {
    expect(state(values)).toEqual({ state: word, isRunning, restarts, health: undefined });
  });

  test.each([{ ActiveState: "\x1b[2J" }, {}, { ActiveState: "constructor" }])(
    "%j is no state",
    (values) => {
      expect(state(values as Record<string, string>)).toBeUndefined();
    },
  );

  test("takes each application at its first place, and no other unit", () => {
    const text = [
      block({ Id: "oci-db.service", ActiveState: "failed", Result: "signal" }),
      block({ Id: "oci-db.service", ActiveState: "active" }),
      block({ Id: "ssh.service", ActiveState: "active" }),
    ].join("\n");
    expect([...parseAppStates(text, [web, db]).keys()]).toEqual([db]);
    expect(parseAppStates(text, [web, db]).get(db)?.state).toBe("failed (signal)");
  });

  test("says nothing that could move a cursor, whatever it is told", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string(), (active, result) => {
        const found = state({ ActiveState: active, Result: result, ExecMainStatus: result });
        expect(found?.state ?? "").toMatch(/^[a-z0-9() -]*$/);
      }),
    );
  }, 30_000);
});

test.each([
  ["healthy 0 0 123\n", "healthy"],
  ["starting 0 timeout 1\n", "starting"],
  ["unhealthy 3 1 1\n", "unhealthy"],
  ["healthy 0 0 123\nmore", undefined],
  ["well 0 0 1\n", undefined],
  ["", undefined],
])("parseAppHealth() of %j", (text, expected) => {
  expect(parseAppHealth(text)).toBe(expected as ReturnType<typeof parseAppHealth>);
});

test("a summary says where nothing is known", () => {
  const ports = [{ port: 80, protocol: "tcp" }] as const;
  const words = (...given: Parameters<typeof summarizeApp>) => appWords(summarizeApp(...given));
  const running = { state: "running", isRunning: true, restarts: 0 };
  expect(words(app, { ...running, health: "healthy" }, "unknown", ports)).toBe("web healthy");
  expect(words(app, { ...running, health: undefined }, "unknown", ports)).toBe("web running");
  expect(words(app, undefined, "starting", ports)).toBe("web starting");
  expect(summarizeApp(app, undefined, "stopped", ports).ports).toEqual(["80/tcp"]);
});

test.each([
  [undefined, "stopped"],
  [{ active: "inactive", sinceMs: 0 }, "stopped"],
  [{ active: "failed", sinceMs: 99_000 }, "stopped"],
  [{ active: "activating" }, "starting"],
  [{ active: "active", sinceMs: 99_000 }, "starting"],
  [{ active: "active", sinceMs: 9000 }, "unknown"],
] as const)("silentState() of %j, a hundred seconds after 1970", (unit, state) => {
  expect(silentState(unit as UnitState | undefined, 100_000)).toBe(state);
});
