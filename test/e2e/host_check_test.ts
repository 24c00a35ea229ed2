/** `host check` on every systemd: green on a good host; what is broken is told, and what it prints mends it. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Finding } from "../../lib/check/finding.ts";
import { renderUnitDropIn } from "../../lib/nspawn/machine_unit.ts";
import { parseSignal } from "../../lib/signal.ts";
import type { Host } from "../lab/host.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { waitFor } from "../lab/wait_for.ts";
import { bad, check, mendAsTold, onlyBad, waitForGreen } from "./_check.ts";
import { labTimeoutMs, mbctlOut, testedHosts, testTimeoutMs } from "./_lab.ts";
import { type ImageRecipe, installImages, pull } from "./_machines.ts";

const images: Readonly<Record<string, ImageRecipe>> = {
  One: { config: { Cmd: ["httpd", "-f", "-p", "[::]:80"] } },
  Four: { config: { Cmd: ["httpd", "-f", "-p", "0.0.0.0:80"] } },
  Local: { config: { Cmd: ["httpd", "-f", "-p", "127.0.0.1:80"] } },
  Pub: { config: { Cmd: ["httpd", "-f", "-p", "0.0.0.0:80"] } },
};
const flags: Readonly<Record<string, readonly string[]>> = { Pub: ["-p", "8080:80"] };

/** How a host is broken (a shell script), the line that tells of it, and what mends it. */
const breakages: readonly (readonly [string, string, Finding["verdict"], string, RegExp])[] = [
  [
    "yggdrasil is stopped",
    "systemctl stop yggdrasil",
    "wrong",
    "yggdrasil",
    /^systemctl enable --now yggdrasil$/,
  ],
  [
    "the bridge is deleted",
    "ip link del srvgrp0",
    "missing",
    "bridge",
    /^systemctl restart systemd-networkd$/,
  ],
  ["the bridge is down", "ip link set srvgrp0 down", "wrong", "bridge", /^ip link set srvgrp0 up$/],
  [
    "a machine is unplugged",
    "ip link set vb-One nomaster",
    "wrong",
    "machines",
    /^ip link set vb-One master srvgrp0 up$/,
  ],
  [
    "forwarding is off",
    "sysctl -qw net.ipv6.conf.all.forwarding=0",
    "wrong",
    "forwarding",
    /^sysctl --load=\/etc\/sysctl\.d\/80-man8s-forwarding\.conf$/,
  ],
  [
    "the link of a machine is gone",
    "rm /var/lib/machines/One",
    "missing",
    "machines",
    /^ln -sfnT \/var\/lib\/man8machines\/One \/var\/lib\/machines\/One$/,
  ],
  [
    "the nspawn file of a machine is another one",
    "ln -sfnT /x /etc/systemd/nspawn/One.nspawn",
    "wrong",
    "machines",
    /^ln -sfnT \S+\/container\.nspawn \/etc\/systemd\/nspawn\/One\.nspawn$/,
  ],
  ["all rules are flushed", "nft flush ruleset", "missing", "firewall", /^mbctl host reload$/],
  [
    "masquerading is gone",
    "nft delete table ip io.systemd.nat",
    "wrong",
    "masquerading",
    /^systemctl restart systemd-networkd$/,
  ],
  [
    "a rule was put into our table",
    "nft insert rule inet mbctl forward accept",
    "wrong",
    "firewall",
    /^mbctl host reload$/,
  ],
  [
    "one of our tables is gone",
    "nft delete table bridge mbctl",
    "missing",
    "firewall",
    /^mbctl host reload$/,
  ],
  [
    "names are taken out of /etc/hosts",
    "echo 127.0.0.1 localhost >/etc/hosts",
    "wrong",
    "/etc/hosts",
    /^mbctl host reload$/,
  ],
  [
    "the firewall's unit is gone",
    "rm /etc/systemd/system/mbctl-firewall.service",
    "wrong",
    "units",
    /^mbctl host reload$/,
  ],
  [
    "the resolver is stopped",
    "systemctl stop systemd-resolved",
    "wrong",
    "names",
    /^systemctl restart systemd-resolved$/,
  ],
];

/** Programs that no lab host can install: there is no way out of it. */
const hidden: readonly (readonly [string, string, string])[] = [
  ["busybox", "busybox", "apt install busybox-static"],
  ["skopeo", "skopeo", "apt install skopeo"],
  ["nft", "nftables", "apt install nftables"],
  ["nsenter", "programs", "apt install util-linux"],
  ["systemd-nspawn", "programs", "apt install systemd-container"],
];

describe.each(testedHosts)("host check on %s", (os) => {
  let lab: Lab;
  let host: Host;

  beforeAll(async () => {
    lab = await startLab({ hosts: [{ name: "hosta", os }], mbctl: true });
    host = lab.host("hosta");
    await installImages(host, images);
    for (const name of Object.keys(images))
      await pull(host, name, ["--start", ...(flags[name] ?? [])]);
    await waitForGreen(host);
  }, labTimeoutMs);
  afterAll(async () => await lab[Symbol.asyncDispose](), labTimeoutMs);

  test(
    "is green on a good host, with a line for each thing",
    async () => {
      const { checks, exitCode } = await check(host);
      expect(exitCode).toBe(0);
      expect(checks.filter(({ verdict }) => verdict !== "ok")).toEqual([]);
      expect(checks.map((line) => line.check)).toEqual([
        ...["systemd", "kernel", "nftables", "skopeo", "busybox", "space", "yggdrasil", "bridge"],
        ...["network", "forwarding", "masquerading", "DHCP", "router advertisements", "names"],
        ...["firewall", "/etc/hosts", "machines"],
      ]);
      const text = await mbctlOut(host, ["host", "check"]);
      expect(text).toContain("4 machines are whole");
      expect(text.split("\n")).toHaveLength(checks.length + 1);
    },
    testTimeoutMs,
  );

  test.each(breakages)(
    "when %s, says so, and what it prints mends it",
    async (_, script, verdict, name, mend) => {
      await host.sh(script);
      const told = await check(host);
      const line = bad(told).find((finding) => finding.check === name);
      expect(line).toMatchObject({ verdict, mend: expect.stringMatching(mend) });
      expect(told.exitCode).toBe(3);
      await mendAsTold(host);
    },
    testTimeoutMs,
  );

  test.each(hidden)(
    "when %s is not there, names the package",
    async (program, name, mend) => {
      await host.sh(
        'p=$(command -v "$1"); mv "$(readlink -f "$p")" /root/hidden; readlink -f "$p" >/root/place',
        [program],
      );
      try {
        const told = await check(host);
        expect(told.exitCode).toBe(3);
        const line = bad(told).find((finding) => finding.check === name);
        expect(line).toMatchObject({ verdict: "missing", mend });
      } finally {
        await host.sh('mv /root/hidden "$(cat /root/place)"');
      }
      await waitForGreen(host);
    },
    testTimeoutMs,
  );

  test(
    "does not wait for a program that hangs",
    async () => {
      await host.writeFile("/usr/local/bin/skopeo", "#!/bin/sh\nexec sleep 100\n", "0755");
      const startedMs = performance.now();
      expect(await onlyBad(host)).toEqual({
        check: "skopeo",
        verdict: "wrong",
        seen: "it does not say its version",
        mend: "run skopeo --version",
      });
      expect(performance.now() - startedMs).toBeLessThan(90_000);
      await host.sh("rm /usr/local/bin/skopeo");
    },
    testTimeoutMs,
  );

  test(
    "tells of work that a killed run left, until it is cleared away",
    async () => {
      await host.sh("touch /var/lib/man8machine_configs/.mbctl-pull.Ghost");
      const line = await onlyBad(host);
      expect(line.seen).toBe("Ghost: its pull was not ended");
      // It asks first: there is nobody here to answer.
      await host.sh(`${line.mend} --yes`);
      await waitForGreen(host);
    },
    testTimeoutMs,
  );

  test(
    "tells of a bad rule, and of a trusted host that is away",
    async () => {
      const toml = "/var/lib/man8machine_configs/One/machine.toml";
      const before = await host.readFile(toml);
      await host.writeFile(toml, `allow = ["nobody-knows"]\n${before.replace(/^allow.*\n/m, "")}`);
      const config = await host.readFile("/etc/mbctl/config.toml").catch(() => "[hosts]\n");
      await host.writeFile(
        "/etc/mbctl/config.toml",
        config.replace("[hosts]", '[hosts]\naway = "300:1:2:3::/64"'),
      );
      const { checks, exitCode } = await check(host);
      expect(exitCode).toBe(3);
      expect(checks).toContainEqual({
        check: "trusted host",
        verdict: "note",
        seen: "away does not answer",
      });
      const line = checks.find((finding) => finding.check === "settings");
      expect(line?.seen).toContain("nobody-knows");
      await host.writeFile(toml, before);
      await host.writeFile("/etc/mbctl/config.toml", config);
      await host.sh("mbctl host reload");
      await waitForGreen(host);
    },
    testTimeoutMs,
  );

  describe("with a name", () => {
    const reachable = async (name: string) => {
      const { checks, exitCode } = await check(host, name);
      const last = checks.at(-1);
      expect(last?.check).toBe("reachable");
      return { exitCode, checks, last };
    };

    test(
      "is green for a machine that can be reached, and shows addresses, routes and ports",
      async () => {
        await waitForGreen(host, undefined, "One");
        const { checks } = await reachable("One");
        expect(checks.map((line) => [line.check, line.verdict])).toEqual(
          ["files", "unit", "mesh address", "ULA and IPv4", "mesh routes", "default routes"]
            .concat(["listens", "open to", "reachable"])
            .map((name) => [name, "ok"]),
        );
        const seen = (name: string) => checks.find((line) => line.check === name)?.seen ?? "";
        expect(seen("mesh address")).toBe(await mbctlOut(host, ["address", "get", "One"]));
        expect(seen("ULA and IPv4")).toMatch(/^fdfc:16ed:7601:0:\S+, 10\.199\.0\.\d+$/);
        expect(seen("listens")).toBe("80/tcp httpd (::)");
        expect(seen("reachable")).toMatch(/ answers the host; 80\/tcp$/);
      },
      testTimeoutMs,
    );

    test(
      "knows a program on 127.0.0.1 alone, one on IPv4 alone, and one that is stopped",
      async () => {
        const local = await reachable("Local");
        expect(local.exitCode).toBe(3);
        expect(local.last?.seen).toBe(
          "its programs listen on the loopback address alone: 80/tcp httpd (127.0.0.1)",
        );
        const four = await reachable("Four");
        expect(four.exitCode).toBe(3);
        expect(four.last?.seen).toBe(
          "its programs listen on IPv4 alone, and the mesh is IPv6: 80/tcp httpd (0.0.0.0)",
        );
        expect(await mbctlOut(host, ["machines", "show", "Four"])).toMatch(
          /^IPv4 alone +80\/tcp httpd \(0\.0\.0\.0\): not at the mesh address /m,
        );
        await mbctlOut(host, ["machines", "stop", "Local"]);
        expect(await reachable("Local")).toMatchObject({
          exitCode: 3,
          last: { verdict: "wrong", seen: "it is stopped", mend: "mbctl machines start Local" },
        });
      },
      testTimeoutMs,
    );

    test(
      "finds an address that was removed, and the restart that it prints mends it",
      async () => {
        const address = await mbctlOut(host, ["address", "get", "One"]);
        await host.sh(
          'nsenter -t "$(machinectl show -p Leader --value One)" -n ip addr del "$1/64" dev host0',
          [address],
        );
        const { exitCode, last } = await reachable("One");
        expect(exitCode).toBe(3);
        expect(last?.seen).toBe(`its mesh address ${address} is not on host0`);
        expect(last?.mend).toBe("mbctl machines restart One");
        await mendAsTold(host, "One");
      },
      testTimeoutMs,
    );

    test(
      "says that the firewall kept a machine from starting; one of an older mbctl gets its firewall",
      async () => {
        const dropIn = "/etc/systemd/system/systemd-nspawn@Local.service.d/50-mbctl.conf";
        await host.sh("echo nonsense >/var/lib/mbctl/firewall.nft; ! mbctl machines start Local");
        expect((await reachable("Local")).last).toMatchObject({
          seen: "it did not start: its firewall could not be loaded",
          mend: "mbctl host reload",
        });
        const old = { stopSignal: parseSignal("SIGTERM"), stopTimeoutSec: 10, bridge: "srvgrp0" };
        await host.writeFile(dropIn, renderUnitDropIn(old), "0644");
        await host.sh("mbctl host reload");
        const firewall = "/var/lib/mbctl/firewall.nft";
        expect(await host.readFile(dropIn)).toBe(renderUnitDropIn({ ...old, firewall }));
      },
      testTimeoutMs,
    );

    test(
      "takes a published port for a way in, and misses its socket",
      async () => {
        expect((await reachable("Pub")).last?.seen).toMatch(/; published: 80\/tcp$/);
        await host.sh("systemctl stop mbctl-publish_Pub_8080.socket");
        const { exitCode, checks } = await reachable("Pub");
        expect(exitCode).toBe(3);
        expect(checks.find((line) => line.check === "published")).toEqual({
          check: "published",
          verdict: "wrong",
          seen: "8080:80: nobody listens on the host",
          mend: "systemctl restart mbctl-publish_Pub_8080.socket",
        });
        await mendAsTold(host, "Pub");
      },
      testTimeoutMs,
    );

    test(
      "is green once the relay that it asks for runs",
      async () => {
        const { last } = await reachable("Four");
        const line = /^write (relay6 = \["auto"\]) to Four's machine\.toml, then (.+)$/.exec(
          last?.mend ?? "",
        );
        const toml = "/var/lib/man8machine_configs/Four/machine.toml";
        await host.writeFile(toml, `${line?.[1]}\n${await host.readFile(toml)}`);
        await host.sh(line?.[2] ?? "false");
        await waitForGreen(host, undefined, "Four");
        const { checks } = await reachable("Four");
        expect(checks.find(({ check }) => check === "listens")?.seen).toBe(
          "80/tcp httpd (0.0.0.0), relayed to the mesh address",
        );
      },
      testTimeoutMs,
    );
  });

  test(
    "notices a changed key, and renumbering makes it green again",
    async () => {
      const file = "/etc/yggdrasil/yggdrasil.conf";
      const config = JSON.parse(await host.readFile(file));
      const { PrivateKey, PublicKey } = JSON.parse(
        (await host.run(["yggdrasil", "-genconf", "-json"])).stdout,
      );
      await host.sh('cat >"$1"; systemctl restart yggdrasil', [file], {
        stdin: JSON.stringify({ ...config, PrivateKey, PublicKey }),
      });
      const told = await waitFor(
        async () => {
          const answer = await check(host);
          return bad(answer).some((line) => line.check === "prefix") ? answer : undefined;
        },
        { what: "the changed key to be noticed" },
      );
      const line = bad(told).find((finding) => finding.check === "prefix");
      expect(line?.mend).toBe("mbctl host renumber");
      await mendAsTold(host);
      await waitForGreen(host, undefined, "One");
    },
    testTimeoutMs,
  );
});
