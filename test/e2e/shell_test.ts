/** `machines shell` and `machines logs`: a command in a machine behaves as it does on the host. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Host } from "../lab/host.ts";
import { makeBusyboxImage } from "../lab/images/busybox_image.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { keys } from "../lab/pty.ts";
import { waitFor } from "../lab/wait_for.ts";
import { labTimeoutMs, mbctl, mbctlOut, testedHosts, testTimeoutMs } from "./_lab.ts";

describe.each(testedHosts)("on %s", (os) => {
  let lab: Lab;
  let host: Host;

  beforeAll(async () => {
    lab = await startLab({ hosts: [{ name: "hosta", os }], mbctl: true });
    host = lab.host("hosta");
    const script = 'echo ready; echo "to stderr" >&2; while :; do sleep 1000 & wait $!; done';
    const config = {
      Entrypoint: ["sh", "-c", script],
      Env: ["PATH=/bin", "GREETING=it's $me"],
      WorkingDir: "/srv/app",
    };
    const web = await makeBusyboxImage(join(lab.dir, "web"), { config });
    await host.copyIn(web.dir, "/root/web");
    const bare = await makeBusyboxImage(join(lab.dir, "bare"), {
      isBare: true,
      config: { Entrypoint: ["/bin/busybox", "sleep", "1000"] },
    });
    await host.copyIn(bare.dir, "/root/bare");
    await mbctlOut(host, ["machines", "pull", "oci:/root/web:latest", "web", "--start"]);
    await mbctlOut(host, ["machines", "pull", "oci:/root/bare:latest", "bare", "--start"]);
    await waitFor(
      async () => (await mbctlOut(host, ["machines", "logs", "web"])).includes("ready"),
      {
        what: "the machine to run",
      },
    );
  }, labTimeoutMs);

  afterAll(async () => await lab[Symbol.asyncDispose](), labTimeoutMs);

  const shell = async (...command: string[]) =>
    await mbctl(host, ["machines", "shell", "web", "--", ...command]);

  test("a command's output, input and exit code are its own", async () => {
    expect(await shell("sh", "-c", "echo out; echo err >&2; exit 7")).toEqual({
      exitCode: 7,
      stdout: "out\n",
      stderr: "err\n",
    });
    const { stdout } = await mbctl(host, ["machines", "shell", "web", "--", "cat"], {
      stdin: "through\n",
    });
    expect(stdout).toBe("through\n");
  });

  test("a command's words arrive as they were typed", async () => {
    const words = ["a b", "", "$HOME", "`id`", "it's", '"', "\\", "new\nline", "-n", "ü"];
    const { stdout } = await shell(
      "sh",
      "-c",
      'for word do printf "%s\\0" "$word"; done',
      "sh",
      ...words,
    );
    expect(stdout.split("\0").slice(0, -1)).toEqual(words);
  });

  test("a command that does not exist is an error of its own", async () => {
    expect((await shell("no-such-program")).exitCode).toBe(127);
  });

  test("a command has the machine's environment and working directory", async () => {
    const { stdout } = await shell(
      "sh",
      "-c",
      'echo "$GREETING|$PATH|$MAN8S_CONTAINER_NAME|$(pwd)"',
    );
    expect(stdout).toBe("it's $me|/bin|web|/srv/app\n");
  });

  test("a command is in every namespace of the machine, and in its cgroup", async () => {
    const links = "for n in cgroup ipc mnt net pid user uts; do readlink /proc/self/ns/$n; done";
    const inside = (await shell("sh", "-c", links)).stdout;
    expect(inside.trim().split("\n")).toHaveLength(7);
    const leader = (
      await host.run(["machinectl", "show", "web", "-p", "Leader", "--value"])
    ).stdout.trim();
    const app =
      (await host.sh('cat "/proc/$1/task/$1/children"', [leader])).stdout.trim().split(" ")[0] ??
      "";
    const expected = await host.sh(links.replaceAll("/proc/self", '"/proc/$1"'), [app]);
    expect(inside).toBe(expected.stdout);
    // The root of the machine's own cgroup namespace.
    expect((await shell("cat", "/proc/self/cgroup")).stdout).toMatch(/^0::\/$/m);
    // Root in the machine is not root on the host: what it may not do shows it.
    expect((await shell("cat", "/proc/self/uid_map")).stdout).not.toMatch(/^\s*0\s+0\s/);
  });

  test("a command has the machine's capabilities alone, also where these do not do for the entry", async () => {
    const expected = async (name: string) => {
      const script = `sed -n 's/^CapBnd:.//p' /proc/$(machinectl show "$1" -p Leader --value)/status`;
      const set = (await host.sh(script, [name])).stdout;
      return { exitCode: 0, stdout: `CapPrm:\t${set}CapEff:\t${set}CapBnd:\t${set}`, stderr: "" };
    };
    const inside = async (name: string) =>
      await mbctl(host, [
        ...["machines", "shell", name, "--"],
        ...["sh", "-c", "grep -E '^Cap(Prm|Eff|Bnd)' /proc/self/status"],
      ]);
    expect((await expected("web")).stdout).not.toContain("CapBnd:\t000001ffffffffff");
    expect(await inside("web")).toEqual(await expected("web"));
    // For the namespaces of a process of another user it takes SYS_PTRACE.
    const less = ["less", "--user=1000", "--cap-drop=SYS_PTRACE", "--cap-drop=MKNOD", "--start"];
    await mbctlOut(host, ["machines", "pull", "oci:/root/web:latest", ...less]);
    expect(await inside("less")).toEqual(await expected("less"));
    await using pty = host.pty(["mbctl", "machines", "shell", "less"]);
    await pty.waitFor(/# /);
    pty.send("stty size >/dev/null && echo tty$((6*7)); exit 3\r");
    await pty.waitFor(/tty42/);
    expect(await pty.exited).toBe(3);
    await mbctlOut(host, ["machines", "remove", "less", "--stop", "--yes"]);
  }, 60_000);

  test(
    "a variable of the machine's cannot load anything into nsenter on the host",
    async () => {
      const config = {
        Entrypoint: ["/bin/busybox", "sleep", "1000"],
        Env: [
          "PATH=/bin",
          "LD_DEBUG=files",
          "LD_DEBUG_OUTPUT=/root/escaped",
          "LD_LIBRARY_PATH=/opt/lib",
        ],
      };
      const evil = await makeBusyboxImage(join(lab.dir, "evil"), { config });
      await host.copyIn(evil.dir, "/root/evil");
      await mbctlOut(host, ["machines", "pull", "oci:/root/evil:latest", "evil", "--start"]);
      // At once after each start: the machine's init may still be at work, in any of its steps.
      const words = ["--", "sh", "-c", 'echo "$0 $LD_LIBRARY_PATH"'];
      for (let round = 0; round < 8; round++) {
        const result = await mbctl(host, ["machines", "shell", "evil", ...words]);
        expect(result).toEqual({ exitCode: 0, stdout: "/bin/sh /opt/lib\n", stderr: "" });
        await mbctlOut(host, ["machines", "restart", "evil"]);
      }
      expect((await host.sh("ls /root")).stdout).not.toMatch(/escaped/);
      await mbctlOut(host, ["machines", "remove", "evil", "--stop", "--yes"]);
    },
    testTimeoutMs,
  );

  test("a command ends with its machine", async () => {
    await mbctlOut(host, ["machines", "pull", "oci:/root/web:latest", "brief", "--start"]);
    const inside = host.start([
      "mbctl",
      "machines",
      "shell",
      "brief",
      "--",
      "sh",
      "-c",
      "echo in; sleep 1000",
    ]);
    await waitFor(() => inside.stdout().includes("in"), {
      what: "the command to run",
    });
    await mbctlOut(host, ["machines", "remove", "brief", "--stop", "--yes"]);
    expect((await inside.exited).exitCode).not.toBe(0);
  });

  test("an image without a shell is entered through man8s-init's busybox", async () => {
    await using pty = host.pty(["mbctl", "machines", "shell", "bare"]);
    await pty.waitFor(/# /);
    pty.send("echo $((6*7)); /bin/busybox hostname; exit 3\r");
    await pty.waitFor(/\n42\r\n/);
    await pty.waitFor(/bare/);
    expect(await pty.exited).toBe(3);
  });

  test(
    "a terminal has job control, and Ctrl-C goes to the command",
    async () => {
      await using pty = host.pty(["mbctl", "machines", "shell", "web"]);
      await pty.waitFor(/# /);
      pty.send("sleep 1000\r");
      await pty.waitFor(/sleep 1000/);
      // The shell must have handed the terminal over before the key is pressed.
      await waitFor(
        async () =>
          (await mbctl(host, ["machines", "shell", "web", "--", "ps"])).stdout.match(
            /sleep 1000$/gm,
          )?.length === 2,
        {
          what: "sleep to run",
        },
      );
      pty.send(keys.ctrlC);
      await pty.waitFor(/# /);
      pty.send("echo code $?\r");
      await pty.waitFor(/code 130/);
      pty.send("sleep 999\r");
      await waitFor(
        async () =>
          (await mbctl(host, ["machines", "shell", "web", "--", "ps"])).stdout.includes(
            "sleep 999",
          ),
        {
          what: "sleep to run",
        },
      );
      pty.send(keys.ctrlZ);
      await pty.waitFor(/# /);
      pty.send("jobs\r");
      await pty.waitFor(/Stopped/);
      // The first may be answered with "You have stopped jobs."
      pty.send("kill -9 %1; wait\rexit 5\rexit 5\r");
      expect(await pty.exited).toBe(5);
    },
    testTimeoutMs,
  );

  test("--network-only runs the host's program in the machine's network", async () => {
    const { stdout } = await mbctl(host, [
      "machines",
      "shell",
      "web",
      "--network-only",
      "--",
      "ip",
      "-o",
      "-6",
      "addr",
    ]);
    expect(stdout).toMatch(
      new RegExp(`host0 .*${await mbctlOut(host, ["address", "get", "web"])}/64`),
    );
    const { stdout: files } = await mbctl(host, [
      "machines",
      "shell",
      "web",
      "--network-only",
      "--",
      "cat",
      "/etc/hostname",
    ]);
    expect(files).toBe("hosta\n");
  });

  test("a machine that does not run cannot be entered", async () => {
    await mbctlOut(host, ["machines", "pull", "oci:/root/web:latest", "idle"]);
    expect(await mbctl(host, ["machines", "shell", "idle", "--", "true"])).toEqual({
      exitCode: 4,
      stdout: "",
      stderr:
        'mbctl: Cannot enter the machine "idle": it does not run\nhint: mbctl machines start idle\n',
    });
    await mbctlOut(host, ["machines", "remove", "idle", "--yes"]);
  });

  test("logs has what the program wrote, the last lines, JSON, and what follows", async () => {
    const all = await mbctlOut(host, ["machines", "logs", "web"]);
    expect(all).toMatch(/: ready\n/);
    expect(all).toMatch(/: to stderr(\n|$)/);
    expect((await mbctlOut(host, ["machines", "logs", "web", "-n", "1"])).split("\n")).toHaveLength(
      1,
    );
    const entries = (await mbctlOut(host, ["machines", "logs", "web", "--json"]))
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(entries.some((entry) => entry.MESSAGE === "ready")).toBe(true);

    const following = host.start(["mbctl", "machines", "logs", "web", "-f", "-n", "0"]);
    await following.pid();
    await waitFor(
      async () => {
        await shell("sh", "-c", "echo a new line >/dev/console");
        return following.stdout().includes("a new line");
      },
      { what: "logs -f to follow" },
    );
    await following[Symbol.asyncDispose]();
  });
});
