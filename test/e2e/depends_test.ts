/** Machines that wait for others to be well. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Host } from "../lab/host.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { waitFor } from "../lab/wait_for.ts";
import { healthOf, property, sh, waitForHealth } from "./_health.ts";
import { labTimeoutMs, mbctl, mbctlOut, testedHosts, testTimeoutMs } from "./_lab.ts";
import { type ImageRecipe, installImages, journalOf, unitOf } from "./_machines.ts";

const idle = ["sh", "-c", "while :; do sleep 1000; done"];
const images: Readonly<Record<string, ImageRecipe>> = {
  Idle: { config: { Cmd: idle } },
  Slow: {
    config: {
      Cmd: ["sh", "-c", "sleep 2; : >/tmp/ready; while :; do sleep 1000; done"],
      Healthcheck: { Test: ["CMD-SHELL", "test -e /tmp/ready"], Interval: 1e9, Retries: 60 },
    },
  },
  Db: {
    config: {
      Cmd: idle,
      Healthcheck: { Test: ["CMD-SHELL", "test -e /tmp/ready"], Interval: 1e9, Retries: 60 },
    },
  },
};

/** By name: what stands in its declaration. `app` needs `db`, and `db` a machine without a check. */
const machines = {
  base: 'image = "oci:/srv/images:idle"',
  db: 'image = "oci:/srv/images:db"\ndepends = ["base"]',
  app: 'image = "oci:/srv/images:idle"\ndepends = ["db"]',
} as const;

describe.each(testedHosts)("depends on %s", (os) => {
  let lab: Lab;
  let host: Host;
  beforeAll(async () => {
    lab = await startLab({ hosts: [{ name: "hosta", os }], mbctl: true });
    host = lab.host("hosta");
    await installImages(host, images);
  }, labTimeoutMs);
  afterAll(async () => await lab?.[Symbol.asyncDispose](), labTimeoutMs);

  const declare = async (name: string, lines: string) => {
    await host.writeFile(`/srv/machines/${name}.toml`, `schema = 1\nname = "${name}"\n${lines}\n`);
    return await mbctl(host, ["machines", "apply", "/srv/machines"]);
  };
  const state = async (name: string) => await property(host, unitOf(name), "ActiveState");
  const time = async (name: string, key: string) =>
    Number(await property(host, unitOf(name), `${key}TimestampMonotonic`));

  test(
    "a circle is refused",
    async () => {
      await host.writeFile("/srv/circle/a.toml", `schema = 1\nname = "a"\n${machines.app}\n`);
      const circle = machines.db.replace("base", "a");
      await host.writeFile("/srv/circle/db.toml", `schema = 1\nname = "db"\n${circle}\n`);
      const { exitCode, stderr } = await mbctl(host, ["machines", "apply", "/srv/circle"]);
      expect([exitCode, stderr]).toEqual([2, expect.stringContaining("a -> db -> a")]);
    },
    testTimeoutMs,
  );

  test(
    "a start starts what is needed, and waits until it is well",
    async () => {
      for (const [name, lines] of Object.entries(machines)) {
        const { exitCode, stderr } = await declare(name, lines);
        expect([exitCode, stderr]).toEqual([0, expect.any(String)]);
      }
      const start = mbctl(host, ["machines", "start", "app"]);
      await waitForHealth(host, "db", "starting");
      expect([await state("base"), await state("db"), await state("app")]).toEqual([
        "active",
        "active",
        "inactive",
      ]);
      await sh(host, "db", "sleep 1; : >/tmp/ready");
      const { exitCode, stderr } = await start;
      expect([exitCode, stderr]).toEqual([0, ""]);
      expect(await healthOf(host, "db")).toBe("healthy");
      const well = Number(
        await property(host, "mbctl-healthy_db.service", "InactiveEnterTimestampMonotonic"),
      );
      expect(await time("db", "ActiveEnter")).toBeGreaterThan(await time("base", "ActiveEnter"));
      expect(await time("app", "InactiveExit")).toBeGreaterThanOrEqual(well);
    },
    testTimeoutMs,
  );

  test(
    "a restart of what is needed leaves the others alone; the stop of all goes the other way round",
    async () => {
      const before = await property(host, unitOf("app"), "MainPID");
      await mbctlOut(host, ["machines", "restart", "db"]);
      expect(await property(host, unitOf("app"), "MainPID")).toBe(before);
      await mbctlOut(host, ["machines", "stop", "base", "app", "db"]);
      // SD_MESSAGE_UNIT_STOPPED of sd-messages.h.
      const words = ["-q", "-o", "json", "MESSAGE_ID=9d1aaa27d60140bd96365438aad20286"];
      const { stdout } = await host.sh('journalctl --sync; exec journalctl "$@"', words);
      const stopped = stdout
        .trim()
        .split("\n")
        .map((line) => (JSON.parse(line) as { UNIT: string }).UNIT)
        .filter((unit) => unit.startsWith("systemd-nspawn@"));
      expect(stopped.slice(-3)).toEqual(["app", "db", "base"].map(unitOf));
    },
    testTimeoutMs,
  );

  test(
    "where what is needed does not become well, the start fails and says why",
    async () => {
      await declare("db", `${machines.db}\n[health]\nretries = 1`);
      const { exitCode, stderr } = await mbctl(host, ["machines", "start", "app"]);
      expect([exitCode, stderr]).toEqual([
        1,
        'mbctl: Cannot start "app": "db", which must be well before, is unhealthy\nhint: mbctl machines show db\n',
      ]);
      expect(await journalOf(host, "app")).toContain(
        "The machine db, on which this one depends, is unhealthy: mbctl machines show db",
      );
      expect(await state("db")).toBe("active");
    },
    testTimeoutMs,
  );

  test(
    "the same when it is found unwell later; once it is well again, so is the start",
    async () => {
      await sh(host, "db", ": >/tmp/ready");
      await waitForHealth(host, "db", "healthy");
      await mbctlOut(host, ["machines", "start", "app"]);
      await host.run(["systemctl", "stop", unitOf("app")]);
      await sh(host, "db", "rm /tmp/ready");
      await waitForHealth(host, "db", "unhealthy");
      expect((await mbctl(host, ["machines", "start", "app"])).exitCode).toBe(1);
      await sh(host, "db", ": >/tmp/ready");
      await waitForHealth(host, "db", "healthy");
      await mbctlOut(host, ["machines", "start", "app"]);
      expect(await state("app")).toBe("active");
    },
    testTimeoutMs,
  );

  test(
    "what is needed and cannot start is told",
    async () => {
      await host.run(["systemctl", "stop", unitOf("app"), unitOf("db")]);
      await host.run(["systemctl", "mask", "--runtime", unitOf("db")]);
      const { exitCode, stderr } = await mbctl(host, ["machines", "start", "app"]);
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining('"db"')]);
      expect(stderr).toContain("not running");
      await host.run(["systemctl", "unmask", "--runtime", unitOf("db")]);
      await waitFor(async () => (await state("app")) !== "activating", {
        what: "app to have failed",
      });
    },
    testTimeoutMs,
  );

  test(
    "at boot the order is the same, and systemd finds no circle in it",
    async () => {
      await mbctlOut(host, ["machines", "remove", "app", "--yes"]);
      await declare("slow", 'image = "oci:/srv/images:slow"\ndepends = ["base"]\nboot = true');
      await declare("late", 'image = "oci:/srv/images:idle"\ndepends = ["slow"]\nboot = true');
      // The host has started when all that starts at boot has.
      await lab.reboot(host);
      expect([await state("slow"), await state("late")]).toEqual(["active", "active"]);
      const well = Number(
        await property(host, "mbctl-healthy_slow.service", "InactiveEnterTimestampMonotonic"),
      );
      expect(well - (await time("slow", "ActiveEnter"))).toBeGreaterThan(1e6);
      expect(await time("late", "InactiveExit")).toBeGreaterThanOrEqual(well);
      const { stdout } = await host.run(["journalctl", "-q", "-b", "-o", "cat", "_PID=1"]);
      expect(stdout.match(/.*ordering cycle.*/g)).toBeNull();
      const { stderr } = await mbctl(host, ["machines", "remove", "slow", "--stop", "--yes"]);
      expect(stderr).toBe('warning: "late" depends on "slow", and does not start without it\n');
    },
    testTimeoutMs,
  );
});
