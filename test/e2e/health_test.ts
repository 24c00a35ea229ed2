/** Health checks of images and of users, on real machines. */

import { beforeAll, describe, expect, test } from "bun:test";
import type { Host } from "../lab/host.ts";
import { waitFor } from "../lab/wait_for.ts";
import { healthOf, outputOf, property, setHealth, sh, waitForHealth } from "./_health.ts";
import { labTimeoutMs, mbctlOut, testedHosts, testTimeoutMs } from "./_lab.ts";
import { hostWith, type ImageRecipe, pull, unitOf } from "./_machines.ts";

const second = 1e9;
const idle = ["sh", "-c", "while :; do sleep 1000; done"];
/** Words that a shell, a unit file or a printf that reads them would change. */
const odd = "it's $(touch /tmp/pwned) `id` \\ %i $$ \"\n; exit 0";

const images: Readonly<Record<string, ImageRecipe>> = {
  Well: {
    config: {
      User: "app",
      WorkingDir: "/work",
      // The loader of the host's programs must never see this one.
      Env: ["PATH=/opt:/bin", `ODD=${odd}`, "LD_PRELOAD=/opt/evil.so", "SECRET=s3cret"],
      Cmd: idle,
      Healthcheck: {
        Test: ["CMD", "probe", odd],
        Interval: second,
        Timeout: 5 * second,
        Retries: 2,
      },
    },
    files: [
      { path: "etc/passwd", content: "app:x:1000:1001::/home/app:/bin/sh\n" },
      { path: "etc/group", content: "app:x:1001:\nmore:x:2000:app\n" },
      { path: "work", type: "dir" },
      {
        path: "opt/probe",
        mode: 0o755,
        content:
          '#!/bin/sh\n[ "$1" = "$ODD" ] && echo "$(id -u):$(id -G) $(pwd) $HOME $LD_PRELOAD"; cat /proc/1/environ; [ ! -e /tmp/sick ]\n',
      },
    ],
  },
  Line: {
    config: {
      Cmd: idle,
      Healthcheck: { Test: ["CMD-SHELL", "echo $0; true"], Interval: second },
    },
  },
  Bare: {
    base: "bare",
    config: {
      Cmd: ["/bin/busybox", "sleep", "100000"],
      Healthcheck: { Test: ["CMD-SHELL", "true"], Interval: second, Retries: 1 },
    },
  },
  /** Its root has put a program of its own into the place of man8s-init's busybox. */
  Fake: {
    config: {
      Cmd: [
        "sh",
        "-c",
        `cd /man8s-init; mv busybox busybox.real
        { echo '#!/man8s-init/busybox.real sh'
          echo 'for n in net ipc uts; do /man8s-init/busybox.real readlink /proc/self/ns/$n; done >>/seen'
          echo 'exec /man8s-init/busybox.real "$@"'; } >busybox
        chmod 755 busybox; exec sleep 100000`,
      ],
      Healthcheck: { Test: ["CMD", "true"], Interval: second },
    },
  },
  Web: { config: { User: "1000", Cmd: ["sh", "-c", "cd /; exec httpd -f -h / -p 8080"] } },
};

describe.each(testedHosts)("health on %s", (os) => {
  const hostOf = hostWith(os, images);
  let host: Host;
  beforeAll(() => {
    host = hostOf();
  }, labTimeoutMs);

  /** The states that the journal tells of, oldest first. */
  const events = async (name: string) => {
    const words = ["-q", "-o", "json", "--no-pager", "MBCTL_EVENT=health", `MBCTL_MACHINE=${name}`];
    const { stdout } = await host.sh('journalctl --sync; exec journalctl "$@"', words);
    return stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Readonly<Record<string, string>>);
  };
  const mainPid = async (name: string) => await property(host, unitOf(name), "MainPID");

  test(
    "the image's check runs as the app: its user and groups, folder and variables, and no word is lost",
    async () => {
      await pull(host, "Well", ["--start"]);
      await waitForHealth(host, "Well", "healthy");
      expect(await outputOf(host, "Well")).toStartWith(
        "1000:1001 2000 /work /home/app /opt/evil.so\n",
      );
      expect(await outputOf(host, "Well")).toContain("cat: can't open '/proc/1/environ'");
      const { stdout } = await host.sh(
        'ls /tmp/pwned 2>/dev/null || true; cd /etc/systemd/system; grep -l s3cret mbctl-health* || true; exec stat -c "%a %U" /run/mbctl/health/Well.*',
      );
      expect(new Set(stdout.trim().split("\n"))).toEqual(new Set(["600 root"]));
    },
    testTimeoutMs,
  );

  test(
    "so many failures in a row make it unhealthy, one success healthy again; journal, list and show tell",
    async () => {
      await sh(host, "Well", ": >/tmp/sick");
      await waitForHealth(host, "Well", "unhealthy");
      expect(await mbctlOut(host, ["machines", "list"])).toContain("running (unhealthy)");
      expect(await mbctlOut(host, ["machines", "show", "Well"])).toMatch(
        /health +unhealthy since .*, \d+ failures in a row .*\n.*health asked +.*, exit code 1 .*\n.*health says +1000:1001/,
      );
      await sh(host, "Well", "rm /tmp/sick");
      await waitForHealth(host, "Well", "healthy");
      const found = await events("Well");
      expect(found.map(({ MBCTL_HEALTH, PRIORITY }) => [MBCTL_HEALTH, PRIORITY])).toEqual([
        ["healthy", "5"],
        ["unhealthy", "4"],
        ["healthy", "5"],
      ]);
      expect(found[1]).toMatchObject({
        MESSAGE: "Well: is unhealthy, 2 failures in a row, the last with exit code 1",
        MESSAGE_ID: "f0b8a4c2c5d94b7c9d1f6a1b3e5d7c90",
        SYSLOG_IDENTIFIER: "mbctl",
        OBJECT_SYSTEMD_UNIT: unitOf("Well"),
      });
    },
    testTimeoutMs,
  );

  test(
    "an unhealthy machine is restarted where the user says so, and asked anew",
    async () => {
      const before = await mainPid("Well");
      await setHealth(host, "Well", 'on_failure = "restart"');
      expect(await mainPid("Well")).toBe(before);
      // In the machine's /tmp, which is new at each start.
      await sh(host, "Well", ": >/tmp/sick");
      await waitFor(async () => !["0", before].includes(await mainPid("Well")), {
        what: "Well to be restarted",
      });
      await waitForHealth(host, "Well", "healthy");
    },
    testTimeoutMs,
  );

  test(
    "the same with stop; the checks end with the machine",
    async () => {
      await setHealth(host, "Well", 'on_failure = "stop"');
      await waitForHealth(host, "Well", "healthy");
      await sh(host, "Well", ": >/tmp/sick");
      await waitFor(async () => (await property(host, unitOf("Well"), "MainPID")) === "0", {
        what: "Well to stop",
      });
      expect(await healthOf(host, "Well")).toBeUndefined();
      expect(await property(host, "mbctl-health_Well.timer", "ActiveState")).toBe("inactive");
    },
    testTimeoutMs,
  );

  test(
    "failures of the start period do not count; a success ends it",
    async () => {
      await pull(host, "Line", ["--start"]);
      await waitForHealth(host, "Line", "healthy");
      expect(await outputOf(host, "Line")).toBe("/bin/sh\n");
      const line = "echo x >>/tmp/asked; test -e /tmp/ready";
      await setHealth(
        host,
        "Line",
        `shell = "${line}"\ninterval = "500ms"\nretries = 1\nstart_period = "1h"`,
      );
      await waitFor(async () => Number(await sh(host, "Line", "wc -l </tmp/asked || true")) >= 3, {
        what: "three probes",
      });
      expect(await healthOf(host, "Line")).toBe("starting");
      await sh(host, "Line", ": >/tmp/ready");
      await waitForHealth(host, "Line", "healthy");
      await sh(host, "Line", "rm /tmp/ready");
      await waitForHealth(host, "Line", "unhealthy");
    },
    testTimeoutMs,
  );

  test(
    "a probe that hangs is ended with all that it started, and counts as a failure",
    async () => {
      await setHealth(
        host,
        "Line",
        'shell = "echo waiting; sleep 4242 & exec sleep 4242"\ninterval = "1s"\ntimeout = "500ms"\nretries = 1',
      );
      await waitForHealth(host, "Line", "unhealthy");
      expect(await outputOf(host, "Line")).toBe("waiting\nno answer in 0.500 s\n");
      await host.run(["systemctl", "stop", "mbctl-health_Line.timer", "mbctl-health_Line.service"]);
      expect(await sh(host, "Line", "ps | grep -c '[s]leep 4242' || true")).toBe("0");
      expect(await mbctlOut(host, ["machines", "show", "Line"])).toContain("exit code 124");
    },
    testTimeoutMs,
  );

  test(
    "much output is cut, and nothing else happens",
    async () => {
      await setHealth(host, "Line", 'shell = "yes | head -c 10000000; echo end"\ninterval = "1s"');
      await waitForHealth(host, "Line", "healthy");
      const output = await outputOf(host, "Line");
      expect([output.length, output.slice(-6)]).toEqual([4096, "y\nend\n"]);
    },
    testTimeoutMs,
  );

  test(
    "an image without a shell says so, and can be asked by a program",
    async () => {
      await pull(host, "Bare", ["--start"]);
      await waitForHealth(host, "Bare", "unhealthy");
      expect(await outputOf(host, "Bare")).toBe(
        'a shell is needed, and there is no "/bin/sh" in the image\n',
      );
      await setHealth(host, "Bare", 'command = ["/bin/busybox", "true"]\ninterval = "1s"');
      await waitForHealth(host, "Bare", "healthy");
      await setHealth(host, "Bare", 'command = ["nothing"]\ninterval = "1s"\nretries = 1');
      await waitForHealth(host, "Bare", "unhealthy");
      expect(await outputOf(host, "Bare")).toBe('there is no program "nothing" in the image\n');
    },
    testTimeoutMs,
  );

  test(
    "a program as root has the app's capabilities and no others",
    async () => {
      const line = "grep CapBnd /proc/2/status; grep CapBnd /proc/self/status; id -u";
      await setHealth(host, "Bare", 'command = ["/bin/busybox", "true"]\ninterval = "1s"');
      await setHealth(host, "Line", `shell = "${line}"\ninterval = "1s"`);
      await waitForHealth(host, "Line", "healthy");
      const [app, probe, uid] = (await outputOf(host, "Line")).split("\n");
      expect([probe, uid]).toEqual([app, "0"]);
    },
    testTimeoutMs,
  );

  test(
    "what the user takes from the machine, its check does not have either",
    async () => {
      await host.writeFile(
        "/srv/caps.toml",
        'schema = 1\nname = "Caps"\nimage = "oci:/srv/images:line"\n[capabilities]\ndrop = ["AUDIT_WRITE"]\n' +
          '[health]\nshell = "grep CapEff /proc/self/status"\ninterval = "1s"\n',
      );
      await mbctlOut(host, ["machines", "apply", "/srv/caps.toml", "--start"]);
      await waitForHealth(host, "Caps", "healthy");
      const [, hex = ""] = (await outputOf(host, "Caps")).split(/\s+/);
      // linux/capability.h: 29 is CAP_AUDIT_WRITE, 28 CAP_LEASE.
      expect([29n, 28n].map((bit) => (BigInt(`0x${hex}`) >> bit) & 1n)).toEqual([0n, 1n]);
      await mbctlOut(host, ["machines", "remove", "Caps", "--stop", "--yes"]);
    },
    testTimeoutMs,
  );

  const answers: readonly (readonly [check: string, health: string, output: RegExp])[] = [
    ["tcp = 8080", "healthy", /^$/],
    ["tcp = 8081", "unhealthy", /Connection refused/],
    ['http = "http://127.0.0.1:8080/etc/page"', "healthy", /^HTTP\/1\.1 200 OK\r?\n$/],
    ['http = "8080"', "unhealthy", /^HTTP\/1\.1 404 Not Found\r?\n$/],
    ['http = "8081"', "unhealthy", /Connection refused/],
  ];
  test.each(answers)(
    "%s is %s",
    async (check, health, output) => {
      const { stdout } = await host.run(["mbctl", "machines", "list", "--json"]);
      if (!stdout.includes('"Web"')) {
        await pull(host, "Web", ["--start"]);
        await host.sh("echo hello >/var/lib/man8machines/Web/etc/page");
      }
      await setHealth(host, "Web", `${check}\ninterval = "1s"\nretries = 1`);
      await waitForHealth(host, "Web", health);
      expect(await outputOf(host, "Web")).toMatch(output);
    },
    testTimeoutMs,
  );

  test(
    "a check that is turned off leaves no unit, nor does a machine that is removed",
    async () => {
      const traces = async (name: string) =>
        (
          await host.sh(
            `cd /; ls etc/systemd/system var/lib/mbctl/health run/mbctl/health | grep "$1" || true
             systemctl list-units --all --plain --no-legend "mbctl-health*$1*"`,
            [`[_/@]\\?${name}[.]`],
          )
        ).stdout;
      await setHealth(host, "Line", "enabled = false");
      expect(await traces("Line")).toBe("systemd-nspawn@Line.service.d\n");
      expect(await healthOf(host, "Line")).toBeUndefined();
      for (const name of ["Line", "Web", "Bare", "Well"]) {
        await mbctlOut(host, ["machines", "remove", name, "--stop", "--yes"]);
        expect(await traces(name)).toBe("");
      }
      const { stdout } = await host.sh("cd /var/lib/mbctl; ls *health* | cat");
      expect(stdout).toBe("");
    },
    testTimeoutMs,
  );

  test(
    "what a machine has put in the place of man8s-init's busybox gets nothing of the host",
    async () => {
      await pull(host, "Fake", ["--start"]);
      await waitForHealth(host, "Fake", "healthy");
      // As after an upgrade of mbctl: the machine is looked at anew while it runs.
      await host.sh(
        "systemctl stop mbctl-health_Fake.timer mbctl-health_Fake; rm /run/mbctl/health/Fake.state; >/var/lib/man8machines/Fake/seen; exec systemctl start mbctl-healthy_Fake",
      );
      const seen = (await host.readFile("/var/lib/man8machines/Fake/seen")).trimEnd().split("\n");
      const own = await mbctlOut(host, [
        ...["machines", "exec", "Fake", "--", "sh", "-c"],
        "for n in net ipc uts; do readlink /proc/self/ns/$n; done",
      ]);
      expect([...new Set(seen)]).toEqual(own.split("\n"));
    },
    testTimeoutMs,
  );
});
