/** A host whose network is NetworkManager's, with firewalld: set up, used, and taken back. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Host } from "../lab/host.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { joinHosts, startYggdrasil } from "../lab/mesh.ts";
import { waitFor } from "../lab/wait_for.ts";
import { hostSnapshot } from "./_host_snapshot.ts";
import { labTimeoutMs, mbctl, mbctlOut, testedHosts, testTimeoutMs } from "./_lab.ts";
import { installImages, journalOf, pull } from "./_machines.ts";
import { inside, ipv4Of, sourceOfPing, waitForPing } from "./_network.ts";

const packages = ["network-manager", "dnsmasq-base", "firewalld"];

/** udev does not run in a lab host: NetworkManager is told what udev's rules say elsewhere (85-nm-unmanaged.rules). */
const prepare = `
  systemctl disable --now systemd-networkd.service systemd-networkd.socket
  systemctl stop systemd-networkd-varlink.socket 2>/dev/null || true
  printf '[keyfile]\\nunmanaged-devices=driver:veth;interface-name:tun*\\n' >/etc/NetworkManager/conf.d/lab.conf
  systemctl restart NetworkManager.service
  firewall-cmd --permanent --zone=trusted --add-interface=to-hostb
  firewall-cmd --reload`;

/** Addresses of the link between the hosts. */
const addLink =
  'ip addr add "192.0.2.$2/24" dev "$1"; ip addr add "2001:db8:1::$2/64" dev "$1" nodad';

/** NetworkManager's own notes, and its dispatcher, which runs for ten seconds after each event. */
const isItsOwn = (line: string) =>
  /lib\/NetworkManager\/(timestamps|seen-bssids)|^NetworkManager-dispatcher\.service$/.test(line);

const webServer = "mkdir -p /www; echo hello >/www/index.html; exec httpd -f -vv -h /www";

describe.each(testedHosts)("on %s", (os) => {
  let lab: Lab;
  let host: Host;
  let other: Host;
  let before: string[];
  let web: string;

  const snapshot = async () => (await hostSnapshot(host)).filter((line) => !isItsOwn(line));
  const setup = async () => await mbctl(host, ["host", "setup", "--yes"]);
  const teardown = async (...machines: string[]) => {
    for (const name of machines) {
      await mbctlOut(host, ["machines", "remove", name, "--stop", "--yes"]);
    }
    await host.sh("rm -rf /var/lib/man8machines/.mbctl-trees");
    await mbctlOut(host, ["host", "teardown", "--yes"]);
  };
  const link = async () => {
    await joinHosts(host, other);
    await host.sh(addLink, ["to-hostb", "1"]);
    await other.sh(addLink, ["to-hosta", "2"]);
  };
  const leaseOf = async (name: string) =>
    await waitFor(async () => (await ipv4Of(host, name)) || undefined, {
      what: "a lease",
      explain: () => inside(host, name, "ip addr"),
    });

  beforeAll(async () => {
    const [a, b] = [
      { name: "hosta", os, packages },
      { name: "hostb", os },
    ];
    lab = await startLab({ hosts: [a, b], mesh: false, bridge: false, mbctl: true });
    [host, other] = [lab.host("hosta"), lab.host("hostb")];
    await host.sh(prepare);
    await link();
    const identities = [await startYggdrasil(host), await startYggdrasil(other)];
    const hosts = identities.map(
      ({ address }, index) => `${lab.hosts[index]?.name} = "${address}"\n`,
    );
    await host.writeFile("/etc/mbctl/config.toml", `[hosts]\n${hosts.join("")}`);
    await installImages(host, {
      Web: { config: { Cmd: ["sleep", "1000"] } },
      Shop: { config: { Cmd: ["sh", "-c", webServer] } },
    });
    await waitFor(async () => !(await host.run(["ip", "address"])).stdout.includes("tentative"), {
      what: "the link's own addresses",
    });
    before = await snapshot();
  }, labTimeoutMs);
  afterAll(async () => await lab?.[Symbol.asyncDispose](), labTimeoutMs);

  test(
    "a setup that fails is taken back",
    async () => {
      // The last step that can fail, when all of the bridge is there.
      await host.sh(
        `printf '#!/bin/sh\\ncase "$*" in *--file*mbctl*) exit 1;; esac\\nexec /run/nft.real "$@"\\n' >/run/nft
         chmod 755 /run/nft; cp /usr/sbin/nft /run/nft.real; mount --bind /run/nft /usr/sbin/nft`,
      );
      const { stderr } = await setup();
      await host.sh("umount /usr/sbin/nft; rm /run/nft /run/nft.real");
      expect(stderr).toMatch(/^mbctl: Cannot bring firewall/m);
      expect(await snapshot()).toEqual(before);
    },
    testTimeoutMs,
  );

  test(
    "setup finds NetworkManager, makes the bridge by it, and does nothing the second time",
    async () => {
      const { exitCode, stderr } = await setup();
      expect(stderr).toContain("\n  nmcli connection up mbctl-srvgrp0\n");
      expect(exitCode).toBe(0);
      // Else the check for duplicates would hold up the first machine by two seconds.
      const tentative = "ip -6 address show dev srvgrp0 scope global tentative";
      expect((await host.sh(tentative)).stdout).toBe("");
      const state = ["nmcli", "-g", "GENERAL.STATE", "device", "show", "srvgrp0"];
      await waitFor(async () => (await host.run(state)).stdout.startsWith("100 "), {
        what: "NetworkManager to be done with the bridge",
      });
      const standing = await snapshot();
      expect((await setup()).stderr).toBe("nothing to do: the host is set up\n");
      expect(await snapshot()).toEqual(standing);
      const connection = ["nmcli", "-g", "GENERAL.CONNECTION", "device", "show", "srvgrp0"];
      expect((await host.run(connection)).stdout).toBe("mbctl-srvgrp0\n");
      const zone = ["firewall-cmd", "--get-zone-of-interface=srvgrp0"];
      expect((await host.run(zone)).stdout).toBe("mbctl\n");
      await mbctlOut(host, ["host", "check"]);
    },
    testTimeoutMs,
  );

  test(
    "a machine has its three addresses, and the other host reaches it by the mesh",
    async () => {
      web = await pull(host, "Web", ["--start"]);
      await waitForPing(host, web);
      expect(await leaseOf("Web")).toMatch(/\.(12[89]|1[3-9]\d|2\d\d)$/);
      const shown = await inside(host, "Web", "ip -6 addr show dev host0");
      expect(shown).toContain(`inet6 ${web}/64`);
      // By its name at once, and by an advertisement of NetworkManager's.
      await waitFor(
        async () =>
          (await inside(host, "Web", "ip -6 addr")).match(/inet6 fdfc:16ed:7601:/g)?.length === 2,
        { what: "a router advertisement" },
      );
      expect(await inside(host, "Web", "ip -6 addr")).not.toContain("tentative");
      await waitForPing(other, web);
    },
    testTimeoutMs,
  );

  test.each([
    ["IPv4", "192.0.2.1", "192.0.2.2"],
    ["IPv6", "2001:db8:1::1", "2001:db8:1::2"],
  ])(
    "%s to the world has the host's address",
    async (_, own, target) => {
      const ping = () => inside(host, "Web", `ping -c1 -W5 ${target}`);
      expect(await sourceOfPing(other, "to-hosta", target, ping)).toBe(own);
    },
    testTimeoutMs,
  );

  test(
    "a machine that comes later is found by its name, and by a published port",
    async () => {
      const shop = await pull(host, "Shop", ["--start", "--publish", "8080:80"]);
      const answer = async () => await inside(host, "Web", "busybox nslookup -type=aaaa shop");
      await waitFor(async () => (await answer()).includes(`Address: ${shop}\n`), {
        what: "the name",
        explain: answer,
      });
      const fetch = ["curl", "-sS", "--max-time", "5", "http://192.0.2.1:8080/"];
      await waitFor(
        async () => (await other.run(fetch, { allowFailure: true })).stdout === "hello\n",
        { what: "the page" },
      );
      // Not through a relay on the host: the app sees who asks.
      expect(await journalOf(host, "Shop")).toContain("192.0.2.2");
    },
    testTimeoutMs,
  );

  test.each([
    ["firewalld that is reloaded", "firewall-cmd --reload"],
    ["NetworkManager that is restarted", "systemctl restart NetworkManager.service"],
  ])(
    "a %s loses nothing",
    async (_, command) => {
      await host.sh(command);
      await waitForPing(other, web);
      const ping = () => inside(host, "Web", "ping -c1 -W5 192.0.2.2");
      await waitFor(async () => (await ping()).includes("1 packets received"), {
        what: "IPv4 to the world",
      });
      await other.run(["curl", "-sS", "--max-time", "5", "http://192.0.2.1:8080/"]);
      expect((await setup()).stderr).toBe("nothing to do: the host is set up\n");
    },
    testTimeoutMs,
  );

  test(
    "a teardown takes all of it back",
    async () => {
      await teardown("Web", "Shop");
      expect(await snapshot()).toEqual(before);
      const connections = ["nmcli", "-g", "NAME", "connection"];
      expect((await host.run(connections)).stdout).not.toContain("mbctl");
    },
    testTimeoutMs,
  );

  test(
    "bridge, zone and machines come back after a boot",
    async () => {
      expect((await setup()).exitCode).toBe(0);
      web = await pull(host, "Web", ["--start"]);
      await mbctlOut(host, ["machines", "enable", "Web"]);
      await lab.reboot(host);
      await link();
      await startYggdrasil(host);
      // It would go on with the link that went away, of the same name, for a minute and more.
      await other.run(["systemctl", "restart", "yggdrasil.service"]);
      await waitForPing(other, web);
      await leaseOf("Web");
      const ping = () => inside(host, "Web", "ping -c1 -W5 192.0.2.2");
      expect(await sourceOfPing(other, "to-hosta", "192.0.2.2", ping)).toBe("192.0.2.1");
      // A container's systemd leaves /proc/sys alone; NetworkManager does not.
      expect((await setup()).stderr).toBe("nothing to do: the host is set up\n");
      await teardown("Web");
    },
    testTimeoutMs,
  );

  test(
    "networkd's bridge has its zone of firewalld as well",
    async () => {
      await host.sh(
        "systemctl stop NetworkManager.service; systemctl start systemd-networkd.service",
      );
      const { stderr } = await setup();
      expect(stderr).toContain("\n  firewall-cmd --reload\n");
      web = await pull(host, "Web", ["--start"]);
      await host.run(["firewall-cmd", "--reload"]);
      await waitForPing(other, web);
      await leaseOf("Web");
      const ping = () => inside(host, "Web", "ping -c1 -W5 192.0.2.2");
      expect(await sourceOfPing(other, "to-hosta", "192.0.2.2", ping)).toBe("192.0.2.1");
      await teardown("Web");
      expect((await host.run(["firewall-cmd", "--get-zones"])).stdout).not.toContain("mbctl");
    },
    testTimeoutMs,
  );
});
