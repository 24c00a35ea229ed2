/** The network of a machine on every systemd: addresses, routes, and where packets come from. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Host } from "../lab/host.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { waitFor } from "../lab/wait_for.ts";
import { labTimeoutMs, mbctl, mbctlOut, testedHosts, testTimeoutMs } from "./_lab.ts";
import { type ImageRecipe, installImages, journalOf, pull } from "./_machines.ts";
import { inside, ipv4Of, sourceOfPing } from "./_network.ts";

/** lib/network/host_network.ts. */
const ulaPrefix = "fdfc:16ed:7601";
/** The world: what only the link between the hosts has. RFC 5737 and 3849. */
const world = {
  here: ["192.0.2.1", "2001:db8::1"],
  there: ["192.0.2.2", "2001:db8::2"],
} as const;
/** A program of the host in the network of a machine. */
const networkOnly = ["machines", "shell", "One", "--network-only", "--"];

const images: Readonly<Record<string, ImageRecipe>> = {
  One: { config: { Cmd: ["sleep", "6000"] } },
  Two: {
    config: {
      User: "1000",
      Cmd: ["nc", "-ll", "-p", "80", "-e", "echo", "two"],
    },
  },
};

describe.each(testedHosts)("the network of a machine on %s", (os) => {
  let lab: Lab;
  let host: Host;
  let there: Host;
  const address = { One: "", Two: "" };
  const ula = { One: "", Two: "" };

  beforeAll(async () => {
    lab = await startLab({
      hosts: [
        { name: "hosta", os },
        { name: "hostb", os },
      ],
      mbctl: true,
    });
    host = lab.host("hosta");
    there = lab.host("hostb");
    await installImages(host, images);
    await host.sh(
      'ip addr add "$1/24" dev to-hostb; ip addr add "$2/64" dev to-hostb nodad',
      world.here,
    );
    await there.sh(
      'ip addr add "$1/24" dev to-hosta; ip addr add "$2/64" dev to-hosta nodad',
      world.there,
    );
    for (const name of ["One", "Two"] as const) {
      address[name] = await pull(host, name, ["--start"]);
      const suffix = await mbctlOut(host, ["address", "getsuffix", name]);
      ula[name] = `${ulaPrefix}:0:${suffix.replace(/^::/, "")}`;
    }
  }, labTimeoutMs);
  afterAll(async () => await lab[Symbol.asyncDispose](), labTimeoutMs);

  test(
    "host0 is up, with a lease, its local address and an advertised one, and the mesh address in a table of its own",
    async () => {
      const shown = await waitFor(
        async () => {
          const text = await inside(host, "One", "ip addr show dev host0");
          return text.match(new RegExp(`inet6 ${ulaPrefix}:`, "g"))?.length === 2
            ? text
            : undefined;
        },
        {
          what: "the local and the advertised address",
          explain: () => journalOf(host, "One"),
        },
      );
      expect(shown).toMatch(/host0@\S+ <[^>]*\bUP,LOWER_UP\b/);
      expect(
        Number(/inet 10\.199\.0\.(\d+)\/24 brd 10\.199\.0\.255 /.exec(shown)?.[1]),
      ).toBeGreaterThanOrEqual(128);
      expect(shown).toMatch(new RegExp(`inet6 ${address.One}/64 scope global deprecated`));
      expect(shown).toMatch(new RegExp(`inet6 ${ula.One}/64 scope global *$`, "m"));

      const { prefix } = lab.mesh("hosta");
      const routes = (text: string) =>
        text
          .trim()
          .split("\n")
          .map((line) => line.trim().replace(/\s+/g, " "))
          .sort();
      // By the host's ip: that of busybox cannot list a table.
      const list = "ip -6 route show table 199".split(" ");
      const table = await mbctlOut(host, [...networkOnly, ...list]);
      expect(routes(table)).toEqual([
        `200::/7 via ${prefix}::1 dev host0 src ${address.One} metric 1024 pref medium`,
        `${prefix}::/64 dev host0 src ${address.One} metric 1024 pref medium`,
      ]);
      expect(routes(await inside(host, "One", "ip -6 rule"))).toContain(
        "199: from all to 200::/7 lookup 199",
      );
      expect(routes(await inside(host, "One", "ip route"))).toContain(
        "default via 10.199.0.1 dev host0",
      );
      const main = routes(await mbctlOut(host, [...networkOnly, ..."ip -6 route show".split(" ")]));
      expect(main).toContain(
        `default via ${ulaPrefix}::1 dev host0 src ${ula.One} metric 512 pref medium`,
      );
      expect(main).toContain(`${ulaPrefix}::/64 dev host0 src ${ula.One} metric 128 pref medium`);
      expect(main.join("\n")).toMatch(/^default via fe80:\S+ dev host0 proto ra metric 1024 /m);
    },
    testTimeoutMs,
  );

  test(
    "packets into the mesh come from the mesh address, on the wire of the other host",
    async () => {
      const target = lab.mesh("hostb").address;
      expect(
        await sourceOfPing(there, "any", target, () => inside(host, "One", `ping -c1 ${target}`)),
      ).toBe(address.One);
      const sibling = address.Two;
      expect(
        await sourceOfPing(host, "srvgrp0", sibling, () =>
          inside(host, "One", `ping -c1 ${sibling}`),
        ),
      ).toBe(address.One);
    },
    testTimeoutMs,
  );

  test(
    "packets to the world come from the leased and the local address, and leave the host with its own",
    async () => {
      for (const [index, target] of world.there.entries()) {
        const ping = () => inside(host, "One", `ping -c1 -W2 ${target}`);
        const source = await sourceOfPing(host, "srvgrp0", target, ping);
        expect(source).toBe(index === 0 ? await ipv4Of(host, "One") : ula.One);
        expect(await sourceOfPing(there, "to-hosta", target, ping)).toBe(world.here[index] ?? "");
        expect(await ping()).toMatch(/ 0% packet loss/);
      }
    },
    testTimeoutMs,
  );

  test(
    "a machine with an address of its own in the host's IPv4 network needs no lease",
    async () => {
      await pull(host, "Fixed", [], "One");
      const variables = "MAN8S_IPV4_ADDRESS=10.199.0.17/24\nMAN8S_IPV4_GATEWAY=10.199.0.1\n";
      await host.sh('printf "$1" >>/var/lib/man8machine_configs/Fixed/man8env.env', [variables]);
      await mbctlOut(host, ["machines", "start", "Fixed"]);
      expect(await ipv4Of(host, "Fixed")).toBe("10.199.0.17");
      const target = world.there[0];
      const ping = () => inside(host, "Fixed", `ping -c1 -W2 ${target}`);
      expect(await sourceOfPing(host, "srvgrp0", target, ping)).toBe("10.199.0.17");
      expect(await ping()).toMatch(/ 0% packet loss/);
      expect(await inside(host, "Fixed", "busybox nslookup hosta")).toMatch(
        /^Server:\s+10\.199\.0\.1$/m,
      );
      expect(await journalOf(host, "Fixed")).not.toMatch(/IPv4|lease/);
      await mbctlOut(host, ["machines", "stop", "Fixed"]);
    },
    testTimeoutMs,
  );

  test(
    "packets to a neighbour's local address come from the machine's own",
    async () => {
      const ping = () => inside(host, "One", `ping -c1 ${ula.Two}`);
      expect(await sourceOfPing(host, "srvgrp0", ula.Two, ping)).toBe(ula.One);
      expect(await ping()).toMatch(/ 0% packet loss/);
    },
    testTimeoutMs,
  );

  test(
    "two machines of a host reach each other, and a program without privileges has port 80",
    async () => {
      expect(await inside(host, "One", `nc ${address.Two} 80`)).toBe("two\n");
      expect(await inside(host, "Two", `ping -c1 ${address.One}`)).toMatch(/ 0% packet loss/);
    },
    testTimeoutMs,
  );

  test(
    "machines shell --network-only runs a program of the host in the network of the machine",
    async () => {
      expect(await mbctlOut(host, [...networkOnly, "ip", "-o", "addr", "show", "host0"])).toMatch(
        new RegExp(` ${address.One}/64 `),
      );
      expect(await mbctlOut(host, [...networkOnly, "cat", "/etc/hostname"])).toBe("hosta");
      expect((await mbctl(host, [...networkOnly, "sh", "-c", "exit 7"])).exitCode).toBe(7);
    },
    testTimeoutMs,
  );
});
