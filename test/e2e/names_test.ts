/** Names of machines across two hosts: on the hosts and inside of machines, while machines come and go and a host is down. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Host } from "../lab/host.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { waitFor } from "../lab/wait_for.ts";
import { labTimeoutMs, mbctl, mbctlOut, testedHosts, testTimeoutMs } from "./_lab.ts";
import { type ImageRecipe, installImages, pull } from "./_machines.ts";
import { inside } from "./_network.ts";

const images: Readonly<Record<string, ImageRecipe>> = {
  Web: { config: { Cmd: ["nc", "-ll", "-p", "80", "-e", "echo", "web"] } },
  db: { config: { Cmd: ["nc", "-ll", "-p", "80", "-e", "echo", "db"] } },
};
const domain = "mesh.internal";

/** The IPv6 addresses that the host's C library finds for a name (nss-resolve or files). */
async function getent(host: Host, name: string): Promise<string> {
  const { stdout } = await host.run(["getent", "ahosts", name], { allowFailure: true });
  return [...new Set(stdout.split("\n").map((line) => line.split(" ")[0] ?? ""))].join(" ").trim();
}

/** The address that resolved has for a name; it looks at /etc/hosts every two seconds. */
async function resolved(host: Host, name: string): Promise<string> {
  const argv = ["resolvectl", "--legend=no", "query", name];
  const { stdout } = await host.run(argv, { allowFailure: true });
  return /^\S+: (\S+)/.exec(stdout)?.[1] ?? "";
}

/** The address that a machine gets from its name server. */
async function inMachine(host: Host, machine: string, name: string): Promise<string> {
  const answer = await inside(host, machine, `busybox nslookup -type=aaaa ${name}`);
  return /^Name:.*\nAddress: (\S+)$/m.exec(answer)?.[1] ?? "";
}

/** Waits until every way to ask gives the same answer. */
async function waitForName(
  host: Host,
  machine: string,
  name: string,
  address: string,
): Promise<void> {
  const ask = () =>
    Promise.all([getent(host, name), resolved(host, name), inMachine(host, machine, name)]);
  let last: readonly string[] = [];
  await waitFor(
    async () => {
      last = await ask();
      return last.every((found) => found === address);
    },
    {
      what: `"${name}" to be "${address}" on ${host.name}`,
      explain: async () => `${JSON.stringify(last)}\n${await host.readFile("/etc/hosts")}`,
    },
  );
}

describe.each(testedHosts)("names of machines on %s", (os) => {
  let lab: Lab;
  let a: Host;
  let b: Host;
  const address = { Web: "", db: "" };

  /** Carries what `from` exports to `to`. */
  async function carry(from: Host, to: Host, ...flags: string[]) {
    const document = await mbctlOut(from, ["address", "export"]);
    return await mbctl(to, ["address", "import", "-", ...flags], { stdin: document });
  }

  beforeAll(async () => {
    lab = await startLab({
      hosts: [
        { name: "hosta", os },
        { name: "hostb", os },
      ],
      mbctl: true,
      trust: false,
    });
    [a, b] = [lab.host("hosta"), lab.host("hostb")];
    await a.sh("printf '# of the administrator\\n192.0.2.7 printer' >>/etc/hosts");
    for (const host of lab.hosts) await installImages(host, images);
    address.Web = await pull(a, "Web", ["--start"]);
    address.db = await pull(b, "db", ["--start"]);
  }, labTimeoutMs);
  afterAll(async () => await lab[Symbol.asyncDispose](), labTimeoutMs);

  test(
    "a machine has a name on its host and in its host's machines, as soon as it is pulled",
    async () => {
      for (const name of ["web", "web.hosta", `web.hosta.${domain}`]) {
        await waitForName(a, "Web", name, address.Web);
      }
      expect(await getent(a, "printer")).toBe("192.0.2.7");
      expect(await getent(b, "web.hosta")).toBe("");
    },
    testTimeoutMs,
  );

  test(
    "a host that is not known is not imported but with --trust; then its machines have names, and connections",
    async () => {
      const refused = await carry(b, a);
      expect([refused.exitCode, refused.stderr]).toEqual([
        4,
        expect.stringMatching(/config.toml does not name it\nhint: .* add --trust/),
      ]);
      expect(await a.sh("test -e /etc/mbctl && find /etc/mbctl -type f || true")).toMatchObject({
        stdout: "",
      });
      expect(await carry(b, a, "--trust")).toMatchObject({
        exitCode: 0,
        stdout: "hostb: 1 machine, now trusted\n",
      });
      expect(await carry(a, b, "--trust")).toMatchObject({ exitCode: 0 });
      for (const name of ["db.hostb", `db.hostb.${domain}`]) {
        await waitForName(a, "Web", name, address.db);
      }
      await waitForName(b, "db", `web.hosta.${domain}`, address.Web);
      await waitForName(a, "Web", "hostb", lab.mesh("hostb").address);
      expect(await inside(a, "Web", "nc -w 5 db.hostb 80")).toBe("db\n");
      expect(await inside(b, "db", `nc -w 5 web.hosta.${domain} 80`)).toBe("web\n");
    },
    testTimeoutMs,
  );

  test(
    "addresses are found by name, and names by address",
    async () => {
      expect(await mbctlOut(a, ["address", "get", "db@hostb"])).toBe(address.db);
      expect(await mbctlOut(a, ["address", "get", "hostb"])).toBe(lab.mesh("hostb").address);
      expect(await mbctlOut(a, ["address", "whois", address.db])).toBe("db@hostb");
      expect(await mbctlOut(a, ["address", "whois", address.Web])).toBe("Web@hosta");
      const bridge = `${lab.mesh("hostb").prefix}::1`;
      expect(await mbctlOut(a, ["address", "whois", bridge])).toBe("the bridge of hostb");
      expect(await mbctl(a, ["address", "whois", "300::5"])).toMatchObject({
        exitCode: 1,
        stdout: "unknown\n",
      });
      expect(await mbctl(a, ["address", "get", "db@hostc"])).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining("there are: hostb"),
      });
      const json = await mbctlOut(b, ["address", "export", "--json"]);
      expect(JSON.parse(json)).toMatchObject({ schemaVersion: 1, host: "hostb", machines: ["db"] });
      expect(await mbctl(a, ["address", "import", "-"], { stdin: json })).toMatchObject({
        exitCode: 0,
        stdout: "hostb: 1 machine\n",
      });
      const own = await carry(a, a);
      expect([own.exitCode, own.stderr]).toEqual([2, expect.stringContaining("it is this host")]);
    },
    testTimeoutMs,
  );

  test(
    "a machine cannot have the name of a host",
    async () => {
      const { exitCode, stderr } = await mbctl(a, [
        ...["machines", "pull", "oci:/srv/images:db", "HostB"],
      ]);
      expect([exitCode, stderr]).toEqual([4, expect.stringContaining("a host in config.toml")]);
    },
    testTimeoutMs,
  );

  test(
    "the name goes with the machine, and what others wrote into /etc/hosts stays",
    async () => {
      await pull(a, "other", [], "db");
      await carry(a, b);
      await waitFor(() => getent(b, "other.hosta"), { what: "other.hosta to have an address" });
      await mbctlOut(a, ["machines", "remove", "other", "--yes"]);
      await waitForName(a, "Web", "other.hosta", "");
      await carry(a, b);
      await waitForName(b, "db", "other.hosta", "");
      const hosts = await a.readFile("/etc/hosts");
      expect(hosts.split("\n").filter((line) => !line.endsWith("# mbctl"))).toEqual([
        ...["127.0.0.1 localhost", "::1 localhost", "# of the administrator"],
        ...["192.0.2.7 printer", ""],
      ]);
    },
    testTimeoutMs,
  );

  test(
    "names of a host that is down resolve",
    async () => {
      await b.kill();
      await waitForName(a, "Web", "db.hostb", address.db);
    },
    testTimeoutMs,
  );
});
