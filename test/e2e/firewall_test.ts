/** Who may reach which machine, on every systemd: three hosts of one mesh, one of them a stranger to the others. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { formatIpv6 } from "../../lib/address/ipv6.ts";
import { machineMac } from "../../lib/firewall/machine_mac.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { defaultHostNetworks, machineUla } from "../../lib/network/host_network.ts";
import type { Host } from "../lab/host.ts";
import { waitFor } from "../lab/wait_for.ts";
import {
  allProbes,
  answerTo,
  type FirewallLab,
  inNetwork,
  type Name,
  PingStream,
  type Probe,
  probeFrom,
  startFirewallLab,
} from "./_firewall.ts";
import { labTimeoutMs, mbctlOut, testedHosts, testTimeoutMs } from "./_lab.ts";
import { unitOf } from "./_machines.ts";
import { ipv4Of, waitForPing } from "./_network.ts";
import {
  arrivals,
  neighbourAdvertisement,
  routerAdvertisement,
  sendIcmpv6,
  strayError,
  withAddress,
} from "./_packets.ts";

const targets = ["open", "picky", "shown-to-the-world", "app", "other", "alien"] as const;
const none: readonly Probe[] = [];
const web: readonly Probe[] = ["tcp80"];
const https: readonly Probe[] = ["tcp443"];
const shown: readonly Probe[] = ["tcp80", "udp53"];

/** What each source gets of each target, in their order above. hostc and its machine are the strangers. */
const reachability: Readonly<Record<string, readonly (readonly Probe[])[]>> = {
  hosta: [allProbes, allProbes, allProbes, allProbes, web, allProbes],
  open: [allProbes, allProbes, allProbes, allProbes, web, allProbes],
  picky: [allProbes, allProbes, allProbes, allProbes, web, allProbes],
  "shown-to-the-world": [allProbes, allProbes, allProbes, allProbes, web, allProbes],
  hostb: [allProbes, https, shown, allProbes, allProbes, allProbes],
  app: [allProbes, allProbes, shown, allProbes, allProbes, allProbes],
  other: [allProbes, https, shown, allProbes, allProbes, allProbes],
  hostc: [none, https, shown, none, none, allProbes],
  alien: [none, https, shown, none, none, allProbes],
};

describe.each(testedHosts)("the firewall on %s", (os) => {
  let it: FirewallLab;
  let a: Host;
  let b: Host;
  let stranger: Host;
  let address: Readonly<Record<Name, string>>;

  beforeAll(async () => {
    it = await startFirewallLab(os);
    [a, b, stranger] = ["hosta", "hostb", "hostc"].map((name) => it.lab.host(name)) as [
      Host,
      Host,
      Host,
    ];
    address = it.addresses;
  }, labTimeoutMs);
  afterAll(async () => await it?.[Symbol.asyncDispose](), labTimeoutMs);

  /** The whole table. What is lost under load is asked for again; what is answered once, is. */
  async function readTable(): Promise<Record<string, string[][]>> {
    const answers = new Map<string, Set<string>>();
    for (let round = 0; round < 3; round++) {
      const ask = async (source: string) => {
        const missing = targets.filter((target, index) =>
          reachability[source]?.[index]?.some(
            (probe) => !answers.get(`${source} ${target}`)?.has(probe),
          ),
        );
        const asked = round === 0 ? targets : missing;
        if (asked.length === 0) return;
        const found = await probeFrom(
          it,
          source,
          asked.map((target) => address[target]),
        );
        for (const target of asked) {
          const key = `${source} ${target}`;
          const earlier = answers.get(key) ?? new Set();
          answers.set(key, new Set([...earlier, ...(found.get(address[target]) ?? [])]));
        }
      };
      await Promise.all(Object.keys(reachability).map(ask));
    }
    return Object.fromEntries(
      Object.keys(reachability).map((source) => [
        source,
        targets.map((target) => [...(answers.get(`${source} ${target}`) ?? [])].sort()),
      ]),
    );
  }

  /** What would be without one of the tables of hosta. */
  async function without(family: "inet" | "bridge", look: () => Promise<void>): Promise<void> {
    await a.run(["nft", "delete", "table", family, "mbctl"]);
    try {
      await look();
    } finally {
      await mbctlOut(a, ["host", "reload"]);
    }
  }

  test(
    "lets everybody reach what the rules say by TCP, UDP and ping, and nothing else",
    async () => {
      expect(await readTable()).toEqual(
        Object.fromEntries(
          Object.entries(reachability).map(([source, row]) => [
            source,
            row.map((probes) => [...probes]),
          ]),
        ),
      );
    },
    testTimeoutMs,
  );

  test(
    "lets those in by a published port whom the machine allows, and no other node of the mesh",
    async () => {
      const published = it.lab.mesh("hosta").address;
      const answer = (source: string) => answerTo(it, source, published, 8080);
      for (const source of ["open", "app"]) {
        await waitFor(async () => (await answer(source)) === "tcp80", {
          what: `${source} to be answered`,
        });
      }
      const strangers = ["hostb", "other", "hostc", "alien"];
      expect(await Promise.all(strangers.map(answer))).toEqual(["", "", "", ""]);
    },
    testTimeoutMs,
  );

  test(
    "lets in answers, and errors of whatever connection",
    async () => {
      const route = await inNetwork(a, "open", [
        "sh",
        "-c",
        'ping -c1 -t2 "$0"; true',
        address.alien,
      ]);
      expect(route).toContain(`From ${it.lab.mesh("hostc").address}`);
      expect(route).toContain("Time exceeded: Hop limit");

      const watch = { host: a, machine: "open", filter: "icmp6 and ip6[40] < 129" };
      const seen = await arrivals(watch, address.open, async () => {
        await stranger.run(sendIcmpv6(address.open, "to-hosta", strayError));
        await stranger.run(["ping", "-c1", "-W1", address.open], { allowFailure: true });
      });
      expect(seen).toEqual([expect.stringContaining("packet too big")]);
    },
    testTimeoutMs,
  );

  test(
    "drops on the bridge what a machine sends from an address that is not its own",
    async () => {
      const target = "shown-to-the-world";
      const shown4 = await ipv4Of(a, target);
      const ula = (name: Name) => formatIpv6(machineUla(name, defaultHostNetworks.ula));
      const spoofs = [
        [address.open, address[target]],
        [ula("open"), ula(target)],
        [address.app, address[target]],
        ["fdfc:16ed:7601::1", ula(target)],
        ["10.199.0.1", shown4],
        ["10.7.7.7", shown4],
      ] as const;
      const watch = {
        host: a,
        machine: target,
        filter: "arp or icmp or (icmp6 and ip6[40] = 128)",
      };
      const arriving = (from: string, send: () => Promise<unknown>) =>
        arrivals(watch, address[target], send).then((lines) =>
          lines.filter((line) => line.includes(from)),
        );
      // Who knows its neighbour need not ask for it, and be answered where the address really is.
      const know = `ping -c1 -W5 "$0" && mac=$(ip neigh show "$0" | sed -n 's/.*lladdr \\([^ ]*\\).*/\\1/p') &&
        ip neigh replace "$0" lladdr "$mac" dev host0 nud permanent`;
      for (const to of new Set(spoofs.map(([, to]) => to)))
        await inNetwork(a, "picky", ["sh", "-c", know, to]);
      const spoofed = (from: string, to: string) =>
        arriving(from, () =>
          withAddress(a, "picky", from, ["ping", "-c1", "-W0.3", "-I", from, to]),
        );
      for (const [from, to] of spoofs) expect(await spoofed(from, to)).toEqual([]);
      // From its own addresses it arrives, and is not masqueraded; and from the others without the table.
      for (const [own, to] of [
        [address.picky, address[target]],
        [ula("picky"), ula(target)],
      ] as const) {
        const ping = ["ping", "-c1", "-W5", to];
        expect(await arriving(own, () => inNetwork(a, "picky", ping))).not.toEqual([]);
      }
      const machineId = (await a.readFile("/etc/machine-id")).trim();
      const [own, foreign] = (["picky", "open"] as const).map((name) =>
        machineMac(machineId, parseMachineName(name)),
      );
      const disguised = `ip link set host0 address "$0"; ping -c1 -W1 "$2"; ip link set host0 address "$1"`;
      const words = ["sh", "-c", disguised, foreign ?? "", own ?? "", address[target]];
      const asOpen = () => arriving(address.picky, () => inNetwork(a, "picky", words));
      expect(await asOpen()).toEqual([]);
      await without("bridge", async () => {
        expect(await asOpen()).not.toEqual([]);
        for (const to of new Set(spoofs.map(([, to]) => to)))
          await inNetwork(a, "picky", ["sh", "-c", know, to]);
        for (const [from, to] of spoofs)
          expect([from, await spoofed(from, to)]).not.toEqual([from, []]);
      });
    },
    testTimeoutMs,
  );

  test(
    "drops on the bridge what a machine says of another's address, and of routes",
    async () => {
      const target = "shown-to-the-world";
      const mac = "02:00:00:00:00:66";
      const neighbour = async () => {
        await inNetwork(a, target, ["ping", "-c1", "-W5", address.open]);
        const message = neighbourAdvertisement(address.open, mac);
        await inNetwork(a, "picky", sendIcmpv6(address[target], "host0", message));
        // It comes after the message, on the same way.
        await inNetwork(a, "picky", ["ping", "-c1", "-W5", address[target]]);
        return await inNetwork(a, target, ["ip", "neigh", "show", address.open]);
      };
      const watch = {
        host: a,
        machine: target,
        filter: "icmp6 and ip6[40] = 134 and not src host fe80::1",
      };
      const advertised = () =>
        arrivals(watch, address[target], () =>
          inNetwork(a, "picky", sendIcmpv6("ff02::1", "host0", routerAdvertisement)),
        );
      expect(await neighbour()).not.toContain(mac);
      expect(await advertised()).toEqual([]);
      await without("bridge", async () => {
        expect(await neighbour()).toContain(mac);
        expect(await advertised()).not.toEqual([]);
      });
      await inNetwork(a, target, ["ip", "neigh", "flush", "dev", "host0"]);
    },
    testTimeoutMs,
  );

  test(
    "drops what a neighbour of the host sends in the name of the mesh, or to masqueraded addresses",
    async () => {
      const open4 = await ipv4Of(a, "open");
      const ula = formatIpv6(machineUla("open", defaultHostNetworks.ula));
      await a.run(["ip", "addr", "add", "192.0.2.1/24", "dev", "to-hostc"]);
      await stranger.sh(
        `ip addr add 192.0.2.3/24 dev to-hosta; ip addr add "$1/128" dev to-hosta nodad
         ip route add "$2/32" via 192.0.2.1
         for address in "$3" "$4"; do ip -6 route add "$address" via "$5" dev to-hosta; done`,
        [address.app, open4, address.open, ula, await linkLocal(a, "to-hostc")],
      );
      const watch = { host: a, machine: "open", filter: "icmp or (icmp6 and ip6[40] = 128)" };
      const ways = [
        [address.app, address.open],
        [address.app, ula],
        ["192.0.2.3", open4],
      ] as const;
      const spoofed = (from: string, to: string) =>
        arrivals(watch, address.open, () =>
          stranger.run(["ping", "-c1", "-W0.3", "-I", from, to], { allowFailure: true }),
        ).then((lines) => lines.filter((line) => line.includes(from)));
      for (const [from, to] of ways) expect(await spoofed(from, to)).toEqual([]);
      await without("inet", async () => {
        for (const [from, to] of ways) expect([to, await spoofed(from, to)]).not.toEqual([to, []]);
      });
      await stranger.sh(
        'ip addr del "$1/128" dev to-hosta; ip -6 route flush dev to-hosta proto boot',
        [address.app],
      );
    },
    testTimeoutMs,
  );

  test(
    "is replaced in one step, beside the tables of others",
    async () => {
      await a.sh(`nft -f - <<'END'
table inet theirs {
	chain forward {
		type filter hook forward priority 10; policy accept;
		ip6 daddr 2001:db8::1 drop
	}
}
END`);
      const theirs = async () =>
        (await a.sh("nft list ruleset | sed '/^table [a-z]* mbctl {/,/^}/d'")).stdout;
      const before = await theirs();
      expect(before).toContain("table inet theirs");
      await using strange = new PingStream(stranger, address.open);
      const trusted = b.start(["ping", "-q", "-i", "0.02", address.open]);
      for (let reloads = 0; reloads < 8; reloads++) await mbctlOut(a, ["host", "reload"]);
      await trusted.kill("SIGINT");
      const { stdout: said } = await trusted.exited;
      const [, sent, answered] = /(\d+) packets transmitted, (\d+) received/.exec(said) ?? [];
      expect(Number(sent)).toBeGreaterThan(50);
      // The last one may be on its way.
      expect(Number(sent) - Number(answered)).toBeLessThanOrEqual(1);
      await strange.more(5);
      expect(strange.answers).toBe(0);
      expect(await theirs()).toBe(before);
    },
    testTimeoutMs,
  );

  /** hostb gets in, the stranger does not. */
  async function expectClosed(): Promise<void> {
    await waitForPing(b, address.open);
    const ping = ["ping", "-c4", "-i0.1", "-W1", address.open];
    const { stdout } = await stranger.run(ping, { allowFailure: true });
    expect(stdout).toContain("4 packets transmitted, 0 received");
  }

  test(
    "is there after a restart of systemd-networkd, and whatever is done with nftables.service",
    async () => {
      await a.run(["systemctl", "restart", "systemd-networkd.service"]);
      await expectClosed();
      for (const action of ["restart", "reload", "stop", "start"]) {
        await a.run(["systemctl", action, "nftables.service"]);
        expect([action, (await a.run(["nft", "list", "tables"])).stdout]).toEqual([
          action,
          expect.stringMatching(/^table inet mbctl$[\s\S]*^table bridge mbctl$/m),
        ]);
      }
      await expectClosed();
    },
    testTimeoutMs,
  );

  test(
    "is in place before the first packet of a machine, also where somebody flushed all rules",
    async () => {
      await a.run(["systemctl", "stop", unitOf("open")]);
      await a.run(["nft", "flush", "ruleset"]);
      await using strange = new PingStream(stranger, address.open);
      await strange.more(5);
      await a.run(["systemctl", "start", unitOf("open")]);
      await waitForPing(b, address.open);
      await strange.more(20);
      expect(strange.answers).toBe(0);
      // What it would have been without.
      await a.run(["nft", "flush", "ruleset"]);
      await waitFor(() => strange.answers > 0, {
        what: "the stranger's answer",
      });
      await mbctlOut(a, ["host", "reload"]);
      await expectClosed();
    },
    testTimeoutMs,
  );

  test(
    "is there after a reboot, before the machines are",
    async () => {
      await mbctlOut(a, ["machines", "enable", "open"]);
      await using strange = new PingStream(stranger, address.open);
      await it.lab.reboot(a);
      await expectClosed();
      expect(strange.answers).toBe(0);
      expect((await a.run(["systemctl", "is-active", "mbctl-firewall.service"])).stdout).toBe(
        "active\n",
      );
    },
    testTimeoutMs,
  );
});

async function linkLocal(host: Host, device: string): Promise<string> {
  const { stdout } = await host.run([
    "ip",
    "-6",
    "-o",
    "addr",
    "show",
    "dev",
    device,
    "scope",
    "link",
  ]);
  return /inet6 (fe80:\S+)\//.exec(stdout)?.[1] ?? "";
}
