/** A host gets another yggdrasil key while a machine runs. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Host } from "../lab/host.ts";
import type { HostProcess } from "../lab/host_process.ts";
import { debianBaseLayout, systemPackages } from "../lab/images/debian_base.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { type MeshIdentity, startYggdrasil } from "../lab/mesh.ts";
import { waitFor } from "../lab/wait_for.ts";
import { labTimeoutMs, mbctl, mbctlOut, testedHost, testedHosts, testTimeoutMs } from "./_lab.ts";
import { installImages, pull } from "./_machines.ts";
import { ipv4Of } from "./_network.ts";

const images = { Echo: { config: { Cmd: ["nc", "-ll", "-p", "80", "-e", "cat"] } } };
const newUla = "fd00:1:2:3";
const envFile = "/var/lib/man8machine_configs/Echo/man8env.env";
const networkFile = "/etc/systemd/network/80-srvgrp0.network";

/** Gives a host's yggdrasil another key, as a new configuration does. */
async function changeKey(host: Host): Promise<MeshIdentity> {
  await host.sh(`
    file=/etc/yggdrasil/yggdrasil.conf
    yggdrasil -genconf -json | sed -n 's/.*"\\(Public\\|Private\\)Key": *"\\([0-9a-f]*\\)".*/\\1 \\2/p' >/run/keys
    while read -r name key; do
      sed -i "s/\\(\\"\${name}Key\\": *\\)\\"[0-9a-f]*\\"/\\1\\"$key\\"/" $file
    done </run/keys
    systemctl restart yggdrasil`);
  return await startYggdrasil(host);
}

/** What a machine's network has of IPv6, without what the kernel and the router say. */
async function networkOf(host: Host): Promise<string> {
  const script =
    "ip -6 -o addr show dev host0 permanent scope global | sed 's/ nodad//; s/ *valid_lft.*//'; ip -6 route show table 199; ip -6 route show proto boot; ip -6 rule";
  return await mbctlOut(host, [
    ...["machines", "shell", "Echo", "--network-only", "--", "sh", "-c", script],
  ]);
}

const sorted = (text: string) => text.split("\n").sort();

describe.each(testedHosts)("a changed yggdrasil key on %s", (os) => {
  let lab: Lab;
  let a: Host;
  let b: Host;
  let open: HostProcess;
  let before = { address: "", network: "", system: "" };
  let identity: MeshIdentity;
  // One is enough: what reads the file is the machine's own systemd.
  const hasSystem = testedHost.includes(os);
  /** Addresses and routes of a whole system, as its networkd has made them (`proto static`). */
  const systemNetwork = [
    ...["machines", "exec", "System", "--", "sh", "-c"],
    "ip -6 -o addr show dev host0 permanent scope global | sed 's/ *valid_lft.*//'; ip -6 route show table 199",
  ];

  beforeAll(async () => {
    lab = await startLab({
      hosts: [
        { name: "hosta", os },
        { name: "hostb", os },
      ],
      mbctl: true,
    });
    [a, b] = [lab.host("hosta"), lab.host("hostb")];
    for (const host of lab.hosts) {
      await installImages(host, images);
    }
    await pull(a, "Asker", ["--start"], "Echo");
    before = { address: await pull(b, "Echo", ["--start"]), network: "", system: "" };
    if (hasSystem) {
      await b.copyIn(await debianBaseLayout("bookworm", systemPackages), "/srv/base");
      const words = ["pull", "oci:/srv/base:latest", "System", "--mode=base", "--start"];
      await mbctlOut(b, ["machines", ...words]);
      before.system = await waitFor(
        async () => {
          const { stdout } = await mbctl(b, systemNetwork);
          return /^200::.* proto static/m.test(stdout) && stdout;
        },
        { timeoutMs: 60_000, what: "the system's networkd" },
      );
    }
    await b.sh(`printf 'NOTE=caf\\351 %s\\n# mine\\n' ${before.address} >>${envFile}`);
    const ipv4 = await waitFor(async () => (await ipv4Of(b, "Echo")) || undefined, {
      what: "the lease of Echo",
    });
    before.network = await networkOf(b);
    open = b.start(["busybox", "nc", ipv4, "80"]);
    open.send("one\n");
    await open.waitForOutput(/one/);
    // The administrator gives the bridge another local network as well.
    await b.sh(`sed -i '1i ula = "${newUla}::/64"' /etc/mbctl/config.toml`);
    identity = await changeKey(b);
  }, labTimeoutMs);
  afterAll(async () => {
    await open?.[Symbol.asyncDispose]();
    await lab[Symbol.asyncDispose]();
  }, labTimeoutMs);

  test(
    "a dry run says what would change, and changes nothing",
    async () => {
      const { stdout, stderr } = await mbctl(b, ["host", "renumber", "--dry-run"]);
      expect(stdout).toContain(`write ${envFile} (600, `);
      expect(stdout).toContain(`write ${networkFile} (644, `);
      expect(stdout).toContain(`networkctl reload; wait until srvgrp0 has ${identity.prefix}::1\n`);
      expect(stdout).toContain(`ip -6 addr del ${before.address}/64 dev host0`);
      expect(stderr).toMatch(/an old key of this host; write there: hostb = "[0-9a-f]{64}"\n$/);
      expect(sorted(await networkOf(b))).toEqual(sorted(before.network));
      expect(await b.readFile(envFile)).toContain(`_YGGDRASIL_ADDRESS=${before.address}\n`);
    },
    testTimeoutMs,
  );

  test(
    "a run that is killed at any of its programs is completed by the next",
    async () => {
      const points = [
        ["networkctl", "reload"],
        ["nft", "firewall.nft"],
        ["nsenter", "addr add"],
        ["nsenter", "route del"],
        ["nsenter", "addr del"],
      ] as const;
      for (const [program, words] of points) {
        // Before the program has done anything, and its caller is gone.
        await b.writeFile(
          `/srv/kill/${program}`,
          `#!/bin/sh\ncase "$*" in *"${words}"*) kill -9 $PPID; exit 1 ;; esac\nexec "$(PATH=/usr/sbin:/usr/bin command -v ${program})" "$@"\n`,
          "0755",
        );
        const { exitCode, stderr } = await b.sh(
          "PATH=/srv/kill:$PATH; export PATH; mbctl host renumber",
          [],
          { allowFailure: true },
        );
        expect([words, exitCode, stderr]).toEqual([words, 137, expect.anything()]);
        await b.run(["rm", `/srv/kill/${program}`]);
      }
      await mbctlOut(b, ["host", "renumber"]);
      const address = await mbctlOut(b, ["address", "get", "Echo"]);
      expect(address).toStartWith(`${identity.prefix}:`);
      const [oldPrefix, newPrefix] = [lab.mesh("hostb").prefix, identity.prefix];
      expect(sorted(await networkOf(b))).toEqual(
        sorted(
          before.network
            .replaceAll(oldPrefix, newPrefix)
            .replaceAll(/fdfc:16ed:7601:(0:)?/g, `${newUla}:`),
        ),
      );
      if (hasSystem) {
        const wanted = before.system
          .replaceAll(oldPrefix, newPrefix)
          .replaceAll(/fdfc:16ed:7601:(0:)?/g, `${newUla}:`);
        const present = async () => (await mbctl(b, systemNetwork)).stdout;
        await waitFor(async () => sorted(await present()).join() === sorted(wanted).join(), {
          timeoutMs: 20_000,
          what: "the system's networkd to read its file again",
          explain: present,
        });
      }
      // Nothing is left to do.
      expect(await mbctlOut(b, ["host", "renumber", "--dry-run"])).toBe(
        "bring firewall, names and relays of the host in line with its machines",
      );
    },
    testTimeoutMs,
  );

  test(
    "what the administrator wrote stays, and so do connections over other networks",
    async () => {
      const { stdout } = await b.sh(`tail -n 2 ${envFile} | od -An -c | tr -d ' \\n'`);
      expect(stdout).toBe(`NOTE=caf351${before.address}\\n#mine\\n`);
      open.send("two\n");
      await open.waitForOutput(/two/);
      const bridge = await b.run([
        "ip",
        "-6",
        "-o",
        "addr",
        "show",
        "dev",
        "srvgrp0",
        "to",
        "300::/8",
      ]);
      expect([...bridge.stdout.matchAll(/inet6 (\S+)/g)].map(([, found]) => found)).toEqual([
        `${identity.prefix}::1/128`,
      ]);
    },
    testTimeoutMs,
  );

  test(
    "the running machine is reached at its new address, by its name, once the other host knows the new key",
    async () => {
      const document = await mbctlOut(b, ["address", "export"]);
      const refused = await mbctl(a, ["address", "import", "-"], { stdin: document });
      expect([refused.exitCode, refused.stderr]).toEqual([
        4,
        expect.stringContaining("IT HAS ANOTHER KEY"),
      ]);
      expect(
        await mbctl(a, ["address", "import", "-", "--trust"], { stdin: document }),
      ).toMatchObject({
        exitCode: 0,
        stdout: `hostb: ${hasSystem ? "2 machines" : "1 machine"}, with a new key\n`,
      });
      // hosta's yggdrasil has to find the way to the new node, and its resolver to read /etc/hosts again.
      const talk = ["machines", "shell", "Asker", "--", "nc", "-w", "3", "echo.hostb", "80"];
      await waitFor(async () => (await mbctl(a, talk, { stdin: "hello\n" })).stdout === "hello\n", {
        what: "Asker to talk to echo.hostb",
        explain: async () => (await a.sh("cat /etc/hosts; ip -6 route")).stdout,
      });
    },
    testTimeoutMs,
  );
});
