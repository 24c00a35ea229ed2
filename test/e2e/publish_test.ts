/** Ports of the host that lead to a machine: from the host itself, from outside, and ports that cannot be had. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Host } from "../lab/host.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import {
  labTimeoutMs,
  mbctl,
  mbctlOut,
  testedHosts,
  testTimeoutMs,
  tracesOfMachines,
} from "./_lab.ts";
import { unitOf } from "./_machines.ts";
import { takePort } from "./_network.ts";
import { askUdp, fetchPage, installNginx, nginxImage, serveUdp, waitForPage } from "./_relay.ts";

/** A network between the hosts (RFC 5737 and 3849). */
const here = { ipv4: "192.0.2.1", ipv6: "2001:db8::1" } as const;
const there = { ipv4: "192.0.2.2", ipv6: "2001:db8::2" } as const;

describe.each(testedHosts)("published ports on %s", (os) => {
  let lab: Lab;
  let host: Host;
  let outside: Host;

  beforeAll(async () => {
    lab = await startLab({
      hosts: [
        { name: "hosta", os },
        { name: "hostb", os },
      ],
      mbctl: true,
    });
    [host, outside] = [lab.host("hosta"), lab.host("hostb")];
    const addresses = 'ip addr add "$2/24" dev "$1"; ip addr add "$3/64" dev "$1" nodad';
    await host.sh(addresses, ["to-hostb", here.ipv4, here.ipv6]);
    await outside.sh(addresses, ["to-hosta", there.ipv4, there.ipv6]);
    await installNginx(host);
    const ports = ["8080:80", "127.0.0.1:8082:80", "5353:53/udp"];
    const flags = ports.flatMap((port) => ["--publish", port]);
    await mbctlOut(host, ["machines", "pull", nginxImage, "Web", ...flags, "--start"]);
    await waitForPage(host, "http://localhost:8080/");
    await serveUdp(host, "Web", 53);
  }, labTimeoutMs);
  afterAll(async () => await lab[Symbol.asyncDispose](), labTimeoutMs);

  test(
    "answers on localhost and on the host's own addresses, IPv4 and IPv6",
    async () => {
      for (const address of ["127.0.0.1", "[::1]", here.ipv4, `[${here.ipv6}]`, "10.199.0.1"]) {
        expect([address, await fetchPage(host, `http://${address}:8080/`)]).toEqual([
          address,
          "client 10.199.0.2",
        ]);
      }
    },
    testTimeoutMs,
  );

  test(
    "answers from outside: by IPv4 the app sees who asks, by IPv6 it is relayed",
    async () => {
      expect(await fetchPage(outside, `http://${here.ipv4}:8080/`)).toBe(`client ${there.ipv4}`);
      expect(await fetchPage(outside, `http://[${here.ipv6}]:8080/`)).toBe("client 10.199.0.2");
    },
    testTimeoutMs,
  );

  test(
    "UDP: the answer comes from the address that was asked",
    async () => {
      for (const address of ["127.0.0.1", "::1", here.ipv4, here.ipv6]) {
        expect(await askUdp(host, address, 5353, "hello")).toBe("10.199.0.2 hello");
      }
      expect(await askUdp(outside, here.ipv4, 5353, "hello")).toBe(`${there.ipv4} hello`);
      expect(await askUdp(outside, here.ipv6, 5353, "hello")).toBe("10.199.0.2 hello");
    },
    testTimeoutMs,
  );

  test(
    "an address in front: there alone",
    async () => {
      expect(await fetchPage(host, "http://127.0.0.1:8082/")).toBe("client 10.199.0.2");
      expect(await fetchPage(host, "http://[::1]:8082/")).toBeUndefined();
      expect(await fetchPage(outside, `http://${here.ipv4}:8082/`)).toBeUndefined();
    },
    testTimeoutMs,
  );

  test(
    "a port that is taken is refused before anything is fetched",
    async () => {
      const traces = await tracesOfMachines(host);
      await takePort(host, 9090);
      const rows: [ports: string[], code: number, message: string][] = [
        [["9090:80"], 4, 'Cannot publish 9090:80 of "Two": port 9090/tcp of the host is taken'],
        [["53:53/udp"], 4, 'Cannot publish 53:53/udp of "Two": port 53/udp of the host is taken'],
        [["8080:80"], 4, 'Cannot publish 8080:80 of "Two": the port is that of the machine "Web"'],
        [
          ["[::1]:5353:53/udp"],
          4,
          'Cannot publish [::1]:5353:53/udp of "Two": the port is that of the machine "Web"',
        ],
        [
          ["8089:80", "8089:81"],
          2,
          'Cannot publish 8089:81 of "Two": 8089:80 has the same port of the host',
        ],
        [
          ["198.51.100.7:8089:80"],
          2,
          'Cannot publish 198.51.100.7:8089:80 of "Two": the host has no address 198.51.100.7',
        ],
      ];
      for (const [ports, code, message] of rows) {
        const flags = ports.flatMap((port) => ["--publish", port]);
        const result = await mbctl(host, ["machines", "pull", nginxImage, "Two", ...flags]);
        expect([result.exitCode, result.stderr.split("\n")[0]]).toEqual([
          code,
          `mbctl: ${message}`,
        ]);
      }
      expect(await tracesOfMachines(host)).toEqual(traces);
      await host.run(["systemctl", "stop", "taker"]);
    },
    testTimeoutMs,
  );

  test(
    "two machines have two addresses; what is published is there while the machine runs",
    async () => {
      const words = ["machines", "pull", nginxImage, "Two", "--publish", "8090:80", "--start"];
      await mbctlOut(host, words);
      expect(await waitForPage(host, "http://localhost:8090/")).toBe("client 10.199.0.3");
      await mbctlOut(host, ["machines", "stop", "Two"]);
      expect(await fetchPage(host, "http://localhost:8090/")).toBeUndefined();
    },
    testTimeoutMs,
  );

  test(
    "a port that was taken meanwhile: start names it; the machine of which it is runs without",
    async () => {
      await takePort(host, 8090);
      const refused = await mbctl(host, ["machines", "start", "Two"]);
      expect([refused.exitCode, refused.stderr.split("\n")[0]]).toEqual([
        4,
        'mbctl: Cannot publish 8090:80 of "Two": port 8090/tcp of the host is taken',
      ]);
      await host.run(["systemctl", "start", unitOf("Two")]);
      const again = await mbctl(host, ["machines", "start", "Two"]);
      expect([again.exitCode, again.stderr.split("\n")[0]]).toEqual([
        4,
        'mbctl: Cannot publish 8090:80 of "Two": port 8090/tcp of the host is taken; the machine runs without it',
      ]);
      await host.run(["systemctl", "stop", "taker"]);
      await mbctlOut(host, ["machines", "start", "Two"]);
      expect(await waitForPage(host, "http://localhost:8090/")).toBe("client 10.199.0.3");
    },
    testTimeoutMs,
  );

  test(
    "it starts at boot with its machine",
    async () => {
      await mbctlOut(host, ["machines", "enable", "Two"]);
      await lab.reboot(host);
      expect(await waitForPage(host, "http://localhost:8090/")).toBe("client 10.199.0.3");
      const { stdout } = await host.sh(
        "journalctl -b -q -o cat | grep -c 'ordering cycle' || true",
      );
      expect(stdout).toBe("0\n");
    },
    testTimeoutMs,
  );

  test(
    "removed with the machine",
    async () => {
      for (const name of ["Web", "Two"]) {
        await mbctlOut(host, ["machines", "remove", name, "--stop", "--yes"]);
      }
      const { stdout } = await host.sh(
        "find /etc/systemd/system -name '*publish*' -o -name '*netns*'",
      );
      expect(stdout).toBe("");
    },
    testTimeoutMs,
  );
});
