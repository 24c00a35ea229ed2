/** Machines over a boot of their host, on every systemd. */

import { expect, test } from "bun:test";
import { startLab } from "../lab/lab.ts";
import { labTimeoutMs, mbctlOut, testedHosts } from "./_lab.ts";
import { installImages, pull } from "./_machines.ts";
import { waitForPing } from "./_network.ts";

test.each(testedHosts)(
  "an enabled machine is back with its address after a boot of its host, another is not: on %s",
  async (os) => {
    await using lab = await startLab({
      hosts: [{ name: "hosta", os }],
      mbctl: true,
    });
    const host = lab.host("hosta");
    await installImages(host, {
      Sleep: { config: { Cmd: ["sleep", "6000"] } },
    });
    const enabled = await pull(host, "Enabled", ["--start"], "Sleep");
    const other = await pull(host, "Other", ["--start"], "Sleep");
    await waitForPing(host, enabled);
    await waitForPing(host, other);
    await mbctlOut(host, ["machines", "enable", "Enabled"]);

    await lab.reboot(host);
    await waitForPing(host, enabled);
    const { machines } = JSON.parse(await mbctlOut(host, ["machines", "list", "--json"]));
    const states = machines.map(
      ({ name, state }: { name: string; state: string }) => `${name} ${state}`,
    );
    expect(states).toEqual(["Enabled running", "Other stopped"]);
  },
  labTimeoutMs,
);
