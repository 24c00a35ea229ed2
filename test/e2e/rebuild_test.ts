/** A host dies. Its machines come back on another one, of their configuration and storage folders alone. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Host } from "../lab/host.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { Registry } from "../lab/registry.ts";
import { run } from "../lab/run.ts";
import { waitFor } from "../lab/wait_for.ts";
import { labTimeoutMs, mbctl, mbctlOut, testedHosts, testTimeoutMs } from "./_lab.ts";
import { dataPath, type ImageRecipe, unitOf, writeImages } from "./_machines.ts";
import { inside } from "./_network.ts";

/** Serves /data on port 80; the name stands in the image alone. */
function serve(name: string, more: Readonly<Record<string, unknown>> = {}): ImageRecipe {
  const config = {
    Cmd: ["httpd", "-f", "-p", "80", "-h", "/data"],
    Volumes: { "/data": {} },
    ...more,
  };
  return { config, files: [{ path: "etc/image", content: `${name}\n` }] };
}

const check = { Test: ["CMD", "test", "-s", "/data/index.html"], Interval: 200_000_000 };
const images: Readonly<Record<string, ImageRecipe>> = {
  web: serve("web"),
  db: serve("db", { Healthcheck: check }),
  app: serve("app", { Volumes: { "/data": {}, "/conf": {} } }),
  mail: serve("mail", { Cmd: ["httpd", "-f", "-p", "8080", "-h", "/data"], User: "1000:1000" }),
  old: serve("old"),
  plain: { config: { Cmd: ["sleep", "100000"] } },
};
const names = ["App", "Db", "Mail", "Old", "Plain", "Web"];
const registryName = "registry.lab:5000";
const folders = ["var/lib/man8machine_configs", "var/lib/man8machine_storage"];
const configuration = (name: string) => `/var/lib/man8machine_configs/${name}`;
const dropIn = (name: string) => `/etc/systemd/system/${unitOf(name)}.d`;

/** A cable between the network cards of two hosts: what host setup lets yggdrasil talk over. */
async function plugIn(host: Host, peer: Host, card: string): Promise<void> {
  await run([
    ...["ip", "link", "add", "eth1", "netns", String(host.leader)],
    ...["type", "veth", "peer", "name", card, "netns", String(peer.leader)],
  ]);
  await host.run(["ip", "link", "set", "eth1", "up"]);
  await peer.run(["ip", "link", "set", card, "up"]);
}

describe.each(testedHosts)("machines rebuild on %s", (os) => {
  let lab: Lab;
  let first: Host;
  let peer: Host;
  let second: Host;
  let digests: Readonly<Record<string, string>> = {};
  const page = async (url: string) =>
    (await peer.run(["curl", "-sf", "-m", "2", url], { allowFailure: true })).stdout;

  /** Sets a host up, lets it and the peer know each other, and where the registry is. */
  const setUp = async (host: Host) => {
    await mbctlOut(host, ["host", "setup", "--yes"], { timeoutMs: 120_000 });
    for (const [from, to] of [
      [host, peer],
      [peer, host],
    ] as const) {
      const document = await mbctlOut(from, ["address", "export"]);
      await mbctlOut(to, ["address", "import", "-", "--trust"], { stdin: document });
    }
    const { stdout } = await peer.run(["yggdrasilctl", "-json", "getself"]);
    const address = /"address": ?"([0-9a-f:]+)"/.exec(stdout)?.[1] ?? "";
    await host.sh(
      `echo "$1 registry.lab" >>/etc/hosts
       mkdir -p /etc/containers/registries.conf.d
       printf '[[registry]]\\nlocation = "%s"\\ninsecure = true\\n' ${registryName} >/etc/containers/registries.conf.d/lab.conf`,
      [address],
    );
    await waitFor(
      async () =>
        (
          await host.run(["curl", "-sf", "-m", "2", `http://${registryName}/v2/`], {
            allowFailure: true,
          })
        ).exitCode === 0,
      {
        what: `${host.name} to reach the registry`,
        explain: async () =>
          (
            await host.sh(
              "yggdrasilctl getpeers; ip -brief addr; ip -6 route; tail -n 3 /etc/hosts",
            )
          ).stdout,
      },
    );
  };
  const pull = async (name: string, ...words: string[]) =>
    await mbctlOut(first, [
      ...["machines", "pull", `${registryName}/${name.toLowerCase()}:1`, name],
      ...[...words, "--allow", "hostb"],
    ]);

  beforeAll(async () => {
    lab = await startLab({
      hosts: ["hosta", "hostb", "hostc"].map((name) => ({ name, os })),
      mesh: false,
      bridge: false,
      mbctl: true,
    });
    [first, peer, second] = ["hosta", "hostb", "hostc"].map((name) => lab.host(name)) as [
      Host,
      Host,
      Host,
    ];
    await plugIn(first, peer, "eth1");
    await plugIn(second, peer, "eth2");
    await mbctlOut(peer, ["host", "setup", "--yes"], { timeoutMs: 120_000 });
    const registry = await Registry.start(peer);
    const layout = await writeImages(join(peer.dir, "rebuild-images"), images);
    for (const name of Object.keys(images)) {
      const { digest } = await registry.push(layout.dir, name, { from: name, tag: "1" });
      digests = { ...digests, [name]: digest };
    }
    await setUp(first);
    await pull("Web", "--mount", "/data=data");
    await pull("Db", "--mount", "/data=data", "--publish", "8080:80");
    await pull("App", "--mount", "/data=data", "--mount", "/conf=config");
    await pull("Mail", "--mount", "/data=data");
    await pull("Old", "--mount", "/data=data");
    await pull("Plain");
    await first.sh(
      `for name in App Db Mail Old Web; do echo "data of $name" >/var/lib/man8machine_storage/$name/data/index.html; done
       chown -R 1000:1000 ${dataPath("Mail", "")}; chmod 0750 ${dataPath("Mail", "/data")}
       echo secret >${configuration("App")}/conf/key; chown 1234:4321 ${configuration("App")}/conf/key; chmod 0640 ${configuration("App")}/conf/key
       sed -i '1i depends = [ "Db" ]\\nboot = true' ${configuration("App")}/machine.toml
       echo '# mine' >>${configuration("Web")}/container.nspawn; echo 'MINE=1' >>${configuration("Web")}/man8env.env
       printf '[Service]\\nNice=3\\n' >${dropIn("Web")}/90-mine.conf; sed -i '1i # mine too' ${dropIn("Web")}/50-mbctl.conf
       systemctl daemon-reload`,
    );
    await mbctlOut(first, ["machines", "apply", "App"]);
    await mbctlOut(first, ["machines", "start", ...names]);
    // What an mbctl made that kept nothing of its rendering.
    await first.run(["rm", "-r", `${configuration("Old")}/.mbctl`]);
    await setUp(second);
  }, 2 * labTimeoutMs);
  afterAll(async () => await lab?.[Symbol.asyncDispose](), labTimeoutMs);

  test(
    "all that a dead host had comes back on another one: data, edits, names",
    async () => {
      const address = await mbctlOut(first, ["address", "get", "Web"]);
      const saved = join(lab.dir, "saved.tar");
      await first.kill();
      await run([
        "tar",
        "-C",
        join(first.dir, "root"),
        "--numeric-owner",
        "-cf",
        saved,
        ...folders,
      ]);
      await rm(join(first.dir, "root/var"), { recursive: true });
      await second.copyIn(saved, "/root/saved.tar");
      await second.run(["tar", "-C", "/", "--numeric-owner", "-xpf", "/root/saved.tar"]);

      expect(await mbctlOut(second, ["machines", "list"])).toMatch(/^Web +no root tree +/m);
      const started = await mbctl(second, ["machines", "start", "Web"]);
      expect([started.exitCode, started.stderr]).toEqual([
        3,
        'mbctl: Cannot start "Web": it has no root tree\nhint: mbctl machines rebuild Web\n',
      ]);
      const dry = await mbctlOut(second, ["machines", "rebuild", "Web", "--dry-run"]);
      expect(dry).toContain("link /var/lib/machines/Web -> /var/lib/man8machines/Web\n");

      const { exitCode, stdout, stderr } = await mbctl(
        second,
        ["machines", "rebuild", "--all", "--start"],
        { timeoutMs: 120_000 },
      );
      expect([exitCode, stderr]).toEqual([0, expect.not.stringContaining("warning")]);
      expect(stdout.match(/^\w+ +3[0-9a-f]{2}:\S+ +rebuilt$/gm)?.length).toBe(6);
      const list = await mbctlOut(second, ["machines", "list"]);
      for (const name of names) expect(list).toMatch(new RegExp(`^${name} +running`, "m"));
      expect(list).not.toContain(address);

      const document = await mbctlOut(second, ["address", "export"]);
      await mbctlOut(peer, ["address", "import", "-", "--trust"], { stdin: document });
      for (const name of ["App", "Db", "Old", "Web"]) {
        await waitFor(
          async () => (await page(`http://${name.toLowerCase()}.hostc/`)) === `data of ${name}\n`,
          {
            what: `the peer to reach ${name} by its name`,
            explain: async () => (await peer.sh("cat /etc/hosts; ip -6 route")).stdout,
          },
        );
      }
      expect(await page("http://mail.hostc:8080/")).toBe("data of Mail\n");
      expect((await second.run(["curl", "-sf", "http://127.0.0.1:8080/"])).stdout).toBe(
        "data of Db\n",
      );
    },
    2 * testTimeoutMs,
  );

  test(
    "owners, modes, edits and drop-ins are what they were",
    async () => {
      const { stdout } = await second.sh(
        `stat -c '%u:%g %a' ${configuration("App")}/conf/key ${dataPath("Mail", "/data")}
         tail -n 1 ${configuration("Web")}/container.nspawn; tail -n 1 ${configuration("Web")}/man8env.env
         cat ${dropIn("Web")}/90-mine.conf; head -n 1 ${dropIn("Web")}/50-mbctl.conf
         systemctl is-enabled ${unitOf("App")}; systemctl show -P Nice ${unitOf("Web")}`,
      );
      expect(stdout).toBe(
        "1234:4321 640\n1000:1000 750\n# mine\nMINE=1\n[Service]\nNice=3\n# mine too\nenabled\n3\n",
      );
      for (const name of names) {
        expect(await inside(second, name, "cat /etc/image")).toEqual(
          name === "Plain" ? expect.stringContaining("No such file") : `${name.toLowerCase()}\n`,
        );
      }
    },
    testTimeoutMs,
  );

  test(
    "what is whole is left alone by --all; lost links come back without another tree; a whole one is asked about",
    async () => {
      await second.sh(
        `touch /var/lib/man8machines/Web/etc/stamp; mbctl machines stop Web; rm -r ${dropIn("Web")} /etc/systemd/nspawn/Web.nspawn; systemctl daemon-reload`,
      );
      const again = await mbctl(second, ["machines", "rebuild", "--all"]);
      expect([again.exitCode, again.stdout]).toEqual([
        0,
        expect.stringMatching(/\nPlain +\S+ +whole\nWeb +\S+ +rebuilt\n$/),
      ]);
      await mbctlOut(second, ["machines", "start", "Web"]);
      expect(await inside(second, "Web", "ls /etc/stamp")).toBe("/etc/stamp\n");
      expect(await second.readFile(`${dropIn("Web")}/90-mine.conf`)).toContain("Nice=3");

      const asked = await mbctl(second, ["machines", "rebuild", "Web"]);
      expect([asked.exitCode, asked.stderr]).toEqual([
        2,
        expect.stringContaining("answer with --yes"),
      ]);
      await mbctlOut(second, ["machines", "rebuild", "Web", "--yes"]);
      expect(await inside(second, "Web", "ls /etc/stamp")).toContain("No such file");
      const { stdout } = await second.sh(
        "ls /var/lib/man8machines/.mbctl-snapshots/Web/*/tree/etc/stamp",
      );
      expect(stdout).toMatch(/\/before-reset-\w+\/tree\/etc\/stamp\n$/);
    },
    testTimeoutMs,
  );

  test(
    "an image that nobody has is an error that names the way on; one broken machine does not stop the others",
    async () => {
      await second.sh(
        `mbctl machines stop Web Plain; rm -r /var/lib/man8machines/Web /var/lib/man8machines/Plain; rm -rf /var/cache/mbctl /var/lib/man8machines/.mbctl-trees`,
      );
      await peer.sh(`curl -sf -X DELETE "http://localhost:5000/v2/web/manifests/$1"`, [
        digests.web ?? "",
      ]);
      const { exitCode, stdout, stderr } = await mbctl(second, ["machines", "rebuild", "--all"]);
      expect([exitCode, stdout]).toEqual([
        1,
        expect.stringMatching(/\nPlain +\S+ +rebuilt\nWeb +- +failed\n$/),
      ]);
      expect(stderr).toContain(
        `Cannot rebuild "Web": neither the store nor a registry gives the image that it was made of, ${registryName}/web:1 with ${digests.web}`,
      );
      expect(stderr).toContain(`hint: mbctl machines rebuild Web --to ${registryName}/web:1`);
      await mbctlOut(second, [
        "machines",
        "rebuild",
        "Web",
        "--to",
        `${registryName}/db:1`,
        "--start",
      ]);
      expect(await inside(second, "Web", "cat /etc/image")).toBe("db\n");
      expect(await second.readFile(dataPath("Web", "/data/index.html"))).toBe("data of Web\n");
    },
    testTimeoutMs,
  );
});
