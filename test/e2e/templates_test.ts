/** Templates on every systemd: a machine on a network of the host's, in the host's own, in none; an administrator's template. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Host } from "../lab/host.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { run } from "../lab/run.ts";
import { waitFor } from "../lab/wait_for.ts";
import { labTimeoutMs, mbctl, mbctlOut, testedHosts, testTimeoutMs } from "./_lab.ts";
import { installImages, journalOf, marked, pull, runToEnd, waitForMark } from "./_machines.ts";
import { inside, waitForPing } from "./_network.ts";

/** A link between the hosts that is no part of the mesh; the other host is its router. RFC 5737 and 3849. */
const lan = { router: "192.0.2.1", prefix: "2001:db8:1:" } as const;
const routerFile = `[Match]
Name=lan
[Network]
Address=${lan.router}/24
Address=${lan.prefix}:1/64
DHCPServer=yes
IPv6SendRA=yes
[DHCPServer]
DNS=${lan.router}
[IPv6Prefix]
Prefix=${lan.prefix}:/64
`;

const images = {
  App: { config: { Cmd: ["sleep", "6000"] } },
  /** Serves a page, and says which interfaces it sees. */
  Web: {
    config: {
      User: "1000",
      Cmd: ["sh", "-c", 'echo "@@"$(ls /sys/class/net); exec nc -ll -p 8080 -e echo page'],
    },
  },
  /** A port that only root may open, and the host's own sysctls. */
  Low: {
    config: {
      User: "1000",
      Cmd: [
        "sh",
        "-c",
        'nc -l -p 81; echo "@@$?"; cat /proc/sys/net/ipv4/ip_unprivileged_port_start',
      ],
    },
  },
};

describe.each(testedHosts)("templates on %s", (os) => {
  let lab: Lab;
  let host: Host;
  let router: Host;

  beforeAll(async () => {
    const names = ["hosta", "hostb"] as const;
    lab = await startLab({ hosts: names.map((name) => ({ name, os })), mbctl: true });
    [host, router] = [lab.host("hosta"), lab.host("hostb")];
    await run([
      ...["ip", "link", "add", "lan", "netns", String(host.leader)],
      ...["type", "veth", "peer", "name", "lan", "netns", String(router.leader)],
    ]);
    await router.writeFile("/etc/systemd/network/10-lan.network", routerFile);
    await router.run(["networkctl", "reload"]);
    await host.sh(
      'ip link set lan up; ip addr add 192.0.2.5/24 dev lan; ip route add default via "$1"',
      [lan.router],
    );
    await waitForPing(host, lan.router);
    await installImages(host, images);
  }, labTimeoutMs);
  afterAll(async () => await lab[Symbol.asyncDispose](), labTimeoutMs);

  /** Waits until the router gets the page at an address. */
  const waitForPage = async (at: string) =>
    await waitFor(
      async () => {
        const nc = ["busybox", "nc", "-w2", at, "8080"];
        return (await router.run(nc, { allowFailure: true })).stdout === "page\n";
      },
      { what: `the page at ${at}` },
    );

  /** What a pull says that is refused, and that it left nothing. */
  async function refused(words: readonly string[]): Promise<string> {
    const { exitCode, stderr } = await mbctl(host, [
      ...["machines", "pull", "oci:/srv/images:app", "Refused", ...words],
    ]);
    expect(exitCode).not.toBe(0);
    expect(
      (await host.sh("ls -A /var/lib/man8machine_configs | grep Refused || true")).stdout,
    ).toBe("");
    return `${exitCode}: ${stderr.trimEnd()}`;
  }

  test(
    "macvlan: a MAC address of its own on the interface of the default route, addresses from the router there",
    async () => {
      const pulled = await mbctl(host, [
        ...["machines", "pull", "oci:/srv/images:web", "Lan", "--template", "macvlan", "--start"],
      ]);
      expect([pulled.exitCode, pulled.stdout]).toEqual([0, ""]);
      expect(pulled.stderr).toContain("warning: template macvlan: the machine has no mesh address");
      const nspawn = await host.sh("sed -n '/^.Network/,$p' /etc/systemd/nspawn/Lan.nspawn");
      expect(nspawn.stdout).toBe("[Network]\nVirtualEthernet=no\nMACVLAN=lan\n");

      const shown = await waitFor(
        async () => {
          const text = await inside(host, "Lan", "ip addr show dev mv-lan");
          return /inet 192\..*inet6 2001:db8:1:\S+\/64 scope global dynamic (?!tentative)/s.test(
            text,
          )
            ? text
            : undefined;
        },
        { what: "both addresses", explain: () => journalOf(host, "Lan") },
      );
      const address = (pattern: RegExp) => pattern.exec(shown)?.[1] ?? "";
      const [mac, ipv4, ipv6] = [
        address(/link\/ether (\S+)/),
        address(/inet (192\.0\.2\.\d+)\/24 /),
        address(/inet6 (2001:db8:1:\S+)\/64 scope global/),
      ];
      expect((await host.run(["cat", "/sys/class/net/lan/address"])).stdout.trim()).not.toBe(mac);
      for (const at of [ipv4, ipv6]) await waitForPage(at);
      // Its own neighbour, not one behind the host.
      expect((await router.run(["ip", "neigh", "show", ipv4])).stdout).toContain(` lladdr ${mac} `);
      // A network of others keeps duplicate address detection.
      expect(await inside(host, "Lan", "cat /proc/sys/net/ipv6/conf/mv-lan/accept_dad")).toBe(
        "1\n",
      );
      expect(await inside(host, "Lan", "ip -6 rule")).not.toContain("199");
      expect(await inside(host, "Lan", "cat /etc/resolv.conf")).toMatch(
        new RegExp(`^nameserver ${lan.router}$`, "m"),
      );

      const { machines } = JSON.parse(await mbctlOut(host, ["machines", "list", "--json"]));
      expect(machines).toMatchObject([{ name: "Lan", state: "running" }]);
      expect(machines[0].address).toBeUndefined();
      await mbctlOut(host, ["machines", "stop", "Lan"]);
    },
    testTimeoutMs,
  );

  test(
    "macvlan on a VLAN, of a parent with a long name: the VLAN is made at the start, or the start says what the kernel lacks",
    async () => {
      const parent = "enx00112233445";
      await host.sh(
        'ip link add "$1" type veth peer name peer0; ip link set peer0 up; ip link set "$1" up',
        [parent],
      );
      const template = (name: string, more: string) =>
        host.writeFile(
          `/etc/mbctl/templates/${name}.toml`,
          `summary = "a network"\n[network]\nkind = "macvlan"\nparent = ${more}\n`,
        );
      await template("long", `"${parent}"`);
      await pull(host, "Long", ["--template", "long", "--start"], "App");
      // Its name in the machine has a hash of nspawn's at the end.
      expect(await inside(host, "Long", "ip -o link show up")).toMatch(
        /^\d+: mv-enx0011\S{5}@\S+ .*\bUP\b/m,
      );
      expect(await journalOf(host, "Long")).not.toMatch(/man8s-init: Cannot/);
      await mbctlOut(host, ["machines", "stop", "Long"]);

      await template("tagged", '"lan"\nvlan = 20');
      await pull(host, "Tagged", ["--template", "tagged"], "App");
      const nspawn = await host.sh("sed -n '/^.Network/,$p' /etc/systemd/nspawn/Tagged.nspawn");
      expect(nspawn.stdout).toBe("[Network]\nVirtualEthernet=no\nMACVLAN=lan.20\n");
      const { exitCode } = await mbctl(host, ["machines", "start", "Tagged"]);
      const hasVlans = (
        await host.sh("ip link add link lan name try type vlan id 2 && echo yes || true")
      ).stdout;
      expect(exitCode).toBe(hasVlans === "" ? 1 : 0);
      if (hasVlans === "") expect(await journalOf(host, "Tagged")).toMatch(/Unknown device type/);
      else
        expect((await host.run(["ip", "-d", "link", "show", "lan.20"])).stdout).toMatch(
          /vlan .*id 20 /,
        );
    },
    testTimeoutMs,
  );

  test(
    "host: the machine sees the host's interfaces and answers on its addresses; ports below 1024 and sysctls stay the host's",
    async () => {
      const pulled = await mbctl(host, [
        ...["machines", "pull", "oci:/srv/images:web", "Shared", "--template", "host", "--start"],
      ]);
      const words = ["machines", "exec", "Shared", "--", "echo", "entered"];
      expect(await mbctlOut(host, words)).toBe("entered");
      expect([pulled.exitCode, pulled.stdout]).toEqual([0, ""]);
      expect(pulled.stderr).toContain(
        "warning: template host: the machine has no address of its own",
      );
      const interfaces = (await host.sh("echo $(ls /sys/class/net)")).stdout.trim();
      await waitForMark(host, "Shared", interfaces);
      await waitForPage("192.0.2.5");
      expect(await inside(host, "Shared", "busybox nslookup hosta")).toMatch(
        /^Server:\s+127\.0\.0\.53$/m,
      );
      await mbctlOut(host, ["machines", "stop", "Shared"]);

      // How many connections are tracked is no setting.
      const settings = async () =>
        (await host.sh("sysctl -a -r '^net' | grep -v conntrack_count | sort")).stdout;
      const before = await settings();
      await pull(host, "Low", ["--template", "host"]);
      const { log } = await runToEnd(host, "Low");
      expect(marked(log), log).toEqual(["1"]);
      expect(log).toMatch(/Permission denied/);
      expect(await settings()).toBe(before);
      expect(log).not.toMatch(/man8s-init: Cannot/);
    },
    testTimeoutMs,
  );

  test(
    "private: nothing but the loopback interface",
    async () => {
      await pull(host, "Alone", ["--template", "private", "--start"], "App");
      expect(await inside(host, "Alone", "ls /sys/class/net")).toBe("lo\n");
      expect(await inside(host, "Alone", "ping -c1 -W1 127.0.0.1")).toMatch(/ 0% packet loss/);
      expect(await inside(host, "Alone", "cat /proc/sys/net/ipv4/ip_unprivileged_port_start")).toBe(
        "0\n",
      );
      expect(await journalOf(host, "Alone")).not.toMatch(/man8s-init: (Cannot|the link)/);
      await mbctlOut(host, ["machines", "stop", "Alone"]);
    },
    testTimeoutMs,
  );

  test(
    "an administrator's template counts, and a file that takes the name of mbctl's own is refused",
    async () => {
      const folder = "/etc/mbctl/templates";
      await host.writeFile(
        `${folder}/cable.toml`,
        'summary = "the cable"\n[network]\nkind = "macvlan"\nparent = "lan"\n',
      );
      await pull(host, "Own", ["--template", "cable", "--start"], "App");
      await waitFor(
        async () => /inet 192\.0\.2\./.test(await inside(host, "Own", "ip addr show dev mv-lan")),
        {
          what: "an address of the cable",
          explain: () => journalOf(host, "Own"),
        },
      );
      await mbctlOut(host, ["machines", "stop", "Own"]);

      await host.writeFile(
        `${folder}/bad.toml`,
        'summary = "x"\n\n[network]\nkind = "macvlan"\nvlan = 4095\n',
      );
      expect(await refused(["--template", "bad"])).toMatch(
        /^2: mbctl: Cannot read "\/etc\/mbctl\/templates\/bad.toml": line 5, network.vlan: /,
      );
      await host.writeFile(
        `${folder}/gone.toml`,
        'summary = "x"\n[network]\nkind = "macvlan"\nparent = "eth7"\n',
      );
      expect(await refused(["--template", "gone"])).toMatch(
        /^3: mbctl: Cannot put a machine on the interface "eth7": there is no such interface\n/,
      );
      expect(await refused(["--template", "nosuch"])).toMatch(
        /^2: mbctl: Cannot find the template "nosuch": there is no such template\nhint: there are: network_isolated, macvlan, host, private, bad, cable, gone, long, tagged; /,
      );
      expect(
        await refused(["--template", "private", "--publish", "8080:80", "--relay6", "auto"]),
      ).toMatch(
        /^2: mbctl: Cannot use --publish and --relay6 with the template "private": the machine has no network\n/,
      );
      await host.writeFile(`${folder}/host.toml`, 'summary = "x"\n[network]\nkind = "bridge"\n');
      expect(await refused(["--template", "cable"])).toMatch(
        /^4: mbctl: Cannot use the template "\/etc\/mbctl\/templates\/host.toml": "host" is a template of mbctl itself\n/,
      );
    },
    testTimeoutMs,
  );
});
