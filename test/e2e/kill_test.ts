/** mbctl killed at the points where systemd has a part: the next run of the same command ends the work. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { waitFor } from "../lab/wait_for.ts";
import { type BadLab, snapshotHost, startBadLab } from "./_bad_lab.ts";
import {
  labTimeoutMs,
  mbctl,
  mbctlOut,
  testedHost,
  testTimeoutMs,
  tracesOfMachines,
} from "./_lab.ts";

describe.each(testedHost)("killed on %s", (os) => {
  let lab: BadLab;
  let pullWords: string[];
  const removeWords = ["machines", "remove", "web", "--yes"];

  beforeAll(async () => {
    lab = await startBadLab(os);
    pullWords = ["machines", "pull", lab.image, "web", "--tls-verify=false", "--mount=/data=data"];
  }, labTimeoutMs);
  afterAll(async () => await lab[Symbol.asyncDispose](), labTimeoutMs);

  /** Runs mbctl until it calls `systemctl VERB`, and kills it there; systemctl is called all the same if `goesOn`. */
  async function killAtSystemctl(
    words: readonly string[],
    verb: string,
    goesOn: boolean,
  ): Promise<void> {
    const real = goesOn ? '/usr/bin/systemctl "$@"; ' : "";
    await lab.host.writeFile(
      "/var/tmp/bin/systemctl",
      `#!/bin/sh\ncase "$1" in ${verb}) ${real}echo >/var/tmp/bin/reached; exec sleep 60;; esac\nexec /usr/bin/systemctl "$@"\n`,
      "0755",
    );
    await lab.host.run(["rm", "-f", "/var/tmp/bin/reached"]);
    await using child = lab.host.start(["mbctl", ...words], {
      env: { PATH: "/var/tmp/bin:/usr/local/bin:/usr/bin:/usr/sbin" },
    });
    await waitFor(
      async () =>
        (await lab.host.run(["test", "-e", "/var/tmp/bin/reached"], { allowFailure: true }))
          .exitCode === 0,
      {
        what: `systemctl ${verb}`,
        explain: () => child.stderr(),
      },
    );
    await child.kill("SIGKILL");
    await child.exited;
    // Nothing that it started goes on: it ends with its parent, a moment later.
    await waitFor(
      async () =>
        (await lab.host.run(["pgrep", "-f", "^sleep 60$"], { allowFailure: true })).exitCode === 1,
      { what: "its child to end" },
    );
  }
  /** The litter that may lie in any folder; the host's firewall stays. */
  const hidden = async () =>
    (
      await lab.host.sh(
        "find /var/lib /etc -name '*mbctl-*' ! -name 50-mbctl.conf ! -name mbctl-firewall.service",
      )
    ).stdout;
  const states = async () =>
    JSON.parse(await mbctlOut(lab.host, ["machines", "list", "--json"])).machines.map(
      ({ state }: { state: string }) => state,
    );
  const withoutTimes = (lines: readonly string[]) =>
    lines.map((line) => line.replace(/ \d+\.\d+ /, " "));

  test.each([false, true])(
    "a pull in daemon-reload is ended by the next one (systemd was told: %p)",
    async (wasTold) => {
      await mbctlOut(lab.host, pullWords);
      const whole = withoutTimes(await snapshotHost(lab.host));
      await mbctlOut(lab.host, removeWords);

      await killAtSystemctl(pullWords, "daemon-reload", wasTold);
      expect(await states()).toEqual(["pull unfinished"]);
      const start = await mbctl(lab.host, ["machines", "start", "web"]);
      expect(start.exitCode).toBe(4);
      await mbctlOut(lab.host, pullWords);
      expect(withoutTimes(await snapshotHost(lab.host))).toEqual(whole);
      expect(await hidden()).toBe("");
      await mbctlOut(lab.host, ["machines", "start", "web"]);
      expect(await states()).toEqual(["running"]);
      await mbctlOut(lab.host, [...removeWords, "--stop"]);
      expect(await tracesOfMachines(lab.host)).toEqual([]);
    },
    testTimeoutMs,
  );

  test(
    "a pull before it starts the machine is whole, and the next one says what to do",
    async () => {
      await killAtSystemctl([...pullWords, "--start"], "start", false);
      expect(await states()).toEqual(["stopped"]);
      expect(await hidden()).toBe("");
      const { exitCode, stderr } = await mbctl(lab.host, [...pullWords, "--start"]);
      expect(exitCode).toBe(4);
      expect(stderr.split("\n")[1]).toBe(
        "hint: it is a machine already: mbctl machines start web; for a new one choose another name, or first: mbctl machines remove web",
      );
      await mbctlOut(lab.host, ["machines", "start", "web"]);
      expect(await states()).toEqual(["running"]);
    },
    testTimeoutMs,
  );

  test.each([
    ["stop", false],
    ["stop", true],
    ["daemon-reload", false],
    ["daemon-reload", true],
  ] as const)(
    "a removal in systemctl %s is ended by the next one (systemd was told: %p)",
    async (verb, wasTold) => {
      if ((await states())[0] === undefined) await mbctlOut(lab.host, [...pullWords, "--start"]);
      await mbctlOut(lab.host, ["machines", "enable", "web"]);
      await killAtSystemctl([...removeWords, "--stop"], verb, wasTold);
      expect((await states()).length).toBe(1);
      await mbctlOut(lab.host, [...removeWords, "--stop"]);
      expect(await states()).toEqual([]);
      expect(await tracesOfMachines(lab.host)).toEqual([]);
      expect(await hidden()).toBe("");
      expect(
        (await lab.host.run(["machinectl", "show", "web"], { allowFailure: true })).exitCode,
      ).toBe(1);
      const { stdout } = await lab.host.run([
        "systemctl",
        "show",
        "-P",
        "ActiveState",
        "systemd-nspawn@web.service",
      ]);
      expect(stdout.trim()).toBe("inactive");
      const boot = await lab.host.sh("find /etc/systemd -name '*web*'");
      expect(boot.stdout).toBe("");
    },
    testTimeoutMs,
  );
});
