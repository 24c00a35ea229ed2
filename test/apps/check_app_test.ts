/** check_app.sh under real shells; systemctl is a script that answers as told and notes what it is asked. */

import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const script = join(import.meta.dir, "../../lib/apps/check_app.sh");
const dir = mkdtempSync(join(tmpdir(), "mbctl-check-app-"));
const bin = join(dir, "bin");

/** Answers of `answers`, by the unit and the property; starting the probe fails where there is a Result. */
const systemctl = `#!/bin/sh
echo "$*" >>${dir}/asked
. ${dir}/answers
case "$*" in
  *is-active*) [ "$active" = yes ] ;;
  *ExecMainStatus*) echo "$status" ;;
  *Result*) echo "$result" ;;
  *ActiveEnterTimestampMonotonic*) echo "$started" ;;
  *start*probe*) [ -z "$result" ] ;;
esac
`;

const long = "1"; // Since the host's boot, in microseconds.
const now = () => `${Math.floor(Number(readFileSync("/proc/uptime", "utf8").split(".")[0]) * 1e6)}`;

const shells = [
  ["dash", ["dash"]],
  ["busybox sh", ["busybox", "sh"]],
  ["bash", ["bash"]],
] as const;

describe.each(shells)("check_app.sh under %s", (_, shell) => {
  beforeEach(() => {
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(bin, { recursive: true });
    for (const [name, text] of [
      ["systemctl", systemctl],
      ["sleep", "#!/bin/sh\n"],
    ] as const) {
      writeFileSync(join(bin, name), text);
      chmodSync(join(bin, name), 0o755);
    }
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  /** One check; what it keeps, and which units it told something. */
  function check(
    answer: { status?: number; result?: string; started?: string; active?: string },
    { patience = 10, retries = 2, action = "none" } = {},
  ) {
    const { status = 0, result = "", started = long, active = "yes" } = answer;
    writeFileSync(
      join(dir, "answers"),
      `status=${status} result=${result} started=${started} active=${active}\n`,
    );
    writeFileSync(join(dir, "asked"), "");
    const words = [script, "web", `${patience}`, `${retries}`, action];
    const { exitCode, stderr, stdout } = Bun.spawnSync([...shell, ...words], {
      env: { PATH: `${bin}:/usr/bin:/bin`, MBCTL_TEST_RUN: dir },
    });
    expect({ exitCode, stderr: stderr.toString() }).toEqual({ exitCode: 0, stderr: "" });
    const told = readFileSync(join(dir, "asked"), "utf8")
      .split("\n")
      .filter((line) => line.startsWith("--no-block") || line.startsWith("reset-failed"));
    let kept = "";
    try {
      kept = readFileSync(join(dir, "web/health"), "utf8").trim();
    } catch {}
    return { kept: kept.replace(/ \d+$/, ""), told, said: stdout.toString().trim() };
  }

  test("well at once, and again", () => {
    expect(check({})).toEqual({
      kept: "healthy 0 0",
      told: [],
      said: "<5>oci-web.service is healthy",
    });
    expect(check({})).toMatchObject({ kept: "healthy 0 0", said: "" });
  });

  test("unwell after so many failures in a row, and then it acts once", () => {
    check({});
    expect(check({ status: 7 }, { action: "restart" })).toMatchObject({ kept: "healthy 1 7" });
    const second = check({ status: 7 }, { action: "restart" });
    expect(second.kept).toBe("unhealthy 2 7");
    expect(second.told).toEqual(["--no-block restart oci-web.service"]);
    expect(check({ status: 7 }, { action: "restart" }).told).toEqual([]);
    expect(check({}).kept).toBe("healthy 0 0");
    check({ status: 1 });
    check({});
    expect(check({ status: 1 }).kept).toBe("healthy 1 1");
  });

  test("no answer in time is a failure, and no failed unit", () => {
    check({});
    expect(check({ result: "timeout" })).toMatchObject({
      kept: "healthy 1 timeout",
      told: ["reset-failed oci-web-probe.service"],
    });
  });

  test("failures of one that has just begun do not count, and it is asked again at once", () => {
    const started = now();
    expect(check({ status: 1, started }, { patience: 1000 })).toEqual({
      kept: "starting 0 1",
      told: ["--no-block restart oci-web-health.service"],
      said: "",
    });
    expect(check({ status: 0, started }, { patience: 1000 }).kept).toBe("healthy 0 0");
  });

  test("one that never became well has had its time", () => {
    expect(check({ status: 3 }, { action: "stop" })).toEqual({
      kept: "unhealthy 2 3",
      told: ["--no-block stop oci-web.service"],
      said: "<5>oci-web.service is unhealthy",
    });
  });

  test("what was found of an earlier start does not count", () => {
    check({ status: 3 });
    const started = now();
    expect(check({ status: 1, started }, { patience: 1000 }).kept).toBe("starting 0 1");
  });

  test("one that does not run is not asked", () => {
    expect(check({ active: "no" })).toEqual({ kept: "", told: [], said: "" });
  });
});
