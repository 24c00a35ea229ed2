/** Rules that name nobody, and a host whose firewall cannot be loaded: clear errors, and nothing half applied. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Host } from "../lab/host.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { labTimeoutMs, mbctl, mbctlOut, testedHosts, testTimeoutMs } from "./_lab.ts";
import { installImages, pull, unitOf } from "./_machines.ts";

const machineToml = "/var/lib/man8machine_configs/web/machine.toml";

describe.each(testedHosts)("a firewall that cannot be, on %s", (os) => {
  let lab: Lab;
  let host: Host;
  const image = { app: { config: { Cmd: ["sleep", "6000"], StopSignal: "SIGKILL" } } };
  const images = "/srv/images";

  beforeAll(async () => {
    lab = await startLab({ hosts: [{ name: "hosta", os }], mbctl: true });
    host = lab.host("hosta");
    await installImages(host, image);
    await pull(host, "web", [], "app");
  }, labTimeoutMs);
  afterAll(async () => await lab?.[Symbol.asyncDispose](), labTimeoutMs);

  /** All that may not change: what is loaded, without its counters, and the files. */
  async function snapshot(): Promise<string> {
    const { stdout } = await host.sh(
      "nft --stateless list ruleset; cd /; sha256sum var/lib/mbctl/* etc/hosts; find etc/systemd var/lib/man8machine* | sort",
    );
    return stdout;
  }

  /** Runs mbctl, and wants these words and no change. */
  async function expectRefused(words: readonly string[], exitCode: number, says: string) {
    const before = await snapshot();
    const result = await mbctl(host, words);
    expect([result.exitCode, result.stderr]).toEqual([exitCode, expect.stringContaining(says)]);
    expect(await snapshot()).toBe(before);
  }

  test(
    "a rule with a host that config.toml does not name is refused, when it is pulled and at a reload",
    async () => {
      const rule = "--allow=web@nowhere";
      await expectRefused(
        ["machines", "pull", `oci:${images}:app`, "db", rule],
        2,
        'Cannot allow "web@nowhere" for the machine "db": config.toml has no host "nowhere"',
      );
      const toml = await host.readFile(machineToml);
      await host.writeFile(machineToml, toml.replace("[image]", 'allow = ["nowhere:80"]\n[image]'));
      const unknown =
        'Cannot allow "nowhere:80/tcp" for the machine "web": config.toml has no host "nowhere"';
      await expectRefused(["host", "reload"], 2, unknown);
      await expectRefused(["host", "reload", "--dry-run"], 2, unknown);
      // Another machine's pull and removal do not fail for it; the rule lets nobody in.
      await pull(host, "db", [], "app");
      expect(await host.readFile("/var/lib/mbctl/firewall.nft")).toContain(
        '# allow nowhere:80/tcp: nobody, config.toml has no host "nowhere"',
      );
      await mbctlOut(host, ["machines", "remove", "db", "--yes"]);

      await host.writeFile(machineToml, toml.replace("[image]", "allow = [1]\n[image]"));
      await expectRefused(["host", "reload"], 2, `Cannot read "${machineToml}"`);
      await host.writeFile(machineToml, toml.replace("[image]", 'expose = ["80"]\n[image]'));
      expect(await mbctlOut(host, ["host", "reload", "--dry-run"])).toBe(
        "write /var/lib/mbctl/firewall.nft\nload the firewall",
      );
      await mbctlOut(host, ["host", "reload"]);
      expect(
        (await host.run(["nft", "list", "chain", "inet", "mbctl", "to_web"])).stdout,
      ).toContain("tcp dport 80 accept");
      await host.writeFile(machineToml, toml);
      await mbctlOut(host, ["host", "reload"]);
    },
    testTimeoutMs,
  );

  test(
    "tables of ours that another program has locked are left to it, and no machine starts",
    async () => {
      await host.run(["nft", "delete", "table", "inet", "mbctl"]);
      const owner = host.start(["nft", "-i"]);
      owner.send("add table inet mbctl { flags owner; }\nlist tables\n");
      await owner.waitForOutput(/table inet mbctl/);
      await expectRefused(["host", "reload"], 5, "Operation not permitted");
      expect((await mbctl(host, ["machines", "start", "web"])).exitCode).not.toBe(0);
      expect(
        (await host.run(["systemctl", "is-active", unitOf("web")], { allowFailure: true })).stdout,
      ).not.toBe("active\n");
      owner.closeStdin();
      await owner.exited;
      await mbctlOut(host, ["machines", "start", "web"]);
      await mbctlOut(host, ["machines", "stop", "web"]);
    },
    testTimeoutMs,
  );

  test(
    "without nft nothing is pulled and nothing starts, but what is there can be removed",
    async () => {
      await pull(host, "old", [], "app");
      await host.sh("mv /usr/sbin/nft /usr/sbin/nft.away");
      const missing = 'Cannot find the program "nft": it is not installed';
      const refused = await mbctl(host, ["machines", "pull", `oci:${images}:app`, "new"]);
      expect([refused.exitCode, refused.stderr]).toEqual([3, expect.stringContaining(missing)]);
      expect(refused.stderr).toContain("apt install nftables");
      expect((await mbctl(host, ["host", "reload"])).exitCode).toBe(3);
      expect((await mbctl(host, ["machines", "start", "web"])).exitCode).not.toBe(0);

      const removed = await mbctl(host, ["machines", "remove", "old", "--yes"]);
      expect([removed.exitCode, removed.stderr]).toEqual([0, expect.stringContaining(missing)]);
      expect(removed.stderr).toContain("mbctl host reload");
      await host.sh("mv /usr/sbin/nft.away /usr/sbin/nft");
      await mbctlOut(host, ["host", "reload"]);
      expect(await host.readFile("/var/lib/mbctl/firewall.nft")).not.toContain("old");
    },
    testTimeoutMs,
  );

  test(
    "where the host's prefix cannot be read, a machine can be removed all the same",
    async () => {
      await pull(host, "old", [], "app");
      await host.sh("systemctl stop yggdrasil; mv /etc/yggdrasil /etc/yggdrasil.away");
      const removed = await mbctl(host, ["machines", "remove", "old", "--yes"]);
      expect([removed.exitCode, removed.stderr]).toEqual([
        0,
        expect.stringContaining("Cannot find the host's yggdrasil prefix"),
      ]);
      expect(await mbctlOut(host, ["machines", "list"])).not.toContain("old");
      await expectRefused(["host", "reload"], 3, "Cannot find the host's yggdrasil prefix");
      await host.sh("mv /etc/yggdrasil.away /etc/yggdrasil; systemctl start yggdrasil");
    },
    testTimeoutMs,
  );
});
