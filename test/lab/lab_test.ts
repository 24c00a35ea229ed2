import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { hostOses, systemdVersions } from "./host_image.ts";
import { startLab } from "./lab.ts";
import { findLeftovers } from "./leftovers.ts";
import { childrenOf } from "./process_tree.ts";
import { keys } from "./pty.ts";
import { sweep } from "./reaper.ts";
import { waitFor } from "./wait_for.ts";

// The first run on a machine builds the root trees.
setDefaultTimeout(10 * 60_000);

describe.each([...hostOses])("a lab host of %s", (os) => {
  test("boots the systemd that it is known for, with nothing failed", async () => {
    await using lab = await startLab({
      hosts: [{ name: "solo", os }],
      mesh: false,
    });
    const host = lab.host("solo");
    const version = (await host.run(["systemctl", "--version"])).stdout;
    expect(Number(/^systemd (\d+)/.exec(version)?.[1])).toBe(systemdVersions[os]);
    const failed = await host.run([
      "systemctl",
      "list-units",
      "--failed",
      "--no-legend",
      "--plain",
    ]);
    expect(failed.stdout.trim()).toBe("");
  });

  test("meshes with another: they reach each other, and each has a bridge in its /64", async () => {
    await using lab = await startLab({
      hosts: [
        { name: "hosta", os },
        { name: "hostb", os },
      ],
    });
    const { address, prefix } = lab.mesh("hostb");
    expect(address.split(":")[0]).toMatch(/^2[0-9a-f]{2}$/);
    expect(prefix.split(":")[0]).toMatch(/^3[0-9a-f]{2}$/);
    await lab.host("hosta").run(["ping", "-6", "-c", "1", "-W", "5", address]);
    const bridge = await lab
      .host("hostb")
      .run(["ip", "-o", "-6", "address", "show", "dev", "srvgrp0"]);
    expect(bridge.stdout.split(/\s+/)).toContain(`${prefix}::1/128`);
    const forwarding = await lab
      .host("hosta")
      .run(["sysctl", "-n", "net.ipv6.conf.all.forwarding"]);
    expect(forwarding.stdout.trim()).toBe("1");
  });
});

test("startLab() refuses to mesh yggdrasil 0.4 with 0.5", async () => {
  const lab = startLab({
    hosts: [
      { name: "old", os: "debian12" },
      { name: "new", os: "debian13" },
    ],
  });
  expect(lab).rejects.toThrow("Cannot mesh debian12 with debian13 or sid");
});

describe("in a host", () => {
  test("commands give their output and exit code; their environment is the host's own", async () => {
    await using lab = await startLab({
      hosts: [{ name: "solo", os: "debian13" }],
      mesh: false,
    });
    const host = lab.host("solo");
    const result = await host.run(["sh", "-c", 'cat; echo "$1" >&2; exit 7', "sh", "talk"], {
      stdin: "said",
      allowFailure: true,
    });
    expect(result).toEqual({ exitCode: 7, stdout: "said", stderr: "talk\n" });
    expect(host.run(["false"])).rejects.toThrow('Cannot run ["solo:","false"]: exit code 1');
    expect(host.run(["sleep", "60"], { timeoutMs: 100 })).rejects.toThrow(
      "still running after 100 ms",
    );
    const names = (await host.sh("env | cut -d= -f1", [], { env: { MINE: "1" } })).stdout
      .trim()
      .split("\n");
    expect(names.toSorted()).toEqual(["HOME", "LANG", "MINE", "PATH", "PWD", "TERM"]);
  });

  test("files come in with their modes, and are read back", async () => {
    await using lab = await startLab({
      hosts: [{ name: "solo", os: "debian13" }],
      mesh: false,
    });
    const host = lab.host("solo");
    await host.copyIn(join(import.meta.dir, "boot.sh"), "/opt/new folder/renamed.sh");
    expect((await host.run(["stat", "-c", "%a %u", "/opt/new folder/renamed.sh"])).stdout).toBe(
      "755 0\n",
    );
    await host.writeFile("/etc/lab/note", "one\ntwo", "0600");
    expect(await host.readFile("/etc/lab/note")).toBe("one\ntwo");
  });

  test("a background command takes signals, and its end is its own", async () => {
    await using lab = await startLab({
      hosts: [{ name: "solo", os: "debian13" }],
      mesh: false,
    });
    const host = lab.host("solo");
    await using trapped = host.start([
      "sh",
      "-c",
      "trap 'echo bye; exit 9' TERM; echo ready; while :; do sleep 0.05; done",
    ]);
    await trapped.waitForOutput(/ready/);
    await trapped.kill("SIGTERM");
    expect(await trapped.exited).toEqual({
      exitCode: 9,
      stdout: "ready\nbye\n",
      stderr: "",
    });
    await using sleeping = host.start(["sleep", "60"]);
    await sleeping.kill("SIGKILL");
    expect((await sleeping.exited).exitCode).toBe(137);
  });

  test("a terminal has a name in the host, Ctrl-C, job control, a size and an exit code", async () => {
    await using lab = await startLab({
      hosts: [{ name: "solo", os: "debian13" }],
      mesh: false,
    });
    await using shell = lab
      .host("solo")
      .pty(["bash", "--norc", "-i"], { env: { PS1: "prompt> " }, cols: 100 });
    await shell.waitFor(/prompt> /);
    shell.send("tty; stty size\n");
    await shell.waitFor(/\/dev\/pts\/\d+\r\n24 100\r\n/);
    shell.send("sleep 60 # one\n");
    await shell.waitFor(/one\r\n/);
    shell.send(keys.ctrlC);
    await shell.waitFor(/prompt> /);
    shell.send("echo got $?; sleep 60 # two\n");
    await shell.waitFor(/got 130\r\n/);
    shell.send(keys.ctrlZ);
    await shell.waitFor(/Stopped/);
    await shell.waitFor(/prompt> /);
    shell.send("fg\n");
    await shell.waitFor(/fg\r\n.*sleep 60\r\n/s);
    shell.send(keys.ctrlC);
    await shell.waitFor(/prompt> /);
    shell.send("exit 5\n");
    expect(await shell.waitForExit()).toBe(5);
  });

  test("a reboot keeps the files and joins the mesh again", async () => {
    await using lab = await startLab({
      hosts: [
        { name: "hosta", os: "debian13" },
        { name: "hostb", os: "debian13" },
      ],
    });
    const host = lab.host("hosta");
    await host.writeFile("/etc/kept", "kept");
    await host.writeFile("/usr/local/kept", "kept");
    const bootId = await host.readFile("/proc/sys/kernel/random/boot_id");
    await lab.reboot(host);
    expect(await host.readFile("/etc/kept")).toBe("kept");
    expect(await host.readFile("/usr/local/kept")).toBe("kept");
    // nspawn gives each boot of a container an id of its own.
    expect(await host.readFile("/proc/sys/kernel/random/boot_id")).not.toBe(bootId);
    await lab.host("hostb").run(["ping", "-6", "-c", "1", "-W", "5", lab.mesh("hosta").address]);
  });
});

describe("a lab leaves nothing behind", () => {
  test("when it is disposed of", async () => {
    let dir: string;
    {
      await using lab = await startLab({
        hosts: [{ name: "gone", os: "debian13" }],
      });
      dir = lab.dir;
      await lab.host("gone").run(["systemd-run", "--quiet", "sleep", "1000"]);
      // The looking works: a living lab is found.
      expect((await findLeftovers(dir)).length).toBeGreaterThan(3);
    }
    expect(await findLeftovers(dir)).toEqual([]);
  });

  test("when it fails on the way up", async () => {
    const parent = await mkdtemp("/var/tmp/lab-test-");
    const before = process.env.TMPDIR;
    process.env.TMPDIR = parent;
    try {
      const lab = startLab({
        hosts: [{ name: "gone", os: "debian13" }],
        mesh: false,
        mbctl: "/no/such/mbctl",
      });
      await lab.then(
        () => expect.unreachable(),
        (error: Error) =>
          expect(error.message).toBe(
            'Cannot install "/no/such/mbctl" in the lab: no such file; run make build',
          ),
      );
      expect(await readdir(parent)).toEqual([]);
    } finally {
      if (before === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = before;
      await rm(parent, { recursive: true });
    }
  });

  test.each(["SIGINT", "SIGTERM", "SIGKILL"] as const)(
    "when its process gets %s",
    async (signal) => {
      const { child, dir } = await startChildLab();
      child.kill(signal);
      await child.exited;
      await waitFor(async () => (await findLeftovers(dir)).length === 0, {
        what: "the lab of a killed process to be gone",
        explain: async () => (await findLeftovers(dir)).join("\n"),
      });
    },
  );

  test("when its process and its reaper are killed: the next lab sweeps", async () => {
    const { child, dir } = await startChildLab();
    const reaper = childrenOf(child.pid).find((pid) =>
      readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("reaper.sh"),
    );
    // 0 would be all of us.
    if (reaper === undefined) throw new Error("no reaper runs");
    process.kill(reaper, "SIGKILL");
    child.kill("SIGKILL");
    await child.exited;
    expect((await findLeftovers(dir)).join("\n")).toContain(dir);
    await waitFor(
      async () => {
        await sweep();
        return (await findLeftovers(dir)).length === 0;
      },
      {
        what: "the leftovers to be swept",
        explain: async () => (await findLeftovers(dir)).join("\n"),
      },
    );
  });
});

/** A lab in a process of its own, for killing. */
async function startChildLab(): Promise<{
  child: Bun.Subprocess;
  dir: string;
}> {
  const script = `
    import { startLab } from ${JSON.stringify(join(import.meta.dir, "lab.ts"))};
    const lab = await startLab({ hosts: [{ name: "victim", os: "debian13" }], mesh: false });
    console.log(lab.dir);
    await lab.host("victim").run(["sleep", "1000"], { timeoutMs: 1e6 });`;
  const child = Bun.spawn([process.execPath, "-e", script], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const { value } = await child.stdout.getReader().read();
  const dir = new TextDecoder().decode(value).trim();
  expect(dir).toMatch(/\/mbctl-lab-/);
  return { child, dir };
}
