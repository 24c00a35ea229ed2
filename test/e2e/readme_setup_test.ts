/** The README's set-up of a host, typed as it stands there into a host that has nothing but the packages. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { codeBlocks, readDocument, section } from "../docs/_markdown.ts";
import type { Host } from "../lab/host.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { hostSnapshot } from "./_host_snapshot.ts";
import { labTimeoutMs, mbctl, mbctlOut, testedHosts, testTimeoutMs } from "./_lab.ts";
import { installImages, pull } from "./_machines.ts";
import { waitForPing } from "./_network.ts";

const blocks = codeBlocks(section(readDocument("README.md"), "mbctl host setup"), "sh");

describe.each(testedHosts)("on %s", (os) => {
  let lab: Lab;
  let host: Host;

  beforeAll(async () => {
    const hosts = [{ name: "hosta", os }];
    lab = await startLab({ hosts, mesh: false, bridge: false, mbctl: true });
    host = lab.host("hosta");
    await installImages(host, { Web: { config: { Cmd: ["sleep", "1000"] } } });
  }, labTimeoutMs);
  afterAll(async () => await lab?.[Symbol.asyncDispose](), labTimeoutMs);

  test(
    "before it, a pull says that yggdrasil or the bridge is missing",
    async () => {
      const words = ["machines", "pull", "oci:/srv/images:web", "Web"];
      const { exitCode, stderr } = await mbctl(host, words);
      expect(exitCode).toBe(3);
      expect(stderr).toMatch(/^mbctl: Cannot .*(yggdrasil|bridge).*\nhint: /);
    },
    testTimeoutMs,
  );

  test(
    "after its commands a machine is pulled, starts, and answers",
    async () => {
      expect(blocks).toEqual(["mbctl host setup\nmbctl host check\n"]);
      await host.run(["bash", "-c", `set -eu\n${blocks[0]}`], { timeoutMs: 60_000 });
      await waitForPing(host, await pull(host, "Web", ["--start"]));
      // By the machine's own name server, which is the host, and a route to the world.
      expect(
        await mbctlOut(host, ["machines", "shell", "Web", "--", "cat", "/etc/resolv.conf"]),
      ).toMatch(/^nameserver 10\.199\.0\.1$/m);
    },
    testTimeoutMs,
  );

  test(
    "a second time changes nothing, with a machine that runs",
    async () => {
      const files = async () => {
        const lines = await hostSnapshot(host);
        return lines.slice(0, lines.indexOf("== nft"));
      };
      const before = await files();
      await host.run(["bash", "-c", `set -eu\n${blocks[0]}`], { timeoutMs: 60_000 });
      expect(await files()).toEqual(before);
    },
    testTimeoutMs,
  );
});
