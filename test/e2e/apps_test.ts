/** Applications as services of a booted system: three real ones, and images that mean harm. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Host } from "../lab/host.ts";
import { debianBaseLayout, systemPackages } from "../lab/images/debian_base.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { Registry } from "../lab/registry.ts";
import { waitFor } from "../lab/wait_for.ts";
import { NASTY_WORDS } from "../nspawn/nasty_values.ts";
import { labTimeoutMs, mbctl, mbctlOut, testedHosts, testTimeoutMs } from "./_lab.ts";
import { installImages } from "./_machines.ts";

setDefaultTimeout(testTimeoutMs);

const tls = "--tls-verify=false";
const releases = ["bookworm", "trixie"] as const;

/** The registry's part of a reference. */
const registryOf = (reference = "") => reference.split("/")[0];

/** Writes down its arguments and its variables. */
const tell = "printf '%s\\0' \"$@\" >/words; env -0 >/values; echo told; exec sleep 1000";

const images = {
  nasty: { config: { Entrypoint: ["sh", "-c", tell, "tell"] } },
  /** Says what it may write to, and what it is. */
  choosy: {
    config: {
      Entrypoint: [
        "sh",
        "-c",
        "for f in /root-tree /data/d /config/c /mem/m /tmp/t /run/r; do { echo >$f; } 2>/dev/null && echo $f; done >/data/written; id -u >/data/who; id -G >>/data/who; exec sleep 1000",
      ],
    },
    files: [
      { path: "etc/passwd", content: "app:x:4711:4712::/home/app:\n" },
      { path: "etc/group", content: "more:x:4713:app\n" },
    ],
  },
  talker: {
    config: {
      User: "1000:1001",
      Entrypoint: [
        "sh",
        "-c",
        "echo by name >/dev/stdout; echo wrong >/dev/stderr; echo last words",
      ],
    },
  },
  /** Every path that is written to leads to the system around it. */
  links: {
    config: {
      Entrypoint: ["sh", "-c", "echo mine >/run/mark; exec sleep 1000"],
      WorkingDir: "/work/here",
      Volumes: { "/data": {} },
    },
    base: "bare",
    files: [
      { path: "run", type: "symlink", linkTarget: "/oci" },
      { path: "data", type: "symlink", linkTarget: "/etc" },
      { path: "work", type: "symlink", linkTarget: "/../../../../../../etc" },
      { path: "etc", type: "symlink", linkTarget: "/usr/../lib" },
      { path: "lib", type: "dir" },
      { path: "lib/resolv.conf", type: "symlink", linkTarget: "/etc/shadow" },
      { path: "sh", type: "symlink", linkTarget: "bin/busybox" },
      { path: "bin/sh", type: "symlink", linkTarget: "busybox" },
      { path: "bin/sleep", type: "symlink", linkTarget: "busybox" },
    ],
  },
} as const;

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
    await installImages(here, images);
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
      { timeoutMs: 30_000, what: "PostgreSQL to answer" },
    );
    expect(answer).toBe("42");
    expect(await inside(base, "systemctl", "is-system-running", "--wait")).toBe("running");
  });

  test("an application that is killed comes back", async () => {
    await inside("trixie", "systemctl", "kill", "--signal=KILL", "oci-cache");
    expect((await until("trixie", "cache", { state: "running", restarts: 1 })).name).toBe("cache");
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
          const { exitCode, stdout } = await here.run(["cat", `${root}/${file}`], {
            allowFailure: true,
          });
          return exitCode === 0 && stdout !== "" ? stdout.split("\0").slice(0, -1) : undefined;
        },
        { timeoutMs: 10_000, what: file },
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
        { timeoutMs: 10_000, what: "what it said" },
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
    expect(await inside(base, "cat", "/oci/apps/links/run/mark")).toBe("mine");
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
        timeoutMs: 10_000,
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
    const declared = `\n[[apps]]\nname = "declared"\nimage = "${local("nasty")}"\n`;
    await here.writeFile(file, `${before}${declared}`);
    await mbctlOut(here, ["machines", "apply", "bookworm"]);
    await until("bookworm", "declared", { state: "running" });
    await here.writeFile(file, before);
    await mbctlOut(here, ["machines", "apply", "bookworm"]);
    expect((await apps("bookworm")).map(({ name }) => name)).not.toContain("declared");
    expect((await here.run(["cat", file])).stdout).toBe(before);

    const flags = ["--mode=app", tls, "--start"];
    const noBase = await mbctl(here, ["machines", "pull", reference.nginx ?? "", "web", ...flags]);
    expect(noBase.exitCode).toBe(2);
    const made = [
      "machines",
      "pull",
      reference.nginx ?? "",
      "web",
      ...flags,
      "--base",
      `${registryOf(reference.nginx)}/system:trixie`,
    ];
    await mbctlOut(here, made);
    await until("web", "nginx", { state: "running" });
    await mbctlOut(here, ["machines", "remove", "web", "--yes", "--stop"]);
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
