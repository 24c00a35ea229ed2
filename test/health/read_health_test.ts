import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { healthPaths } from "../../lib/health/health_paths.ts";
import { readHealth, waitForHealth } from "../../lib/health/read_health.ts";
import { type Host, openHost } from "../../lib/host/host.ts";
import type { UnitState } from "../../lib/host/systemd.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";

const web = parseMachineName("web");
const paths = healthPaths(web);
const timeoutMs = 20_000;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "mbctl-read-health-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, text: string | Uint8Array): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

const keep = (state: string, mainPid = 10) =>
  write(paths.found.state, `STATE=${state}\nSTREAK=0\nEXIT=0\nSINCE=1\nMAIN=${mainPid}\n`);

/** A host whose systemd says one state after the other of the machine, the last one from then on; `onLast` before it. */
function hostWith(
  states: readonly (readonly [active: string, mainPid: number, sub?: string])[],
  onLast?: () => void,
) {
  const queue = [...states];
  const run: Host["run"] = async () => {
    if (queue.length === 1) onLast?.();
    const [active = "", mainPid = 0, sub = ""] =
      (queue.length > 1 ? queue.shift() : queue[0]) ?? [];
    const stdout = `Id=systemd-nspawn@web.service\nActiveState=${active}\nSubState=${sub}\nMainPID=${mainPid}\n`;
    return { stdout, stderr: "", exitCode: 0 };
  };
  return { ...openHost({ root, log: { command: () => {} } }), run };
}

describe("readHealth()", () => {
  const unit: UnitState = {
    active: "active",
    sinceMs: 1,
    isEnabled: false,
    exitStatus: 0,
    result: "success",
    mainPid: 10,
  };

  test("tells what was found in this start of the machine, with the output made harmless", () => {
    keep("healthy");
    write(paths.found.output, "fine\u001b[31m\r\n");
    expect(readHealth(root, web, unit)).toMatchObject({
      state: "healthy",
      askedMs: expect.any(Number),
      output: "fine[31m",
    });
  });

  test.each([
    ["another start", { ...unit, mainPid: 11 }],
    ["a machine that has stopped", { ...unit, active: "inactive", mainPid: 10 }],
    ["one that systemd does not know", undefined],
  ])("nothing of %s", (_, state) => {
    keep("healthy");
    expect(readHealth(root, web, state)).toBeUndefined();
  });

  test("nothing where nobody asked yet", () => {
    expect(readHealth(root, web, unit)).toBeUndefined();
  });
});

describe("waitForHealth()", () => {
  const patience = { graceMs: 300 };

  test.each(["healthy", "unhealthy"] as const)(
    "a machine that becomes %s",
    async (state) => {
      write(paths.settings, "patience=100\ntimeout=1.000\n");
      keep("starting");
      const host = hostWith(
        [
          ["activating", 0],
          ["active", 10],
          ["active", 10],
        ],
        () => keep(state),
      );
      expect(await waitForHealth(host, web, patience)).toBe(state);
    },
    timeoutMs,
  );

  test(
    "what an earlier start left does not count",
    async () => {
      write(paths.settings, "patience=100\ntimeout=1.000\n");
      keep("healthy", 9);
      const host = hostWith([["active", 10]]);
      expect(await waitForHealth(host, web, { ...patience, timeoutMs: 300 })).toBe("unhealthy");
    },
    timeoutMs,
  );

  test(
    "a machine without a check is well when it still runs after the grace time",
    async () => {
      const before = performance.now();
      expect(await waitForHealth(hostWith([["active", 10]]), web, patience)).toBe("running");
      expect(performance.now() - before).toBeGreaterThanOrEqual(300);
    },
    timeoutMs,
  );

  test.each([
    [
      "ends",
      [
        ["active", 10],
        ["failed", 0],
      ],
    ],
    [
      "is started again by systemd",
      [
        ["active", 10],
        ["active", 11],
      ],
    ],
    ["waits for the next try", [["activating", 0, "auto-restart"]]],
  ] as const)(
    "a machine that %s has exited",
    async (_, states) => {
      write(paths.settings, "patience=6000\ntimeout=1.000\n");
      expect(await waitForHealth(hostWith(states), web, patience)).toBe("exited");
    },
    timeoutMs,
  );

  test(
    "Ctrl-C ends the wait",
    async () => {
      const wait = waitForHealth(hostWith([["active", 10]]), web, {
        graceMs: 60_000,
        signal: AbortSignal.timeout(50),
      });
      await expect(wait).rejects.toMatchObject({ kind: "interrupted" });
    },
    timeoutMs,
  );
});
