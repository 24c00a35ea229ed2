/** Connectors: commands of one machine, lent to another and to the host. psql and nginx -t are those of the README. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Host } from "../lab/host.ts";
import { debianBaseLayout, systemPackages } from "../lab/images/debian_base.ts";
import type { RealImage } from "../lab/images/real_images.ts";
import { realImageLayout } from "../lab/images/real_images.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { keys } from "../lab/pty.ts";
import { waitFor } from "../lab/wait_for.ts";
import { labTimeoutMs, mbctl, mbctlOut, testedHosts, testTimeoutMs } from "./_lab.ts";
import { installImages, pull } from "./_machines.ts";

setDefaultTimeout(testTimeoutMs);

const stays = ["sh", "-c", "while :; do sleep 1000 & wait $!; done"];

const images = {
  /** Lends; its user is not root. */
  tools: {
    config: { Entrypoint: stays, User: "app", WorkingDir: "/srv", Env: ["PATH=/bin", "OWN=its"] },
    files: [
      { path: "etc/passwd", content: "root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:\n" },
      { path: "srv", type: "dir" },
    ],
  },
  /** No C library. */
  box: { config: { Entrypoint: stays } },
  /** A static program and nothing else: no shell. */
  bare: { base: "bare", config: { Entrypoint: ["/bin/busybox", "sleep", "1000"] } },
  /** A program, lent in the place of being started. */
  echo: { config: { Entrypoint: ["/bin/echo", "says"], Cmd: ["nothing"] } },
} as const;

describe.each(testedHosts)("on %s", (os) => {
  let lab: Lab;
  let host: Host;

  beforeAll(async () => {
    lab = await startLab({ hosts: [{ name: "hosta", os }], mbctl: true });
    host = lab.host("hosta");
    await installImages(host, images);
    await pullReal("postgres", "db", [
      ...["--env=POSTGRES_PASSWORD=lab", "--mount=/var/lib/postgresql/data=data"],
      ...["--lend", "psql=/usr/lib/postgresql/15/bin/psql -U postgres"],
    ]);
    await pullReal("nginx", "proxy", ["--mode=connector", "--lend", "nginx"]);
    await pull(host, "tools", ["--lend", "sh", "--lend", "cat", "--start"]);
    await pullReal("nginx", "web", ["--connector=db", "--connector=proxy", "--connector=tools"]);
    await pull(host, "box", ["--connector=tools"]);
    await pull(host, "bare", ["--connector=tools"]);
    await mbctlOut(host, ["machines", "start", "db", "web", "box", "bare"]);
  }, labTimeoutMs);
  afterAll(async () => await lab?.[Symbol.asyncDispose](), labTimeoutMs);

  /** Makes a machine of a real image. */
  async function pullReal(image: RealImage, name: string, flags: readonly string[]) {
    await host.copyIn(await realImageLayout(image), `/srv/real/${image}`);
    await mbctlOut(host, ["machines", "pull", `oci:/srv/real/${image}:latest`, name, ...flags]);
  }
  /** Runs a command in a machine. */
  const inside = async (machine: string, words: readonly string[], stdin?: string) =>
    await mbctl(
      host,
      ["machines", "exec", machine, "--", ...words],
      stdin === undefined ? {} : { stdin },
    );
  const lent = "/connectors/tools/sh";
  const call = async (...words: string[]) => await mbctl(host, ["connector", "call", ...words]);
  const isActive = async (unit: string) =>
    (await host.run(["systemctl", "is-active", "--quiet", unit], { allowFailure: true }))
      .exitCode === 0;
  /** Processes of a machine whose command line has this in it. */
  const running = async (text: string) =>
    (await host.run(["pgrep", "-f", "--", text], { allowFailure: true })).stdout
      .split("\n")
      .filter(Boolean).length;

  test("psql is lent by the database to a web machine", async () => {
    const psql = async (...words: string[]) =>
      await inside("web", ["/connectors/db/psql", "-Atc", ...words]);
    await waitFor(async () => (await psql("select 1")).exitCode === 0, {
      what: "the database to answer",
    });
    expect(await psql("select current_user || 6 * 7")).toEqual({
      exitCode: 0,
      stdout: "postgres42\n",
      stderr: "",
    });
    expect(await inside("web", ["/connectors/db/psql", "-At"], "select 40 + 2;\n")).toMatchObject({
      exitCode: 0,
      stdout: "42\n",
    });
    // The words that are lent stay in front, and the program's own errors are told.
    expect((await psql("select nothing")).exitCode).toBe(1);
    const shown = await inside("web", ["sh", "-c", "echo $MBCTL_CONNECTOR_DIR"]);
    expect(shown.stdout).toBe("/connectors\n");
  });

  test("nginx -t of a machine that runs no nginx, which is started by the first call", async () => {
    expect(await isActive("systemd-nspawn@proxy.service")).toBe(false);
    // It opens /dev/stderr by that name, which nobody can do with a socket, as our own standard output is one.
    const piped = (command: string) => ["sh", "-c", `{ ${command}; echo "code $?"; } 2>&1 | cat`];
    const ok = "nginx: configuration file /etc/nginx/nginx.conf test is successful\ncode 0\n";
    const said = await host.run(piped("mbctl connector call proxy nginx -- -t"));
    expect(said.stdout).toEndWith(ok);
    expect(await isActive("systemd-nspawn@proxy.service")).toBe(true);
    expect((await inside("web", piped("/connectors/proxy/nginx -t"))).stdout).toEndWith(ok);
    expect((await inside("web", ["/connectors/proxy/nginx", "-t", "-c", "/none"])).exitCode).toBe(
      1,
    );
    expect(await running("nginx: master")).toBe(1);
    // Only what is lent.
    expect(await call("proxy", "sh")).toMatchObject({
      exitCode: 127,
      stderr: 'Cannot run "sh" in "proxy": it does not lend this command\nhint: it lends nginx\n',
    });
    expect((await mbctl(host, ["machines", "stop", "proxy"])).exitCode).toBe(0);
  });

  test("a machine of mode connector lends its Entrypoint; who calls may replace its Cmd", async () => {
    await pull(host, "echo", ["--mode=connector"]);
    expect((await call("echo", "echo")).stdout).toBe("says nothing\n");
    expect((await call("echo", "echo", "one", "two words")).stdout).toBe("says one two words\n");
    await mbctlOut(host, ["machines", "remove", "echo", "--stop", "--yes"]);
  });

  test("images of any C library call: glibc, none, a static program without a shell", async () => {
    for (const machine of ["web", "box", "bare"]) {
      expect(
        await inside(machine, [lent, "-c", 'echo "$(id -u):$(pwd):$OWN"; echo err >&2; exit 7']),
      ).toEqual({ exitCode: 7, stdout: "1000:/srv:its\n", stderr: "err\n" });
    }
    const bytes = "through\0\r\n\xff";
    expect((await inside("box", ["/connectors/tools/cat"], bytes)).stdout).toBe(bytes);
    expect((await inside("box", [lent, "-c", "kill -9 $$"])).exitCode).toBe(137);
    expect((await inside("box", [lent, "-c", "kill -15 $$"])).exitCode).toBe(143);
    const words = ["a b", "", "$HOME", "`id`", "it's", '"', "\\", "new\nline", "-n", "ü"];
    const printf = await inside("bare", [lent, "-c", 'printf "%s|" "$@"', "sh", ...words]);
    expect(printf.stdout).toBe(`${words.join("|")}|`);
  });

  test("neither environment nor folder of the caller is passed on, and no descriptor of the server", async () => {
    const { stdout } = await inside("box", [
      ...["sh", "-c", `cd /tmp; SECRET=x LD_PRELOAD=/x ${lent} -c 'env; pwd; ls /proc/self/fd'`],
    ]);
    expect(stdout).not.toMatch(/SECRET|LD_|CONNECTOR/);
    // ls has the folder open.
    expect(stdout).toMatch(/\n\/srv\n0\n1\n2\n3\n$/);
    // In the client's tree is the mount point, and nothing else.
    const { stdout: found } = await host.sh("find /var/lib/man8machines/box/connectors");
    expect(found).toBe("/var/lib/man8machines/box/connectors\n");
    const written = await inside("box", [
      "sh",
      "-c",
      "echo x >/connectors/tools/sh; mount -o remount,rw /connectors",
    ]);
    expect(written.exitCode).not.toBe(0);
    expect(written.stderr).toContain("Read-only file system");
  });

  test.each([
    ["a machine", ["machines", "shell", "box", "--", lent], "connector-client"],
    ["the host", ["connector", "call", "tools", "sh", "--"], "connector call tools"],
  ] as const)(
    "from %s a terminal is the command's own: size, changes of it, Ctrl-C",
    async (_, words, name) => {
      const script = `tty; stty size; trap 'echo got' INT
      until [ "$(stty size)" = "20 70" ]; do sleep 0.05; done; echo sized; read x; echo end`;
      await using pty = host.pty(["mbctl", ...words, "-c", script], { cols: 91, rows: 33 });
      await pty.waitFor(/\/dev\/pts\/\d+/);
      await pty.waitFor(/33 91/);
      // script(1), which made this terminal, does not pass on the size of the one outside.
      const terminal = `$(readlink /proc/$(pgrep -nf "^[^ ]*mbctl.*${name}")/fd/0)`;
      await host.sh(`stty -F ${terminal} rows 20 cols 70`);
      await pty.waitFor(/sized/);
      pty.send(keys.ctrlC);
      await pty.waitFor(/got/);
      pty.send(keys.enter);
      await pty.waitFor(/end/);
      expect(await pty.waitForExit()).toBe(0);
    },
  );

  test("a command ends with who called it, by force after the grace time", async () => {
    await using calls = host.start([
      ...["mbctl", "machines", "exec", "box", "--", lent, "-c"],
      "trap '' HUP TERM INT; echo in; while :; do sleep 0.731; done",
    ]);
    await waitFor(() => calls.stdout().includes("in"), { what: "the command" });
    await host.run(["pkill", "-KILL", "-f", "connector-client /connectors/tools"]);
    await waitFor(async () => (await running("sleep 0.731")) === 0, {
      what: "the command to be ended",
    });
  });

  test("fifty call at once, and the server has the descriptors that it had", async () => {
    const descriptors = async () =>
      Number(
        (
          await host.sh(
            "ls /proc/$(systemctl show -P MainPID mbctl-connector_web_tools)/fd | wc -l",
          )
        ).stdout,
      );
    expect((await inside("web", [lent, "-c", "true"])).exitCode).toBe(0);
    const before = await descriptors();
    const many = `for n in $(seq 50); do ${lent} -c "sleep 0.3; echo $n" & done; wait`;
    const { stdout } = await inside("web", ["sh", "-c", many]);
    expect(
      stdout
        .trim()
        .split("\n")
        .map(Number)
        .sort((a, b) => a - b),
    ).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
    // The one call before may not have been wholly over; and what a command leaves may take the grace time.
    const hasNoMore = async () => (await descriptors()) <= before;
    const list = "ls -l /proc/$(systemctl show -P MainPID mbctl-connector_web_tools)/fd";
    await waitFor(hasNoMore, {
      what: `${before} descriptors again`,
      explain: async () => (await host.sh(list)).stdout,
    });
    // Who connects and goes.
    const socket = "/var/lib/mbctl/connectors/_host_/tools/.socket";
    await call("tools", "sh", "--", "-c", "true");
    const { stdout: answers } = await host.sh(
      `curl -s --http0.9 -m 30 --unix-socket ${socket} "http://x/[1-500]" || true`,
    );
    expect(answers.split("exit_code").length).toBe(501);
    expect((await call("tools", "sh", "--", "-c", "exit 3")).exitCode).toBe(3);
    // Of whatever it has open nothing would be a command's.
    const { stdout: open } = await host.sh(
      "cd /proc/$(systemctl show -P MainPID mbctl-connector__host__tools)/fdinfo && ls | sort -n | sed 1,3d | while read n; do sed -n 's/^flags:\\t//p' $n; done; true",
    );
    const flags = open.split("\n").filter(Boolean);
    expect(flags.length).toBeGreaterThan(1);
    expect(flags.filter((text) => (Number.parseInt(text, 8) & 0o2000000) === 0)).toEqual([]);
  });

  test("nobody but the machine that was given it can connect", async () => {
    await pull(host, "stranger", ["--start"], "box");
    const guess = await inside("stranger", ["ls", "/connectors"]);
    expect(guess.stderr).toContain("No such file");
    // As if it had found a way to the socket.
    const socket = "/var/lib/mbctl/connectors/box/tools/.socket";
    const client = `exec mbctl --mbctl-internal=connector-client ${socket} sh -c id`;
    const script = `echo $$ >/sys/fs/cgroup/machine.slice/systemd-nspawn@stranger.service/payload/cgroup.procs; ${client}`;
    const refused = {
      exitCode: 125,
      stdout: "",
      stderr: "Cannot use this connector: it is not given to whoever connected\n",
    };
    expect(await host.run(["sh", "-c", script], { allowFailure: true })).toEqual(refused);
    expect(await host.run(["sh", "-c", client], { allowFailure: true })).toEqual(refused);
    // The host's users do not get that far.
    const nobody = [
      ...["setpriv", "--reuid=65534", "--clear-groups"],
      ...["ls", "/var/lib/mbctl/connectors"],
    ];
    expect((await host.run(nobody, { allowFailure: true })).stderr).toContain("Permission denied");
  });

  test("connectors come and go while a machine runs, but for its first one", async () => {
    const connector = async (...words: string[]) => await mbctl(host, ["connector", ...words]);
    const toml = "/var/lib/man8machine_configs/box/machine.toml";
    await host.sh(`sed -i '1i # a note' ${toml} && mbctl machines apply box`);
    expect((await connector("add", "box", "db")).stderr).toBe("");
    expect((await inside("box", ["/connectors/db/psql", "-Atc", "select 5"])).stdout).toBe("5\n");
    await using cut = host.start([
      ...["mbctl", "machines", "exec", "box", "--", lent, "-c", "echo in; sleep 98.7"],
    ]);
    await waitFor(() => cut.stdout().includes("in"), { what: "the command" });
    expect((await connector("remove", "box", "tools")).exitCode).toBe(0);
    expect((await cut.exited).exitCode).not.toBe(0);
    await waitFor(async () => (await running("sleep 98.7")) === 0, { what: "the command's end" });
    expect((await inside("box", ["ls", "/connectors"])).stdout).toBe("db\n");
    const { stdout: text } = await host.sh(`cat ${toml}`);
    expect(text).toStartWith("# a note\n");
    expect(text).toContain('connectors = ["db"]\n');
    // Without any it still has its folder: one that comes then counts at once too.
    await connector("remove", "box", "db");
    expect((await connector("add", "box", "tools")).stderr).toBe("");
    expect((await inside("box", [lent, "-c", "exit 3"])).exitCode).toBe(3);
    expect((await connector("add", "stranger", "tools")).stderr).toContain("from its next start");
    await mbctlOut(host, ["machines", "restart", "stranger"]);
    expect((await inside("stranger", [lent, "-c", "exit 4"])).exitCode).toBe(4);
  });

  test("a program that is lent and not there is said when it is declared, and not found when it is called", async () => {
    const words = ["oci:/srv/images:box", "early", "--lend=there=busybox", "--lend=gone=/none -x"];
    const pulled = await mbctl(host, ["machines", "pull", ...words]);
    expect(pulled.stderr).toContain('it lends gone, and has no program "/none": calls end with');
    expect((await call("early", "gone")).exitCode).toBe(127);
    await host.sh("sed -i s,/none,/gone, /var/lib/man8machine_configs/early/machine.toml");
    const { stderr } = await mbctl(host, ["machines", "apply", "early"]);
    expect(stderr).toContain('it lends gone, and has no program "/gone"');
    await mbctlOut(host, ["machines", "remove", "early", "--stop", "--yes"]);
  });

  test("what cannot be is refused, and says why", async () => {
    const refusals: readonly (readonly [
      words: readonly string[],
      exitCode: number,
      said: string,
    ])[] = [
      [["connector", "add", "web", "nobody"], 2, "there is no such machine"],
      [["connector", "add", "tools", "tools"], 2, "it is the machine itself"],
      [["connector", "add", "tools", "box"], 4, "it lends no command"],
      [["connector", "remove", "bare", "db"], 2, "it has no such connector"],
      [["connector", "call", "box", "sh"], 4, "it lends none"],
      [["machines", "remove", "tools", "--stop", "--yes"], 4, 'its commands are lent to "bare"'],
      [
        ["machines", "pull", "oci:/srv/images:box", "new", "--connector=nobody"],
        2,
        "there is no such machine",
      ],
      [
        ["machines", "pull", "oci:/srv/images:box", "new", "--lend=a/b"],
        2,
        "is no name of a command",
      ],
    ];
    for (const [words, exitCode, said] of refusals) {
      const result = await mbctl(host, words);
      expect([words, result.exitCode, result.stderr]).toEqual([
        words,
        exitCode,
        expect.stringContaining(said),
      ]);
    }
    await mbctlOut(host, ["machines", "rename", "bare", "lender", "--yes"]);
    expect((await inside("lender", [lent, "-c", "exit 8"])).exitCode).toBe(8);
    await host.sh(`printf '\\n[lend]\\nbusybox = ["/bin/busybox"]\\n' >>/var/lib/man8machine_configs/lender/machine.toml
      mbctl machines apply lender`);
    const circle = await mbctl(host, ["connector", "add", "tools", "lender"]);
    expect([circle.exitCode, circle.stderr]).toEqual([2, expect.stringContaining("in a circle")]);
  });

  test("an application of a booted machine lends in its sandbox, and a booted machine calls", async () => {
    await host.copyIn(await debianBaseLayout("bookworm", systemPackages), "/srv/real/base");
    await mbctlOut(host, ["machines", "pull", "oci:/srv/real/base:latest", "base", "--mode=base"]);
    const made = [`oci:/srv/images:box`, "system", "--mode=connector", "--base=base"];
    await mbctlOut(host, [
      ...["machines", "pull", ...made, "--entrypoint=/bin/sh", "--lend", "sh", "--start"],
    ]);
    const script =
      "id -u; grep -E '^(CapEff|CapBnd|NoNew)' /proc/self/status; cat /proc/self/cgroup; exit 6";
    const inApp = await waitFor(
      async () => {
        const said = await call("system", "sh", "--", "-c", script);
        return said.exitCode === 6 && said;
      },
      { what: "the application" },
    );
    const leader = "/proc/$(pgrep -f '^busybox sleep 2147483647')/status";
    const { stdout: unit } = await host.sh(`grep -E '^(CapEff|CapBnd|NoNew)' ${leader}`);
    expect(unit).toMatch(/^CapEff:\s+0+[0-9a-f]{1,8}\n/);
    expect(inApp.stdout).toStartWith(`0\n${unit}`);
    // The first call starts the machine, and waits for the application.
    await mbctlOut(host, ["machines", "stop", "system"]);
    expect((await call("system", "sh", "--", "-c", "exit 9")).exitCode).toBe(9);
    expect(inApp.stdout).toMatch(/0::\/system.slice\/oci-images.service\/mbctl-connector[^\n]*\n$/);
    await mbctlOut(host, ["connector", "add", "base", "tools"]);
    await mbctlOut(host, ["machines", "start", "base"]);
    const words = ["systemd-run", "--wait", "--pipe", "-q", "sh", "-c"];
    const inBase = await waitFor(
      async () => {
        const said = await inside("base", [
          ...words,
          "exec $MBCTL_CONNECTOR_DIR/tools/sh -c 'id -u; exit 5'",
        ]);
        return said.exitCode === 5 && said;
      },
      { what: "the booted machine" },
    );
    expect(inBase.stdout).toBe("1000\n");
    await mbctlOut(host, ["machines", "stop", "base", "system"]);
  });

  test("a server leaves when nobody calls, and comes back; all of it outlasts the host's restart", async () => {
    const service = "mbctl-connector_web_proxy.service";
    await waitFor(async () => !(await isActive(service)), {
      timeoutMs: 60_000,
      what: "an idle server to leave",
    });
    expect((await inside("web", ["/connectors/proxy/nginx", "-v"])).exitCode).toBe(0);
    await mbctlOut(host, ["machines", "rename", "tools", "kit", "--yes"]);
    expect((await inside("web", ["/connectors/kit/sh", "-c", "exit 9"])).exitCode).toBe(9);
    await mbctlOut(host, ["machines", "enable", "web"]);
    await lab.reboot(host);
    expect(await isActive("systemd-nspawn@kit.service")).toBe(false);
    await waitFor(
      async () => (await inside("web", ["/connectors/kit/sh", "-c", "exit 9"])).exitCode === 9,
      { what: "the connector after a restart" },
    );
  });
});
