/** A host that has nothing but packages: set up, used, and taken back, on every systemd. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Host } from "../lab/host.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { joinHosts } from "../lab/mesh.ts";
import { waitFor } from "../lab/wait_for.ts";
import { hostSnapshot } from "./_host_snapshot.ts";
import { labTimeoutMs, mbctl, mbctlOut, testedHosts, testTimeoutMs } from "./_lab.ts";
import { installImages, pull } from "./_machines.ts";
import { inside, waitForPing } from "./_network.ts";

const recordFile = "/var/lib/mbctl/setup.json";

describe.each(testedHosts)("on %s", (os) => {
  let lab: Lab;
  let host: Host;
  let before: string[];

  const setup = async (...flags: string[]) => await mbctl(host, ["host", "setup", ...flags]);
  const teardown = async (...flags: string[]) =>
    await mbctlOut(host, ["host", "teardown", "--yes", ...flags]);
  const exists = async (path: string) =>
    (await host.run(["test", "-e", path], { allowFailure: true })).exitCode === 0;

  beforeAll(async () => {
    const hosts = ["hosta", "hostb"].map((name) => ({ name, os }));
    lab = await startLab({ hosts, mesh: false, bridge: false, mbctl: true });
    host = lab.host("hosta");
    await installImages(host, { Web: { config: { Cmd: ["sleep", "1000"] } } });
    before = await hostSnapshot(host);
  }, labTimeoutMs);
  afterAll(async () => await lab?.[Symbol.asyncDispose](), labTimeoutMs);

  describe("what cannot be", () => {
    test.each([
      [["--uplink", "nope0"], 2, 'Cannot use the uplink "nope0": there is no such interface'],
      [["--ula", "fd00::/48"], 2, 'Cannot parse IPv6 prefix "fd00::/48": its length is "48"'],
      [["--ula", "2001:db8::/64"], 2, "lies outside of fd00::/8"],
      [["--ipv4", "10.0.0.0/8"], 2, "its length is not 16 to 28"],
      [["--bridge", "vb-x"], 2, 'Cannot call a bridge "vb-x": such names are reserved'],
      [["--bridge", "ethmachines"], 4, "it is a name for a network card"],
      [["--bridge", "lo0/x"], 2, "Cannot call a bridge"],
      [["--root", "/mnt"], 3, "no systemd runs there"],
    ] as const)("%j is refused", async (flags, code, words) => {
      const { exitCode, stderr } = await setup(...flags);
      expect([exitCode, stderr]).toEqual([code, expect.stringContaining(words)]);
    });

    test.each([
      ["a hidden nft", "mount --bind /dev/null /usr/sbin/nft", 'Cannot find the program "nft"'],
      [
        "a masked service",
        "systemctl mask --runtime systemd-resolved",
        "Cannot use systemd-resolved: its unit is masked",
      ],
    ])("%s is named", async (_, script, words) => {
      await host.sh(script);
      try {
        const { exitCode, stderr } = await setup();
        expect([exitCode, stderr]).toEqual([3, expect.stringContaining(words)]);
      } finally {
        await host.sh(
          "umount /usr/sbin/nft 2>/dev/null || systemctl unmask --runtime systemd-resolved",
        );
      }
    });

    test("a bridge of somebody else's is left alone", async () => {
      await host.sh("ip link add br9 type bridge");
      const { exitCode, stderr } = await setup("--bridge", "br9");
      await host.sh("ip link delete br9");
      expect(exitCode).toBe(4);
      expect(stderr).toStartWith('mbctl: Cannot make the bridge "br9": there is an interface');
    });

    test("and nothing has changed", async () => {
      expect(await hostSnapshot(host)).toEqual(before);
    });
  });

  describe("a failure in the middle", () => {
    /** Each lets a later step fail, and how to mend it. */
    const faults = {
      "a folder that cannot be written to": [
        "mkdir -p /etc/sysctl.d; mount --bind /etc/sysctl.d /etc/sysctl.d; mount -o remount,ro,bind /etc/sysctl.d",
        "umount /etc/sysctl.d",
        /^mbctl: Cannot write \/etc\/sysctl\.d\/.*\n {2}because: EROFS/m,
      ],
      "a yggdrasil that does not start": [
        "mkdir -p /run/systemd/system/yggdrasil.service.d; printf '[Service]\\nExecStartPre=/bin/false\\n' >/run/systemd/system/yggdrasil.service.d/no.conf; systemctl daemon-reload",
        "rm -r /run/systemd/system/yggdrasil.service.d; systemctl daemon-reload; systemctl reset-failed",
        /^mbctl: Cannot run "systemctl start yggdrasil\.service": it failed\n/m,
      ],
      "an nft that the kernel refuses": [
        'cp /usr/sbin/nft /run/nft.real; printf \'#!/bin/sh\\ncase "$*" in *--file*mbctl*) echo no >&2; exit 1;; esac\\nexec /run/nft.real "$@"\\n\' >/run/nft; chmod 755 /run/nft; mount --bind /run/nft /usr/sbin/nft',
        "umount /usr/sbin/nft; rm /run/nft /run/nft.real",
        /^mbctl: Cannot bring firewall/m,
      ],
    } as const;

    test.each(Object.keys(faults) as (keyof typeof faults)[])(
      "by %s is taken back",
      async (name) => {
        const [spoil, mend, words] = faults[name];
        await host.sh(spoil);
        const { exitCode, stderr } = await setup();
        await host.sh(mend);
        expect(stderr).toMatch(words);
        expect(exitCode).not.toBe(0);
        expect(await hostSnapshot(host)).toEqual(before);
      },
      testTimeoutMs,
    );

    /** mbctl, which gets a signal at the n-th such call. The n-th rename is that of a file; the record is the first. */
    const struckAt = async (call: string, n: number, signal: string, ...words: string[]) => {
      const inject = `inject=${call}:signal=${signal}:when=${n}`;
      const strace = ["strace", "-qq", "-o", "/dev/null", "-e", `trace=${call}`, "-e", inject];
      const options = { allowFailure: true };
      return (await host.run([...strace, "mbctl", "host", ...words], options)).exitCode;
    };
    const renames = "rename,renameat,renameat2";

    test.each([4, 7])(
      "by SIGKILL at the %dth file is taken back by a teardown, or mended by a second setup",
      async (n) => {
        expect(await struckAt(renames, n, "KILL", "setup")).toBe(137);
        expect(await host.readFile(recordFile)).toContain('"begun"');
        await teardown();
        expect(await hostSnapshot(host)).toEqual(before);

        await struckAt(renames, n, "KILL", "setup");
        const { exitCode, stderr } = await setup();
        expect([exitCode, stderr]).toEqual([
          0,
          expect.stringContaining("taking back what an earlier setup"),
        ]);
        expect((await setup()).stderr).toBe("nothing to do: the host is set up\n");
        await teardown();
        expect(await hostSnapshot(host)).toEqual(before);
      },
      testTimeoutMs,
    );

    test(
      "by Ctrl-C is taken back",
      async () => {
        expect(await struckAt(renames, 5, "INT", "setup")).toBe(130);
        expect(await hostSnapshot(host)).toEqual(before);
      },
      testTimeoutMs,
    );

    test(
      "of a teardown that is killed is mended by the next one",
      async () => {
        await setup();
        expect(await struckAt("unlink,unlinkat", 8, "KILL", "teardown", "--yes")).toBe(137);
        await teardown();
        expect(await hostSnapshot(host)).toEqual(before);
      },
      testTimeoutMs,
    );
  });

  test(
    "an uplink on which the kernel has IPv6 by router advertisements keeps it",
    async () => {
      const router = lab.host("hostb");
      await router.writeFile(
        "/etc/systemd/network/ra.network",
        "[Match]\nName=to-hosta\n[Network]\nAddress=2001:db8::1/64\nIPv6SendRA=yes\n[IPv6SendRA]\nRouterLifetimeSec=1h\n[IPv6Prefix]\nPrefix=2001:db8::/64\n",
      );
      await router.run(["networkctl", "reload"]);
      await joinHosts(router, host);
      const gateway = async () => (await host.run(["ip", "-6", "route", "show", "default"])).stdout;
      await waitFor(async () => (await gateway()).includes("dev to-hostb proto ra"), {
        what: "a router advertisement",
      });
      await setup();
      expect(await gateway()).toContain("dev to-hostb proto ra");
      const setting = "/proc/sys/net/ipv6/conf/to-hostb/accept_ra";
      expect(await host.readFile(setting)).toBe("2\n");
      expect(await host.readFile("/etc/sysctl.d/80-man8s-forwarding.conf")).toContain(
        "\nnet/ipv6/conf/to-hostb/accept_ra = 2\n",
      );
      await teardown();
      expect(await host.readFile(setting)).toBe("1\n");
      expect(await gateway()).toContain("dev to-hostb proto ra");
      await host.sh("ip link delete to-hostb");
    },
    testTimeoutMs,
  );

  test(
    "a service that was off is off again after a teardown",
    async () => {
      const units = "systemd-networkd.service systemd-networkd.socket systemd-resolved.service";
      await host.sh(`systemctl disable --now ${units}; systemctl stop 'systemd-networkd*.socket'`);
      const off = await hostSnapshot(host);
      expect((await setup()).exitCode).toBe(0);
      await teardown();
      expect(await hostSnapshot(host)).toEqual(off);
      await host.sh("systemctl enable --now systemd-networkd systemd-resolved");
      expect(await hostSnapshot(host)).toEqual(before);
    },
    testTimeoutMs,
  );

  describe("networks", () => {
    beforeEach(async () => {
      await host.sh(
        "ip link show x0 >/dev/null 2>&1 || { ip link add x0 type veth peer name x1; ip addr add 10.199.0.77/24 dev x0; ip link set x0 up; }",
      );
    });
    afterAll(async () => void (await host.sh("ip link delete x0")));

    test("that somebody wants are refused where they overlap others, which are named", async () => {
      const { exitCode, stderr } = await setup("--ipv4", "10.199.0.64/26");
      expect(exitCode).toBe(4);
      expect(stderr).toStartWith(
        "mbctl: Cannot give 10.199.0.64/26 to srvgrp0: it overlaps the address 10.199.0.77/24 of x0\n",
      );
    });

    test(
      "are chosen free, stand in config.toml, and stay",
      async () => {
        await host.writeFile("/etc/mbctl/config.toml", "# mine\nstop_timeout_sec = 9\n", "0640");
        const flags = ["--bridge", "br-m", "--ula", "fd99::/64"];
        const asked = await setup(...flags);
        expect([asked.exitCode, asked.stderr]).toEqual([
          2,
          expect.stringContaining("Change files that are there: /etc/mbctl/config.toml?"),
        ]);
        expect((await setup("--yes", ...flags)).exitCode).toBe(0);
        expect(await host.readFile("/etc/mbctl/config.toml")).toBe(
          '# mine\nstop_timeout_sec = 9\nbridge = "br-m"\nula = "fd99::/64"\nipv4 = "10.200.0.0/24"\n',
        );
        const shown = (await host.run(["ip", "address", "show", "br-m"])).stdout;
        expect(shown).toMatch(/inet 10\.200\.0\.1\/24 /);
        expect(shown).toMatch(/inet6 fd99::1\/64 /);
        expect((await setup()).stderr).toBe("nothing to do: the host is set up\n");
        const other = await setup("--ipv4", "10.77.0.0/24");
        expect([other.exitCode, other.stderr]).toEqual([
          4,
          expect.stringContaining("Cannot change the host's IPv4 network to 10.77.0.0/24"),
        ]);
        await teardown();
        expect(await host.readFile("/etc/mbctl/config.toml")).toBe(
          "# mine\nstop_timeout_sec = 9\n",
        );
        expect((await host.sh("stat -c %a /etc/mbctl/config.toml; rm -r /etc/mbctl")).stdout).toBe(
          "640\n",
        );
      },
      testTimeoutMs,
    );
  });

  describe("yggdrasil's configuration", () => {
    const file = "/etc/yggdrasil/yggdrasil.conf";
    afterAll(async () => void (await host.sh(`rm -f ${file} ${file}.mbctl-saved`)));

    test(
      "keeps its key and every byte but the pattern, and comes back as it was",
      async () => {
        await host.sh(
          `umask 077; { echo '# mine: ü'; yggdrasil -genconf; } >${file}; chgrp yggdrasil ${file}; chmod 0440 ${file}`,
        );
        const look = `stat -c '%a %U:%G' ${file}; cat ${file}`;
        const original = (await host.sh(look)).stdout;
        const subnet = (await host.run(["yggdrasil", "-useconffile", file, "-subnet"])).stdout;
        expect((await setup()).stderr).toContain(`Change files that are there: ${file}?`);
        expect((await setup("--yes")).exitCode).toBe(0);
        expect((await host.sh(look)).stdout).toBe(
          original.replace(/Regex: \.\*/, "Regex: ^(en|eth|wl|ww).*"),
        );
        expect((await host.run(["yggdrasilctl", "-json", "getself"])).stdout).toContain(
          subnet.trim(),
        );
        await teardown();
        expect((await host.sh(look)).stdout).toBe(original);
      },
      testTimeoutMs,
    );

    test(
      "that was edited since is kept beside",
      async () => {
        await host.sh(`rm -f ${file}`);
        expect((await setup()).exitCode).toBe(0);
        await host.sh(`sed -i 's/Peers: \\[\\]/Peers: [] # edited/' ${file}`);
        const edited = await host.readFile(file);
        await teardown();
        expect(await exists(file)).toBe(false);
        expect(await host.readFile(`${file}.mbctl-saved`)).toBe(edited);
      },
      testTimeoutMs,
    );

    test(
      "that setup made stays with --keep-key, and the next setup has the same prefix",
      async () => {
        await setup();
        const prefix = async () =>
          /^ *inet6 (3\S+)::1\/128/m.exec((await host.run(["ip", "a"])).stdout)?.[1];
        const first = await prefix();
        expect(first).toBeDefined();
        const asked = await mbctl(host, ["host", "teardown"]);
        expect([asked.exitCode, asked.stderr]).toEqual([2, expect.stringContaining("--keep-key")]);
        await teardown("--keep-key");
        expect(await exists(file)).toBe(true);
        await setup();
        expect(await prefix()).toBe(first);
        await teardown();
      },
      testTimeoutMs,
    );
  });

  test(
    "a dry run shows the very steps and changes nothing; a setup gives a machine its addresses; a teardown leaves no trace",
    async () => {
      const shown = await mbctlOut(host, ["host", "setup", "--dry-run"]);
      expect(await hostSnapshot(host)).toEqual(before);
      const { exitCode, stderr } = await setup();
      expect(exitCode).toBe(0);
      const sizes = /\d+ bytes/g;
      const steps = stderr.split("\n").filter((line) => line.startsWith("  "));
      expect(steps.map((line) => line.slice(2).replace(sizes, ""))).toEqual(
        shown.split("\n").map((line) => line.replace(sizes, "")),
      );
      expect(
        (await host.sh(`stat -c '%a %U:%G' ${recordFile} /etc/yggdrasil/yggdrasil.conf`)).stdout,
      ).toBe("600 root:root\n640 root:yggdrasil\n");
      expect(
        (await host.run(["yggdrasilctl", "-json", "getmulticastinterfaces"])).stdout,
      ).not.toMatch(/srvgrp0|vb-/);

      await mbctlOut(host, ["host", "check"]);
      const standing = await hostSnapshot(host);
      expect((await setup()).stderr).toBe("nothing to do: the host is set up\n");
      expect(await hostSnapshot(host)).toEqual(standing);

      const address = await pull(host, "Web", ["--start"]);
      await waitForPing(host, address);
      await waitFor(
        async () =>
          /inet 10\.199\.0\.(12[89]|1[3-9]\d|2\d\d)\//.test(await inside(host, "Web", "ip addr")),
        {
          what: "a leased address",
          explain: () => inside(host, "Web", "ip addr"),
        },
      );
      const addresses = await inside(host, "Web", "ip addr");
      expect(addresses).toContain(`inet6 ${address}/64`);
      expect(addresses).toMatch(/inet6 fdfc:16ed:7601:/);

      const refused = await mbctl(host, ["host", "teardown", "--yes"]);
      expect(refused.exitCode).toBe(4);
      expect(refused.stderr).toContain('it has machines: "Web"');
      await mbctlOut(host, ["machines", "remove", "Web", "--stop", "--yes"]);
      await host.sh("rm -rf /var/lib/man8machines/.mbctl-trees");
      await teardown();
      expect(await hostSnapshot(host)).toEqual(before);
      const again = await mbctl(host, ["host", "teardown", "--yes"]);
      expect(again.stderr).toStartWith(
        "mbctl: Cannot take the host's set-up back: mbctl has not set it up\n",
      );
    },
    testTimeoutMs,
  );

  test(
    "what is missing is mended; bridge, addresses and firewall come back after a boot",
    async () => {
      expect((await setup()).exitCode).toBe(0);
      await host.sh("ip link delete srvgrp0; rm /etc/sysctl.d/80-man8s-forwarding.conf");
      expect((await setup()).exitCode).toBe(0);
      expect((await setup()).stderr).toBe("nothing to do: the host is set up\n");
      await lab.reboot(host);
      // A container's systemd leaves /proc/sys alone.
      await host.run(["sysctl", "--load", "/etc/sysctl.d/80-man8s-forwarding.conf"]);
      await waitFor(async () => (await setup()).stderr === "nothing to do: the host is set up\n", {
        what: "the bridge after a boot",
        explain: async () => (await setup("--dry-run")).stdout,
      });
      expect((await host.run(["nft", "list", "tables"])).stdout).toMatch(/^table bridge mbctl$/m);
      await waitForPing(host, await pull(host, "Web", ["--start"]));
    },
    testTimeoutMs,
  );
});
