/** What root in a machine may try to get around the bridge's rules, on every systemd; each way worked once. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Host } from "../lab/host.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { inNetwork } from "./_firewall.ts";
import { datagram, ipv6Frame, sendFrames, twoPieces, withChecksum } from "./_frames.ts";
import { labTimeoutMs, mbctlOut, testedHosts, testTimeoutMs } from "./_lab.ts";
import { installImages, pull } from "./_machines.ts";
import { ipv4Of, waitForPing } from "./_network.ts";
import { arrivals, neighbourAdvertisement } from "./_packets.ts";

describe.each(testedHosts)("the firewall against a hostile machine on %s", (os) => {
  let lab: Lab;
  let host: Host;
  const addresses: Record<string, string> = {};

  beforeAll(async () => {
    lab = await startLab({ hosts: [{ name: "hosta", os }], mbctl: true });
    host = lab.host("hosta");
    const config = { Cmd: ["sleep", "3600"], StopSignal: "SIGKILL" };
    await installImages(host, { app: { config } });
    for (const name of ["evil", "sibling"]) {
      addresses[name] = await pull(host, name, ["--start"], "app");
      // It counts as started before its interface is up.
      await waitForPing(host, addresses[name]);
    }
  }, labTimeoutMs);
  afterAll(async () => await lab?.[Symbol.asyncDispose](), labTimeoutMs);

  const address = (name: string) => addresses[name] ?? "";

  /** What arrives at the sibling, with the tables and without one of them. */
  async function compare<T>(family: "inet" | "bridge", look: () => Promise<T>): Promise<[T, T]> {
    const held = await look();
    await host.run(["nft", "delete", "table", family, "mbctl"]);
    try {
      return [held, await look()];
    } finally {
      await mbctlOut(host, ["host", "reload"]);
    }
  }

  test(
    "drops a neighbour advertisement in two pieces, of which neither holds the whole target",
    async () => {
      const way = [address("evil"), address("sibling")] as const;
      const claim = neighbourAdvertisement(address("sibling"), "02:00:00:00:00:66");
      const message = withChecksum(way, 58, 2, claim);
      const frames = twoPieces(58, message).map((piece) =>
        ipv6Frame("33:33:00:00:00:01", way, 44, piece),
      );
      // The second piece alone is worth nothing.
      const filter = "ip6[6] = 44 and ip6[42:2] & 0xfff8 = 0 and ip6[48] = 136";
      const watch = { host, machine: "sibling", filter };
      const [held, loose] = await compare("bridge", () =>
        arrivals(watch, address("sibling"), () =>
          inNetwork(host, "evil", sendFrames("host0", frames)),
        ),
      );
      expect(held).toEqual([]);
      expect(loose).toHaveLength(1);
    },
    testTimeoutMs,
  );

  test(
    "drops answers to DHCP clients from whatever port",
    async () => {
      const target = await ipv4Of(host, "sibling");
      const watch = { host, machine: "sibling", filter: "udp dst port 68" };
      const answer = ["bash", "-c", 'echo x >"/dev/udp/$0/68"', target];
      const [held, loose] = await compare("bridge", () =>
        arrivals(watch, address("sibling"), () => inNetwork(host, "evil", answer)),
      );
      expect(held).toEqual([]);
      expect(loose).toHaveLength(1);
    },
    testTimeoutMs,
  );

  test(
    "drops what gets to the host past the bridge, by a MAC address that bridges keep to themselves",
    async () => {
      const server = `use Socket ":all"; $| = 1; socket(S, AF_INET6, SOCK_DGRAM, 17) or die $!;
        bind(S, pack_sockaddr_in6(7777, IN6ADDR_ANY)) or die $!; print "ready\\n";
        while (defined recv(S, my $text, 1500, 0)) { print "$text\\n" }`;
      await using listener = host.start(["perl", "-e", server]);
      await listener.waitForOutput(/ready/);
      const gateway = "fdfc:16ed:7601::1";
      const bridge = (await host.run(["cat", "/sys/class/net/srvgrp0/address"])).stdout.trim();
      let round = 0;
      /** What the listener got of a forged and an honest datagram. */
      const received = async () => {
        round += 1;
        const frame = (mac: string, from: string, text: string) =>
          ipv6Frame(mac, [from, gateway], 17, datagram([from, gateway], 7777, `${text} ${round}`));
        const frames = [
          frame("01:80:c2:00:00:0e", address("sibling"), "forged"),
          frame(bridge, address("evil"), "honest"),
        ];
        await inNetwork(host, "evil", sendFrames("host0", frames));
        await listener.waitForOutput(new RegExp(`honest ${round}`));
        return new RegExp(`forged ${round}`).test(listener.stdout());
      };
      expect(await compare("inet", received)).toEqual([false, true]);
    },
    testTimeoutMs,
  );

  test(
    "keeps the resolver for machines from a neighbour of the host who routes through it",
    async () => {
      await host.sh(`ip netns add lan && ip link add lan0 type veth peer name lan1 netns lan
        ip addr add 192.0.2.1/24 dev lan0 && ip addr add 2001:db8::1/64 dev lan0 nodad && ip link set lan0 up
        ip -n lan addr add 192.0.2.2/24 dev lan1 && ip -n lan addr add 2001:db8::2/64 dev lan1 nodad && ip -n lan link set lan1 up
        ip -n lan route add default via 192.0.2.1 && ip -n lan -6 route add default via 2001:db8::1`);
      const connects = `for address in "$@"; do
          timeout 2 bash -c 'exec 3<>"/dev/tcp/$0/53"' "$address" 2>/dev/null && echo "$address"; done; true`;
      const gateways = ["10.199.0.1", "fdfc:16ed:7601::1"];
      const words = ["ip", "netns", "exec", "lan", "sh", "-c", connects, "sh", ...gateways];
      const reached = async () => (await host.run(words)).stdout.split("\n").filter(Boolean);
      expect(await compare("inet", reached)).toEqual([[], gateways]);
      const inside = ["sh", "-c", connects, "sh", ...gateways];
      expect((await inNetwork(host, "evil", inside)).split("\n")).toEqual(gateways);
    },
    testTimeoutMs,
  );

  test(
    "lets a machine fill the bridge's memory of MAC addresses with no more than 32",
    async () => {
      const known = async () => {
        const { stdout } = await host.run(["bridge", "fdb", "show", "brport", "vb-evil"]);
        return stdout.match(/^06:00:00:00:01:/gm)?.length ?? 0;
      };
      const macs = Array.from(
        { length: 100 },
        (_, index) => `06:00:00:00:01:${(index + 16).toString(16).padStart(2, "0")}`,
      );
      const way = [address("evil"), address("sibling")] as const;
      const frames = macs.map((mac) =>
        ipv6Frame("33:33:00:00:00:01", way, 17, datagram(way, 9, "x"), mac),
      );
      const flooded = async () => {
        await inNetwork(host, "evil", sendFrames("host0", frames));
        return await known();
      };
      const [held, loose] = await compare("bridge", flooded);
      expect(held).toBeGreaterThan(20);
      expect(held).toBeLessThanOrEqual(32);
      expect(loose).toBe(100);
    },
    testTimeoutMs,
  );
});
