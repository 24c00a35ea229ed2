/** Restart policies and the start at boot, on every systemd. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Host } from "../lab/host.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { waitFor } from "../lab/wait_for.ts";
import { labTimeoutMs, mbctl, mbctlOut, testedHosts, testTimeoutMs } from "./_lab.ts";
import { declare, installImages, journalOf, marked, unitEnd, unitOf } from "./_machines.ts";

const fails = 'args = ["sh", "-c", "echo @@run; exit 3"]';
const stays = 'args = ["sh", "-c", "echo @@run; exec sleep 6000"]';

describe.each(testedHosts)("restarts on %s", (os) => {
  let lab: Lab;
  let host: Host;
  beforeAll(async () => {
    lab = await startLab({ hosts: [{ name: "hosta", os }], mbctl: true });
    host = lab.host("hosta");
    await installImages(host, { Plain: { config: { Cmd: ["/bin/false"] } } });
  }, labTimeoutMs);
  afterAll(async () => await lab[Symbol.asyncDispose](), labTimeoutMs);

  const declared = async (name: string, toml: string) =>
    await declare(host, name, { image: "Plain", toml });
  const property = async (name: string, key: string) =>
    (await host.run(["systemctl", "show", "-P", key, unitOf(name)])).stdout.trim();
  /** Waits until the program has run so often, and its unit is in this state. */
  const waitForRuns = async (name: string, runs: number, state: string) =>
    await waitFor(
      async () =>
        marked(await journalOf(host, name)).length === runs &&
        (await property(name, "ActiveState")) === state,
      {
        what: `${name} to have run ${runs} times, and to be ${state}`,
        explain: async () =>
          `${await property(name, "ActiveState")}\n${await journalOf(host, name)}`,
      },
    );
  const states = async () => {
    const { machines } = JSON.parse(await mbctlOut(host, ["machines", "list", "--json"]));
    return new Map(
      machines.map(({ name, state }: { name: string; state: string }) => [name, state]),
    );
  };

  test(
    "on-failure:2 gives up after two restarts, and counts anew after a start by hand",
    async () => {
      await declared("Twice", `${fails}\nrestart = "on-failure:2"`);
      // By hand: nothing of mbctl's own start is needed for it.
      for (const runs of [3, 6]) {
        await host.run(["systemctl", "start", unitOf("Twice")], { allowFailure: true });
        await waitForRuns("Twice", runs, "failed");
        expect(await unitEnd(host, "Twice")).toMatchObject({ status: 3, result: "exit-code" });
        expect((await states()).get("Twice")).toBe("failed (3)");
      }
      expect(await journalOf(host, "Twice")).toContain("mbctl: gives up after 2 restarts");
    },
    testTimeoutMs,
  );

  test(
    "a restart by hand of a program that failed before is none of these",
    async () => {
      const toml = `args = ["sh", "-c", "echo @@run; [ -e /data/ok ] && exec sleep 6000; touch /data/ok; exit 4"]
restart = "on-failure:1"
[[volumes]]
path = "/data"
kind = "data"
`;
      await declared("ByHand", toml);
      await host.run(["systemctl", "start", unitOf("ByHand")], { allowFailure: true });
      await waitForRuns("ByHand", 2, "active");
      // It ends by its stop signal: to systemd a failure.
      await host.run(["systemctl", "restart", unitOf("ByHand")]);
      await waitForRuns("ByHand", 3, "active");
      await mbctlOut(host, ["machines", "stop", "ByHand"]);
      await waitForRuns("ByHand", 3, "inactive");
    },
    testTimeoutMs,
  );

  test(
    "always: a program that ends, and an nspawn that is killed, come back; stopped by hand they do not",
    async () => {
      await declared("Always", `${stays}\nrestart = "always"`);
      await mbctlOut(host, ["machines", "start", "Always"]);
      await waitForRuns("Always", 1, "active");
      await host.run(["kill", "-9", await property("Always", "MainPID")]);
      await waitForRuns("Always", 2, "active");
      expect(await property("Always", "NRestarts")).toBe("1");
      await mbctlOut(host, ["machines", "stop", "Always"]);
      expect((await states()).get("Always")).toBe("stopped");

      await declared("Ends", `args = ["echo", "@@run"]\nrestart = "always"`);
      const { exitCode } = await mbctl(host, ["machines", "start", "Ends"]);
      await waitFor(async () => marked(await journalOf(host, "Ends")).length >= 2, {
        what: "a program that ended well to run again",
      });
      // That it ends at once is told where that is seen in time.
      expect([0, 1]).toContain(exitCode);
      await host.run(["systemctl", "stop", unitOf("Ends")]);
      const runs = marked(await journalOf(host, "Ends")).length;
      expect(await property("Ends", "ActiveState")).toBe("inactive");
      expect(marked(await journalOf(host, "Ends")).length).toBe(runs);
    },
    testTimeoutMs,
  );

  test(
    "the unit's drop-ins are kept with the configuration at each start; those that are gone go there too",
    async () => {
      await declared("Kept", stays);
      const unitFolder = `/etc/systemd/system/${unitOf("Kept")}.d`;
      const kept = "/var/lib/man8machine_configs/Kept/.mbctl/unit.d";
      const same = async () =>
        (await host.run(["diff", "-r", unitFolder, kept], { allowFailure: true })).stdout;
      await host.writeFile(`${unitFolder}/60-mine.conf`, "[Service]\nNice=5\n");
      await host.run(["systemctl", "daemon-reload"]);
      await host.run(["systemctl", "start", unitOf("Kept")]);
      expect(await same()).toBe("");
      expect(await host.readFile(`${kept}/60-mine.conf`)).toBe("[Service]\nNice=5\n");
      await host.run(["rm", `${unitFolder}/60-mine.conf`]);
      await host.run(["systemctl", "daemon-reload"]);
      await host.run(["systemctl", "restart", unitOf("Kept")]);
      expect(await same()).toBe("");
      // A configuration that cannot be written to is no reason not to start.
      await host.run(["systemctl", "stop", unitOf("Kept")]);
      const folder = kept.slice(0, kept.lastIndexOf("/"));
      await host.sh(`mount --bind ${folder} ${folder}; mount -o remount,bind,ro ${folder}`);
      await host.writeFile(`${unitFolder}/60-mine.conf`, "[Service]\nNice=5\n");
      await host.run(["systemctl", "start", unitOf("Kept")]);
      expect(await same()).not.toBe("");
      await host.run(["umount", folder]);
    },
    testTimeoutMs,
  );

  test(
    "over a reboot: what is to start at boot does, but for an unless-stopped machine that was stopped by mbctl",
    async () => {
      for (const [name, restart, boot] of [
        ["Boots", "always", true],
        ["Runs", "unless-stopped", true],
        ["Stopped", "unless-stopped", true],
        ["Not", "always", false],
      ] as const) {
        await declared(name, `${stays}\nrestart = "${restart}"\nboot = ${boot}`);
        await mbctlOut(host, ["machines", "start", name]);
      }
      // "always" means at boot too, as in podman.
      await mbctlOut(host, ["machines", "stop", "Boots", "Stopped"]);
      await lab.reboot(host);
      await waitFor(async () => (await states()).get("Boots") === "running", {
        what: "a machine to start at boot",
      });
      const after = await states();
      expect(["Boots", "Runs", "Stopped", "Not"].map((name) => after.get(name))).toEqual([
        "running",
        "running",
        "stopped",
        "stopped",
      ]);
      // Once it is started, it is as before.
      await mbctlOut(host, ["machines", "start", "Stopped"]);
      expect(
        (await host.run(["systemctl", "is-enabled", unitOf("Stopped")], { allowFailure: true }))
          .stdout,
      ).toBe("enabled\n");
    },
    labTimeoutMs,
  );
});
