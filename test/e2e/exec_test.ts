/** `machines exec`: a command in a machine for scripts: streams, user, environment, signals, and nothing of it in the list of processes. */

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { waitFor } from "../lab/wait_for.ts";
import { mbctl, mbctlOut, testedHosts, testTimeoutMs } from "./_lab.ts";
import { hostWith, pull } from "./_machines.ts";

const secret = "s3cr3t-of-the-environment";

const images = {
  web: {
    config: {
      Entrypoint: ["sh", "-c", "while :; do sleep 1000 & wait $!; done"],
      Env: [
        "PATH=/bin",
        `SECRET=${secret}`,
        "my.var=dotted",
        `LD_SECRET=${secret}`,
        "IFS=x",
        "SPLIT=axb c",
      ],
      User: "app",
      WorkingDir: "/srv/app",
    },
    files: [
      { path: "etc/passwd", content: "root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:\n" },
      { path: "etc/group", content: "app:x:1001:\nextra:x:2000:app\nmore:x:2001:x,app\n" },
      { path: "srv/app", type: "dir" },
      { path: "srv/other dir", type: "dir" },
    ],
  },
  /** A program and nothing else: no shell, no passwd. */
  bare: {
    base: "bare",
    config: { Entrypoint: ["/bin/busybox", "sleep", "1000"] },
    files: [{ path: "app", type: "dir" }],
  },
} as const;

setDefaultTimeout(testTimeoutMs);

describe.each(testedHosts)("on %s", (os) => {
  const host = hostWith(os, images);

  /** A machine that runs. */
  async function start(name: string, image = name): Promise<void> {
    await pull(host(), name, ["--start"], image);
  }
  const exec = async (words: readonly string[], stdin?: string) =>
    await mbctl(
      host(),
      ["machines", "exec", "web", ...words],
      stdin === undefined ? {} : { stdin },
    );
  const out = async (...words: string[]) => (await exec(["--", ...words])).stdout;

  test("streams and exit code are the command's own, to the byte", async () => {
    await start("web");
    expect(await exec(["--", "sh", "-c", "echo out; echo err >&2; exit 7"])).toEqual({
      exitCode: 7,
      stdout: "out\n",
      stderr: "err\n",
    });
    expect((await exec(["--", "cat"], "through\0\r\n")).stdout).toBe("through\0\r\n");
    expect((await exec(["--", "cat"], "")).stdout).toBe("");
    expect((await exec(["--", "no-such-program"])).exitCode).toBe(127);
    expect((await exec(["--", "sh", "-c", "kill -9 $$"])).exitCode).toBe(137);
    const words = ["a b", "", "$HOME", "`id`", "it's", '"', "\\", "new\nline", "-n", "ü"];
    expect(await out("printf", "%s|", ...words)).toBe(`${words.join("|")}|`);
  });

  test("the command is the app's user with its groups, in its folder, with its environment", async () => {
    expect(await out("sh", "-c", 'echo "$(id -u):$(id -g):$(id -G)|$(pwd)|$SECRET|$HOME"')).toBe(
      `1000:1001:1001 2000 2001|/srv/app|${secret}|/home/app\n`,
    );
    const environment = (await out("cat", "/proc/self/environ")).split("\0");
    for (const entry of ["my.var=dotted", `LD_SECRET=${secret}`, "IFS=x", "SPLIT=axb c"]) {
      expect(environment).toContain(entry);
    }
    expect(environment.filter((entry) => /^(MBCTL|mbctl|PWD|SHLVL)/.test(entry))).toEqual([]);
    expect(await out("readlink", "/proc/self/fd/0")).not.toContain("pts");
  });

  test("--user, --env, --env-file and --workdir are podman's", async () => {
    const ids = async (user: string) =>
      (await exec(["--user", user, "--", "sh", "-c", 'echo "$(id -u):$(id -g):$(id -G):$HOME"']))
        .stdout;
    expect(await ids("root")).toBe("0:0:0:/root\n");
    expect(await ids("app")).toBe("1000:1001:1001 2000 2001:/home/app\n");
    expect(await ids("7:8")).toBe("7:8:8:/\n");
    expect((await exec(["--user", "nobody", "--", "id"])).exitCode).toBe(2);
    await host().sh("printf 'FROM_FILE=f\\n' >/root/vars");
    const result = await host().run([
      "env",
      "OWN=from the caller",
      ...["mbctl", "machines", "exec", "web", "--env-file", "/root/vars", "--env", "OWN"],
      ...["--env", "SET=a=b", "--env", "SECRET=", "--workdir", "/srv/other dir", "--"],
      ...["sh", "-c", 'echo "$OWN|$SET|$SECRET|$FROM_FILE|$(pwd)"'],
    ]);
    expect(result.stdout).toBe("from the caller|a=b||f|/srv/other dir\n");
    expect((await exec(["--workdir", "/no/such", "--", "true"])).exitCode).toBe(126);
  });

  test("no value of a variable is in the list of processes, on the host or in the machine", async () => {
    await using running = host().start([
      ...["mbctl", "machines", "exec", "web", "--", "sh", "-c", "echo in; cat"],
    ]);
    await waitFor(() => running.stdout().includes("in"), {
      what: "the command to run",
    });
    const { stdout } = await host().run(["ps", "-eo", "args"]);
    expect(stdout).toContain("nsenter");
    expect(stdout).not.toContain(secret);
    running.closeStdin();
    expect((await running.exited).exitCode).toBe(0);
  });

  test("a signal reaches the command, and its way to end is ours", async () => {
    for (const [signal, code] of [
      ["TERM", 143],
      ["HUP", 129],
      ["INT", 42],
    ] as const) {
      const script = "trap 'exit 42' INT; echo in; while :; do sleep 0.1; done";
      await using running = host().start([
        ...["mbctl", "machines", "exec", "web", "--", "sh", "-c", script],
      ]);
      await waitFor(() => running.stdout().includes("in"), {
        what: "the command to run",
      });
      await host().run(["pkill", `-${signal}`, "-f", "^mbctl machines exec web"]);
      expect((await running.exited).exitCode).toBe(code);
    }
    expect(await out("ps")).not.toContain("sleep 0.1");
  });

  test("a command is in the machine's cgroup and ends with it, and mbctl is not", async () => {
    await start("brief", "web");
    await using running = host().start([
      ...["mbctl", "machines", "exec", "brief", "--"],
      ...["sh", "-c", "cat /proc/self/cgroup; echo in; sleep 1000"],
    ]);
    await waitFor(() => running.stdout().includes("in\n"), {
      what: "the command to run",
    });
    expect(running.stdout()).toMatch(/^0::\/$/m);
    const unit = await host().run(["systemctl", "status", "systemd-nspawn@brief.service"]);
    expect(unit.stdout).toContain("sleep 1000");
    expect(unit.stdout).not.toContain("mbctl machines exec");
    await mbctlOut(host(), ["machines", "remove", "brief", "--stop", "--yes"]);
    expect((await running.exited).exitCode).toBeGreaterThan(128);
  });

  test("what a command inherits is not what Bun ignores", async () => {
    const status = await out("cat", "/proc/self/status");
    // SIGPIPE and SIGXFSZ; what the test itself inherited is not ours.
    const ignored = BigInt(`0x${/^SigIgn:\s*(.*)$/m.exec(status)?.[1]}`);
    expect(ignored & ((1n << 12n) | (1n << 24n))).toBe(0n);
  });

  test("a command has the capabilities that the machine may have, and no others", async () => {
    for (const [name, drop] of [
      ["less", "MKNOD"],
      ["least", "ALL"],
    ] as const) {
      const toml = `schema = 1\nname = "${name}"\nimage = "oci:/srv/images:web"\n[capabilities]\ndrop = ["${drop}"]\n`;
      await host().writeFile(`/srv/${name}.toml`, toml);
      await mbctlOut(host(), ["machines", "apply", `/srv/${name}.toml`, "--start"]);
    }
    const script =
      "for p in 2 self; do grep CapBnd: /proc/$p/status; done; grep CapEff: /proc/self/status; grep NoNewPrivs: /proc/self/status; id -G";
    const run = async (name: string, ...options: string[]) =>
      await mbctl(host(), ["machines", "exec", name, ...options, "--", "sh", "-c", script]);
    const limits = async (name: string, ...options: string[]) => {
      const [bounds, own, effective, isKept, groups] = (await run(name, ...options)).stdout
        .trim()
        .split("\n")
        .map((line) => line.replace(/^\w+:\s*/, ""));
      const mknod = (BigInt(`0x${bounds}`) >> 27n) & 1n;
      return { isBounded: own === bounds, mknod, effective, bounds, isKept, groups };
    };
    const none = "0".repeat(16);
    expect(await limits("web")).toMatchObject({ isBounded: true, mknod: 1n, effective: none });
    const [less, lessRoot] = [await limits("less"), await limits("less", "--user", "root")];
    expect(less).toMatchObject({ isBounded: true, mknod: 0n, effective: none, isKept: "0" });
    expect(less.groups).toBe("1001 2000 2001");
    expect(lessRoot).toMatchObject({ isBounded: true, mknod: 0n, effective: lessRoot.bounds });
    // Its program, which is no root, may gain nothing either.
    const least = await limits("least", "--workdir", "/srv/other dir");
    expect(least).toMatchObject({ mknod: 0n, effective: none, isKept: "1" });
    expect(least.groups).toBe("1001 2000 2001");
    expect(await run("least", "--user", "root")).toMatchObject({
      exitCode: 4,
      stderr: expect.stringContaining("mbctl machines shell least -- sh -c"),
    });
    for (const name of ["less", "least"]) {
      await mbctlOut(host(), ["machines", "remove", name, "--stop", "--yes"]);
    }
  });

  test("an image without a shell or a passwd is entered all the same", async () => {
    await start("bare");
    const run = async (...words: string[]) =>
      (await mbctl(host(), ["machines", "exec", "bare", ...words])).stdout;
    expect(await run("--", "/bin/busybox", "echo", "hello")).toBe("hello\n");
    expect(await run("--user", "5:6", "--workdir", "/app", "--", "/bin/busybox", "id", "-u")).toBe(
      "5\n",
    );
  });

  test("a machine that lies about itself decides about the inside alone", async () => {
    const asRoot = async (script: string) =>
      expect((await exec(["--user", "root", "--", "sh", "-c", script])).exitCode).toBe(0);
    expect(
      (await exec(["--user", "root", "--", "stat", "-c", "%a", "/run/man8s-init/environment"]))
        .stdout,
    ).toBe("600\n");
    // What the init noted counts, not what the program made of its own memory.
    await asRoot("printf 'NOTED=1\\0' >>/run/man8s-init/environment");
    expect(await out("sh", "-c", 'echo "$NOTED"')).toBe("1\n");
    // A file that is not the machine's, which it may not be able to read itself.
    const noted = "/run/man8s-init/environment";
    await asRoot(
      `mount -o bind /sys/devices/virtual/mem/null/uevent ${noted}; grep -q MAJOR ${noted}`,
    );
    expect(await out("cat", "/proc/self/environ")).not.toContain("MAJOR");
    await asRoot(`umount ${noted}`);
    await host().sh("printf 'FROM_THE_HOST=1\\0' >/root/environment");
    await asRoot("rm -r /run/man8s-init && ln -s /root /run/man8s-init");
    expect(await out("cat", "/proc/self/environ")).not.toContain("FROM_THE_HOST");
    await asRoot("rm /run/man8s-init; mkdir /run/man8s-init; mkfifo /run/man8s-init/identity");
    expect((await exec(["--", "id", "-u"])).stdout).toBe("1000\n");
    await asRoot("cd /run/man8s-init; rm identity; echo '0 0 99 x' >identity");
    expect((await exec(["--", "id", "-u"])).stdout).toBe("1000\n");
  });

  test("a command that cannot be is an error that says what to do", async () => {
    const failing = async (...words: string[]) =>
      (await mbctl(host(), ["machines", "exec", ...words])).stderr;
    expect(await failing("web")).toContain("mbctl machines shell web");
    expect(await failing("nobody", "--", "id")).toContain("there is no such machine");
    await mbctlOut(host(), ["machines", "stop", "bare"]);
    expect(await failing("bare", "--", "id")).toContain("mbctl machines start bare");
  });
});
