/** Applications as services of a booted system: three real ones, and images that mean harm. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Host } from "../lab/host.ts";
import { debianBaseLayout, systemPackages } from "../lab/images/debian_base.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { Registry } from "../lab/registry.ts";
import { waitFor } from "../lab/wait_for.ts";
import { NASTY_WORDS } from "../nspawn/nasty_values.ts";
import { appImages } from "./_app_images.ts";
import { labTimeoutMs, mbctl, mbctlOut, testedHosts, testTimeoutMs } from "./_lab.ts";
import { installImages } from "./_machines.ts";

setDefaultTimeout(testTimeoutMs);

const tls = "--tls-verify=false";
const releases = ["bookworm", "trixie"] as const;

/** The registry's part of a reference. */
const registryOf = (reference = "") => reference.split("/")[0];

describe.each(testedHosts)("on %s", (os) => {
  let lab: Lab;
  let here: Host;
  let registry: Registry;
  const reference: Record<string, string> = {};

  const local = (image: string) => `oci:/srv/images:${image}`;
  const inside = async (machine: string, ...words: string[]) =>
    (await mbctlOut(here, ["machines", "exec", machine, "--", ...words])).trimEnd();
  const add = async (machine: string, image: string, ...words: string[]) =>
    await mbctlOut(here, ["machines", "app", "add", machine, image, tls, ...words]);
  const apps = async (machine: string) =>
    JSON.parse(await mbctlOut(here, ["machines", "app", "list", machine, "--json"])).apps as {
      name: string;
      state: string;
      health?: string;
      restarts: number;
    }[];
  const until = async (machine: string, app: string, words: object) =>
    await waitFor(
      async () => {
        const found = (await apps(machine)).find(({ name }) => name === app);
        return Bun.deepMatch(words, found ?? {}) ? found : undefined;
      },
      {
        timeoutMs: 60_000,
        what: `${app} of ${machine} to be ${JSON.stringify(words)}`,
        explain: async () =>
          await inside(machine, "journalctl", "--no-pager", "-n", "40", "-u", `oci-${app}*`),
      },
    );

  beforeAll(async () => {
    lab = await startLab({ hosts: [{ name: "hosta", os }], mbctl: true });
    here = lab.host("hosta");
    registry = await Registry.start(here);
    for (const name of ["nginx", "redis", "postgres"] as const)
      reference[name] = (await registry.pushReal(name)).reference;
    await installImages(here, appImages);
    for (const release of releases) {
      const layout = await debianBaseLayout(release, systemPackages);
      const base = (await registry.push(layout, "system", { tag: release })).reference;
      await mbctlOut(here, ["machines", "pull", base, release, "--mode=base", tls, "--start"]);
    }
  }, labTimeoutMs);
  afterAll(async () => await lab?.[Symbol.asyncDispose](), labTimeoutMs);

  test.each([...releases])("nginx, PostgreSQL and redis are services of %s", async (base) => {
    const image = (name: string) => reference[name] ?? "";
    await add(
      base,
      image("nginx"),
      "--health-cmd",
      "test -s /run/nginx.pid",
      "--health-interval=2s",
    );
    await add(base, image("redis"), "--name", "cache");
    const trust = ["--env", "POSTGRES_HOST_AUTH_METHOD=trust"];
    const check = ["--health-cmd", "pg_isready -h 127.0.0.1 -U postgres", "--health-interval=2s"];
    await add(base, image("postgres"), "--name", "db", ...trust, ...check);
    await until(base, "nginx", { state: "running", health: "healthy" });
    await until(base, "db", { state: "running", health: "healthy" });
    await until(base, "cache", { state: "running" });

    const { address } = JSON.parse(
      await mbctlOut(here, ["machines", "list", "--json"]),
    ).machines.find(({ name }: { name: string }) => name === base);
    const page = await here.run(["curl", "-gsS", "--max-time", "5", `http://[${address}]/`]);
    expect(page.stdout).toBe("<h1>nginx of the mbctl lab</h1>\n");
    const ping = `exec 3<>/dev/tcp/${address}/6379; printf 'PING\\r\\n' >&3; head -n 1 <&3`;
    expect((await here.run(["bash", "-c", ping])).stdout).toBe("+PONG\r\n");
    const root = "/oci/apps/db/root";
    const psql = [
      "chroot",
      root,
      "/usr/lib/postgresql/15/bin/psql",
      "-h",
      address,
      "-U",
      "postgres",
      "-tAc",
      "select 6*7",
    ];
    // While it makes its database it answers by its socket alone.
    const answer = await waitFor(
      async () =>
        (await mbctl(here, ["machines", "exec", base, "--", ...psql])).stdout.trim() || undefined,
      { what: "PostgreSQL to answer" },
    );
    expect(answer).toBe("42");
    expect(await inside(base, "systemctl", "is-system-running", "--wait")).toBe("running");
  });

  test("an application that is killed comes back", async () => {
    await inside("trixie", "systemctl", "kill", "--signal=KILL", "oci-cache");
    expect((await until("trixie", "cache", { state: "running", restarts: 1 })).name).toBe("cache");
  });

  test("a published port is the machine's, and applications start with it", async () => {
    const words = ["machines", "app", "add", "trixie", reference.nginx ?? "", tls, "--replace"];
    const check = ["--health-cmd", "test -s /run/nginx.pid", "--health-interval=2s"];
    const added = await mbctl(here, [...words, ...check, "-p", "8090:80"]);
    expect(added).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining('"trixie" has to start anew for its first published port: '),
    });
    const toml = await here.run(["cat", "/var/lib/man8machine_configs/trixie/machine.toml"]);
    expect(toml.stdout).toContain('\npublish = ["8090:80"]\n');
    const taken = await mbctl(here, [
      ...["machines", "app", "add", "bookworm", reference.nginx ?? "", tls, "--name=other"],
      "--publish=8090:80",
    ]);
    expect(taken.exitCode).toBe(4);
    expect(taken.stderr).toContain('the port is that of the machine "trixie"');

    await mbctlOut(here, ["machines", "restart", "trixie"]);
    const seen = new Set<string>();
    await waitFor(
      async () => {
        const states = (await apps("trixie")).map(({ state }) => state);
        for (const state of states) seen.add(state);
        return states.every((state) => state === "running") || undefined;
      },
      { timeoutMs: 60_000, what: "all applications of trixie to run" },
    );
    seen.delete("starting");
    expect([...seen]).toEqual(["running"]);
    const fetch = ["curl", "-sS", "--retry", "5", "--retry-all-errors", "http://127.0.0.1:8090/"];
    expect((await here.run(fetch)).stdout).toBe("<h1>nginx of the mbctl lab</h1>\n");
  });

  test("an application that crashes again and again is seen, and its log is read", async () => {
    await add("bookworm", local("crasher"), "--name=crasher");
    const listed = async () => await mbctlOut(here, ["machines", "list"]);
    await waitFor(async () => (await listed()).includes("crasher restarting (3)"), {
      what: "the list to show it",
    });
    await waitFor(
      async () =>
        (await apps("bookworm")).some(({ name, restarts }) => name === "crasher" && restarts > 0),
      { timeoutMs: 60_000, what: "crasher to be started again" },
    );
    expect(await mbctlOut(here, ["machines", "app", "list", "bookworm"])).toMatch(
      /^crasher +(restarting \(3\)|running|starting) +- +[1-9]/m,
    );
    const logs = async (...words: string[]) => await mbctl(here, ["machines", "logs", ...words]);
    const log = await logs("bookworm", "--app=crasher", "-o", "cat");
    expect(log.stdout).toMatch(/^too bad$/m);
    expect(log.stdout).toMatch(/^oci-crasher.service: .*status=3/m);
    expect(log.stdout).not.toContain("oci-db");
    const last = await logs("bookworm", "--app", "crasher", "-n1", "-g", "too bad", "-o", "cat");
    expect(last.stdout).toBe("too bad\n");
    const other = await logs("bookworm", "--app", "other");
    expect(other).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("it has nginx, ") });
    await mbctlOut(here, ["machines", "app", "remove", "bookworm", "crasher"]);

    await mbctlOut(here, ["machines", "pull", local("nasty"), "plain", "--mode=direct"]);
    const none = await mbctl(here, ["machines", "app", "list", "plain"]);
    expect(none).toMatchObject({ exitCode: 0, stderr: expect.stringContaining("no whole system") });
    expect((await logs("plain", "--app=web")).exitCode).toBe(2);
    await mbctlOut(here, ["machines", "remove", "plain", "--yes"]);
  });

  test.each([...releases])("values come as they are to an application of %s", async (base) => {
    const words = [...NASTY_WORDS, "line\nbreak", "\r", "\n\n ends in one\n", "$X %s \\ `id` '\""];
    const values = words.map((word, index) => [`NASTY_${index}`, word] as const);
    const env = values.flatMap(([name, value]) => ["--env", `${name}=${value}`]);
    await add(base, local("nasty"), "--name", "nasty", ...env, "--", ...words);
    await until(base, "nasty", { state: "running" });
    const root = `/var/lib/man8machines/${base}/oci/apps/nasty/root`;
    const read = async (file: string) =>
      await waitFor(
        async () => {
          const { stdout } = await here.sh(`cd ${root}; [ ! -e told ] || cat ${file}`);
          return stdout !== "" && stdout.split("\0").slice(0, -1);
        },
        { what: file },
      );
    expect(await read("words")).toEqual(words);
    const found = await read("values");
    // The shell that writes them down has an order of its own.
    expect(found.filter((entry) => entry.startsWith("NASTY_")).sort()).toEqual(
      values.map(([name, value]) => `${name}=${value}`).sort(),
    );
    expect(
      found.filter((entry) => /^(HOME|USER|PATH|LANG|SHELL|LOGNAME)=/.test(entry)).sort(),
    ).toEqual(["HOME=/", "PATH=/bin"]);
    const refused = await mbctl(here, [
      ...["machines", "app", "add", base, local("nasty"), "--name", "odd", "--env", "X=\uffff"],
    ]);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain("it holds a Unicode noncharacter");
  });

  test.each([...releases])(
    "a user that is not root opens /dev/stdout by its name in %s",
    async (base) => {
      await add(base, local("talker"), "--name=talker", "--restart=no");
      await until(base, "talker", { state: "stopped" });
      const log = ["journalctl", "--no-pager", "-o", "cat", "-u", "oci-talker"];
      const lines = await waitFor(
        async () => {
          const said = (await inside(base, ...log)).split("\n");
          return said.includes("last words") ? said : undefined;
        },
        { what: "what it said" },
      );
      expect(lines).toContain("by name");
      expect(lines).toContain("wrong");
      expect(await inside(base, "systemctl", "is-system-running")).toBe("running");
    },
  );

  test.each([...releases])("links of an image lead nowhere but into it in %s", async (base) => {
    const list = [
      "find",
      "/etc",
      "/oci",
      "-maxdepth",
      "1",
      "-newer",
      "/root/before",
      "!",
      "-type",
      "d",
    ];
    await inside(base, "touch", "/root/before");
    await here.run(["touch", "/root/before"]);
    await add(base, local("links"), "--name=links");
    await until(base, "links", { state: "running" });
    const mark = async () => await inside(base, "cat", "/oci/apps/links/run/mark");
    expect(await waitFor(mark, { what: "its mark" })).toBe("mine");
    // A layer took links away, and nothing that they lead to.
    const left = "cd /oci/apps/links/root; ls -d gone lost bin/ls lib bin/busybox 2>/dev/null";
    expect(await inside(base, "sh", "-c", `${left} || true`)).toBe("bin/busybox\nlib");
    expect(await inside(base, ...list)).toBe("");
    const outside = await here.run(["find", "/etc", "-maxdepth", "1", "-name", "here"]);
    expect(outside.stdout).toBe("");
  });

  test.each([...releases])("an application of %s writes nothing of the kernel's", async (base) => {
    const files =
      "/proc/sys/kernel/hostname /proc/sys/vm/swappiness /proc/sys/net/ipv4/ip_forward /proc/sysrq-trigger";
    const script = `pid=$(systemctl show -P MainPID oci-nginx); exec nsenter -t $pid -m -r -w -- sh -c 'for f in ${files}; do { echo 1 >$f; } 2>/dev/null && echo $f; done; echo asked'`;
    expect(await inside(base, "sh", "-c", script)).toBe("asked");
  });

  test.each([...releases])("systemd of %s finds nothing wrong in the units", async (base) => {
    const verify = `systemd-analyze verify /etc/systemd/system/oci-* 2>&1 | grep -v 'is not executable: No such file' || true`;
    expect(await inside(base, "sh", "-c", verify)).toBe("");
    for (const app of ["nginx", "cache", "db"]) {
      const shown = await inside(
        base,
        "systemd-analyze",
        "security",
        "--no-pager",
        `oci-${app}.service`,
      );
      expect(Number(/exposure level for .*: ([\d.]+)/.exec(shown)?.[1])).toBeLessThanOrEqual(3.2);
    }
  });

  test.each([...releases])(
    "choices count in %s, and a list says how applications are",
    async (base) => {
      const mounts = ["data", "config"].flatMap((kind) => ["--mount", `/${kind}=${kind}`]);
      const owned = ["--user=app", "--read-only", "--tmpfs=/mem:size=1m", "--cpus=0.5"];
      await add(base, local("choosy"), "--name=choosy", ...mounts, ...owned);
      const storage = `/var/lib/man8machine_storage/${base}/choosy/data`;
      await here.run(["chown", "4711", storage]);
      await inside(base, "systemctl", "restart", "oci-choosy");
      await until(base, "choosy", { state: "running" });
      const read = async (file: string) => (await here.run(["cat", `${storage}/${file}`])).stdout;
      await waitFor(async () => (await read("who").catch(() => "")).includes("4713"), {
        what: "what it wrote",
      });
      // The volumes of others are root's, as the image has none of them.
      expect(await read("written")).toBe("/data/d\n/mem/m\n/tmp/t\n");
      expect(await read("who")).toBe("4711\n4712 4713\n");
      expect(await mbctlOut(here, ["machines", "list"])).toMatch(
        / nginx healthy, .* choosy running$/m,
      );
      expect(await mbctlOut(here, ["machines", "show", base])).toMatch(
        /^app db +running healthy .*5432\/tcp/m,
      );
    },
  );

  test("a declaration adds and removes applications, and a pull makes a machine with one", async () => {
    const file = "/var/lib/man8machine_configs/bookworm/machine.toml";
    const before = (await here.run(["cat", file])).stdout;
    const declared = `\n[[apps]]\nname = "declared"\nimage = "${local("links")}"\n`;
    await here.writeFile(file, `${before}${declared}`);
    await mbctlOut(here, ["machines", "apply", "bookworm"]);
    await until("bookworm", "declared", { state: "running" });
    // Its image's volume outlives it, though nobody declared it.
    await here.run(["test", "-d", "/var/lib/man8machine_storage/bookworm/declared/data"]);
    const pinned = (await here.run(["cat", file])).stdout;
    expect(pinned).toMatch(
      /\nname = "declared"\nimage = \{ reference = "oci:\/srv\/images:links", digest = "sha256:[0-9a-f]{64}", manifest_digest = "sha256:[0-9a-f]{64}" \}\n$/,
    );
    // A declaration beside it still leaves them open.
    await here.writeFile("/root/bookworm.toml", `${before}${declared}`);
    await mbctlOut(here, ["machines", "apply", "/root/bookworm.toml"]);
    expect((await here.run(["cat", file])).stdout).toBe(pinned);
    await here.writeFile(file, before);
    await mbctlOut(here, ["machines", "apply", "bookworm"]);
    expect((await apps("bookworm")).map(({ name }) => name)).not.toContain("declared");
    expect((await here.run(["cat", file])).stdout).toBe(before);

    const flags = ["--mode=app", tls, "--start"];
    const noBase = await mbctl(here, ["machines", "pull", reference.nginx ?? "", "web", ...flags]);
    expect(noBase.exitCode).toBe(2);
    const words = [
      "machines",
      "pull",
      reference.nginx ?? "",
      "web",
      ...flags,
      "--base",
      `${registryOf(reference.nginx)}/system:trixie`,
      "--publish=8092:80",
    ];
    await mbctlOut(here, words);
    await until("web", "nginx", { state: "running" });
    const page = await here.run(["curl", "-sS", "--retry", "5", "http://127.0.0.1:8092/"]);
    expect(page.stdout).toBe("<h1>nginx of the mbctl lab</h1>\n");
    const made = "/var/lib/man8machine_configs/web/machine.toml";
    const toml = (await here.run(["cat", made])).stdout;
    await mbctlOut(here, ["machines", "remove", "web", "--yes", "--stop"]);
    await here.writeFile("/root/web.toml", toml.replaceAll(/^(manifest_)?digest = .*\n/gm, ""));
    const shown = await mbctlOut(here, ["machines", "apply", "/root/web.toml", tls, "--dry-run"]);
    const pins = [...toml.matchAll(/^(?:manifest_)?digest = .*\n/gm)].map(([line]) => `+${line}`);
    expect(pins).toHaveLength(4);
    for (const pin of pins) expect(shown).toContain(pin);
  });

  test("an application is added once, replaced with its data, and removed without a trace", async () => {
    const base = "trixie";
    const again = await mbctl(here, [
      "machines",
      "app",
      "add",
      base,
      reference.redis ?? "",
      tls,
      "--name",
      "cache",
    ]);
    expect(again.exitCode).toBe(4);
    expect(again.stderr).toContain(
      'Cannot add the application "cache" to "trixie": there is one of that name',
    );
    const storage = `/var/lib/man8machine_storage/${base}`;
    await here.run(["touch", `${storage}/cache/data/kept`]);
    await add(base, reference.redis ?? "", "--name", "cache", "--replace", "--memory=200m");
    await until(base, "cache", { state: "running", restarts: 0 });
    expect(await inside(base, "systemctl", "show", "-P", "MemoryMax", "oci-cache")).toBe(
      `${200 * 1024 ** 2}`,
    );
    await here.run(["test", "-e", `${storage}/cache/data/kept`]);

    for (const { name } of await apps(base))
      await mbctlOut(here, [
        "machines",
        "app",
        "remove",
        base,
        name,
        ...(name === "db" ? [] : ["--with-data"]),
      ]);
    const traces = `find / -xdev \\( -path /proc -o -path /sys \\) -prune -o -name '*oci-*' -print; ls -A /oci; ls /oci/storage; systemctl list-units --all --plain --no-legend 'oci-*.service' 'oci-*.socket' 'oci-*.timer'`;
    expect(await inside(base, "sh", "-c", traces)).toBe("config\nstorage\ndb");
    const toml = await here.run(["cat", `/var/lib/man8machine_configs/${base}/machine.toml`]);
    expect(toml.stdout).not.toContain("apps");
    expect(await apps(base)).toEqual([]);
  });
});
