/** The README's set-up of a host by hand, typed as it stands there into a host that has nothing but the packages. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { codeBlocks, readDocument, section } from "../docs/_markdown.ts";
import { systemdConfigs } from "../lab/bridge.ts";
import type { Host } from "../lab/host.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { waitFor } from "../lab/wait_for.ts";
import { labTimeoutMs, mbctl, mbctlOut, testedHosts, testTimeoutMs } from "./_lab.ts";
import { installImages, pull } from "./_machines.ts";

const blocks = codeBlocks(section(readDocument("README.md"), "Bridge and yggdrasil by hand"), "sh");

describe.each(testedHosts)("on %s", (os) => {
  let lab: Lab;
  let host: Host;

  beforeAll(async () => {
    lab = await startLab({
      hosts: [{ name: "hosta", os }],
      mesh: false,
      bridge: false,
      mbctl: true,
    });
    host = lab.host("hosta");
    // What `make install` would have put there.
    await host.copyIn(systemdConfigs, "/usr/local/share/mbctl/systemd-configs");
    await installImages(host, { Web: { config: { Cmd: ["sleep", "1000"] } } });
  }, labTimeoutMs);
  afterAll(async () => await lab[Symbol.asyncDispose](), labTimeoutMs);

  test(
    "before it, a pull says that yggdrasil or the bridge is missing",
    async () => {
      const { exitCode, stderr } = await mbctl(host, [
        "machines",
        "pull",
        "oci:/srv/images:web",
        "Web",
      ]);
      expect(exitCode).toBe(3);
      expect(stderr).toMatch(/^mbctl: Cannot .*(yggdrasil|bridge).*\nhint: /);
    },
    testTimeoutMs,
  );

  test(
    "after its commands a machine is pulled, starts, and answers",
    async () => {
      const [yggdrasil = "", bridge = "", look = "", ...rest] = blocks;
      expect(rest).toEqual([]);
      await host.run(["bash", "-c", `set -eu\n${yggdrasil}`], {
        timeoutMs: 60_000,
      });
      await host.run(["bash", "-c", `set -eu\n${bridge}`], {
        timeoutMs: 60_000,
      });
      await waitFor(
        async () =>
          /inet6 3[0-9a-f:]*::1\/128 /.test(
            (await host.run(["bash", "-c", look], { allowFailure: true })).stdout,
          ),
        {
          timeoutMs: 20_000,
          what: "the bridge",
          explain: async () =>
            (
              await host.sh(
                "networkctl status srvgrp0 --no-pager || true; journalctl -b --no-pager -n 40 -u systemd-networkd",
              )
            ).stdout,
        },
      );

      const address = await pull(host, "Web", ["--start"]);
      await waitFor(
        async () =>
          (
            await host.run(["ping", "-6", "-c", "1", "-W", "1", address], {
              allowFailure: true,
            })
          ).exitCode === 0,
        {
          timeoutMs: 10_000,
          what: "the machine to answer",
          explain: async () => (await mbctl(host, ["machines", "logs", "Web"])).stdout,
        },
      );
      // By the machine's own name server, which is the host, and a route to the world.
      expect(
        await mbctlOut(host, ["machines", "shell", "Web", "--", "cat", "/etc/resolv.conf"]),
      ).toMatch(/^nameserver 10\.199\.0\.1$/m);
    },
    testTimeoutMs,
  );

  test(
    "yggdrasil looks for neighbours neither on the bridge nor on the machines' links",
    async () => {
      const { stdout } = await host.run(["yggdrasilctl", "-json", "getmulticastinterfaces"]);
      expect(stdout).not.toMatch(/srvgrp0|vb-/);
      expect((await host.run(["sh", "-c", "cat /etc/yggdrasil/yggdrasil.conf"])).stdout).toMatch(
        /Regex"?: "?\^\(en\|eth\|wl\)\.\*"?,?$/m,
      );
    },
    testTimeoutMs,
  );

  test(
    "a second time changes nothing",
    async () => {
      const digest = async () =>
        (
          await host.sh(
            "cat /etc/yggdrasil/yggdrasil.conf /etc/systemd/network/80-srvgrp0.* | sha256sum",
          )
        ).stdout;
      const before = await digest();
      for (const block of blocks)
        await host.run(["bash", "-c", `set -eu\n${block}`], {
          timeoutMs: 60_000,
        });
      expect(await digest()).toBe(before);
    },
    testTimeoutMs,
  );
});
