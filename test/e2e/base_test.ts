/**
 * Whole systems, on every systemd: made of a distribution and of an image, booted, reached, worked in, over a boot of the
 * host, and gone again.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { DebianMirror } from "../lab/debian_mirror.ts";
import { shellWord } from "../lab/enter.ts";
import type { Host } from "../lab/host.ts";
import type { HostOs } from "../lab/host_image.ts";
import { debianBaseLayout, type DebianRelease } from "../lab/images/debian_base.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { keys } from "../lab/pty.ts";
import { Registry } from "../lab/registry.ts";
import { waitFor } from "../lab/wait_for.ts";
import {
  labTimeoutMs,
  mbctl,
  mbctlOut,
  testedHosts,
  testTimeoutMs,
  tracesOfMachines,
} from "./_lab.ts";
import { property } from "./_health.ts";
import { treePath } from "./_machines.ts";

/** Each host makes one release by mmdebstrap, and the other of an image. */
const releases: Readonly<Record<HostOs, readonly [made: DebianRelease, pulled: DebianRelease]>> = {
  debian12: ["bookworm", "trixie"],
  debian13: ["trixie", "bookworm"],
  sid: ["bookworm", "trixie"],
};

/** A web server of systemd's own: a socket, and a shell for each connection. */
const webUnits = `cat >/etc/systemd/system/web.socket <<END
[Socket]
ListenStream=80
Accept=yes
[Install]
WantedBy=sockets.target
END
cat >/etc/systemd/system/web@.service <<'END'
[Service]
StandardInput=socket
ExecStart=/bin/sh -c 'read -r line; printf "HTTP/1.0 200 OK\\\\r\\\\n\\\\r\\\\n%%s" "$(hostname)"'
END
systemctl daemon-reload
systemctl enable --quiet --now web.socket`;

describe.each(testedHosts)("whole systems on %s", (os) => {
  let lab: Lab;
  let mirror: DebianMirror;
  let host: Host;
  let other: Host;
  const [made, pulled] = releases[os];

  const inMachine = async (name: string, script: string, ...words: string[]) =>
    await mbctlOut(host, ["machines", "exec", name, "--", "sh", "-c", script, "sh", ...words]);
  const isHealthy = async (name: string) =>
    await mbctlOut(host, ["machines", "wait", name, "--condition", "healthy", "--timeout", "60s"]);
  const fetched = async (from: Host, url: string) =>
    (await from.run(["curl", "-s", "--max-time", "5", url], { allowFailure: true })).stdout;

  beforeAll(async () => {
    lab = await startLab({
      hosts: [
        { name: "hosta", os, packages: ["mmdebstrap"] },
        { name: "hostb", os },
      ],
      mbctl: true,
    });
    [host, other] = [lab.host("hosta"), lab.host("hostb")];
    mirror = await DebianMirror.start(host);
    const registry = await Registry.start(host);
    const layout = await debianBaseLayout(pulled);
    const { reference } = await registry.push(layout, "debian", { tag: pulled });
    const image = ["--tls-verify=false", "--mode", "base", "--publish", "8080:80"];
    const choice = ["--os", `debian:${made}`, "--mirror", mirror.url, "--user", "build:1234"];
    await Promise.all([
      mbctlOut(host, ["machines", "create", "Made", ...choice, "--start"], { timeoutMs: 240_000 }),
      mbctlOut(host, ["machines", "pull", reference, "Pulled", ...image, "--start"], {
        timeoutMs: 240_000,
      }),
    ]);
    await Promise.all(["Made", "Pulled"].map(isHealthy));
  }, labTimeoutMs);
  afterAll(async () => {
    await mirror?.[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
  }, labTimeoutMs);

  test.each([
    ["Made", made],
    ["Pulled", pulled],
  ] as const)(
    "%s is Debian, and runs with all of its units",
    async (name, release) => {
      expect(await inMachine(name, "systemctl is-system-running --wait")).toBe("running");
      expect(await inMachine(name, '. /etc/os-release; echo "$VERSION_CODENAME"')).toBe(release);
      expect(await inMachine(name, "hostname; systemctl --failed --no-legend")).toBe(name);
      const { stdout } = await host.run(["mbctl", "machines", "list", "--json"]);
      const { machines } = JSON.parse(stdout);
      const found = machines.find((machine: { name: string }) => machine.name === name);
      expect([found.state, found.health]).toEqual(["running", "healthy"]);
    },
    testTimeoutMs,
  );

  test(
    "other hosts reach it by its name, and by a port of its host; it has a way out and names",
    async () => {
      await Promise.all(["Made", "Pulled"].map((name) => inMachine(name, webUnits)));
      const document = await mbctlOut(host, ["address", "export"]);
      await mbctlOut(other, ["address", "import", "-", "--yes"], { stdin: document });
      for (const name of ["Made", "Pulled"]) {
        await waitFor(async () => (await fetched(other, `http://${name}.hosta/`)) === name, {
          what: `the page of ${name}`,
        });
      }
      expect(await fetched(host, "http://127.0.0.1:8080/")).toBe("Pulled");
      // From one to the other, by its own resolver.
      const ask = "getent ahostsv6 Pulled | head -n1 | cut -d' ' -f1";
      const { machines } = JSON.parse(await mbctlOut(host, ["machines", "list", "--json"]));
      const address = machines.find(({ name }: { name: string }) => name === "Pulled").address;
      expect(await inMachine("Made", ask)).toBe(address);
      expect(await inMachine("Pulled", "ip -4 -o route get 192.0.2.80 | grep -c host0")).toBe("1");
    },
    testTimeoutMs,
  );

  test(
    "shell is a login, also of the first user; a command in it has its own exit code",
    async () => {
      for (const [user, id] of [
        [undefined, "0"],
        ["build", "1234"],
      ] as const) {
        const flags = user === undefined ? [] : ["--user", user];
        await using pty = host.pty(["mbctl", "machines", "shell", "Made", ...flags]);
        await pty.waitFor(/[#$] /);
        pty.send('echo "id=$(id -u) session=$XDG_SESSION_ID tty=$(tty)"; exit\r');
        const [, found, session, tty] = await pty.waitFor(/id=(\d+) session=(\w+) tty=(\S+)/);
        expect([found, session !== "", tty?.startsWith("/dev/pts/")]).toEqual([id, true, true]);
        await pty.waitForExit();
      }
      const words = ["machines", "shell", "Made", "--", "sh", "-c", "exit 7"];
      expect((await mbctl(host, words)).exitCode).toBe(7);
      const nobody = await mbctl(host, [
        "machines",
        "shell",
        "Made",
        "--user",
        "build",
        "--",
        "id",
      ]);
      expect([nobody.exitCode, nobody.stderr]).toEqual([
        2,
        "mbctl: Cannot use --user with a command: it is for a login\nhint: mbctl machines exec Made --user build -- COMMAND\n",
      ]);
    },
    testTimeoutMs,
  );

  test(
    "keys and signals reach a command in it",
    async () => {
      const waits = ["machines", "shell", "Made", "--", "sh", "-c", "echo begun; exec sleep 100"];
      await using pty = host.pty(["bash", "--norc", "-i"]);
      pty.send(`mbctl ${waits.map(shellWord).join(" ")}\r`);
      await pty.waitFor(/^begun\r/m);
      pty.send(keys.ctrlZ);
      await pty.waitFor(/Stopped.*mbctl/);
      pty.send("fg\r");
      await pty.waitFor(/^mbctl 'machines'/m);
      pty.send(keys.ctrlC);
      pty.send('echo "code=$?"\r');
      await pty.waitFor(/^code=130\r/m);
      await using alone = host.start(["mbctl", ...waits]);
      await alone.waitForOutput(/begun/);
      await alone.kill("SIGINT");
      expect((await alone.exited).exitCode).toBe(130);
    },
    testTimeoutMs,
  );

  test(
    "exec, cp and logs work in it, running and stopped",
    async () => {
      const exec = (...words: string[]) => mbctl(host, ["machines", "exec", "Made", ...words]);
      expect(await exec("--", "sh", "-c", "echo out; echo err >&2; exit 9")).toEqual({
        exitCode: 9,
        stdout: "out\n",
        stderr: "err\n",
      });
      await inMachine("Made", "groupadd -f crew; usermod -aG crew build");
      const odd = ["--user", "build", "--workdir", "/srv", "-e", "LD_BIND_NOW=1"];
      expect(await exec(...odd, "--", "sh", "-c", "id -u; id -Gn; pwd; env | grep ^LD_")).toEqual({
        exitCode: 0,
        stdout: "1234\nbuild crew\n/srv\nLD_BIND_NOW=1\n",
        stderr: "",
      });
      await host.writeFile("/root/note", "from the host\n");
      await mbctlOut(host, ["machines", "cp", "/root/note", "Made:/oci/storage/note"]);
      await inMachine("Made", "logger -t tested 'a line of its own'; journalctl --sync");
      const logs = async () =>
        await mbctlOut(host, ["machines", "logs", "Made", "-g", "of its own"]);
      expect(await logs()).toContain("tested[");
      const console = ["machines", "logs", "Made", "--console", "-o", "cat"];
      expect(await mbctlOut(host, console)).toMatch(/Reached target.*multi-user/);

      const startMs = performance.now();
      await mbctlOut(host, ["machines", "stop", "Made"]);
      expect(performance.now() - startMs).toBeLessThan(10_000);
      // In order: its own systemd says so, and nothing was killed.
      expect(await mbctlOut(host, console)).toMatch(/(Halting|Powering off|Shutting down)/i);
      const unit = ["systemctl", "show", "-p", "Result", "--value", "systemd-nspawn@Made.service"];
      expect((await host.run(unit)).stdout).toBe("success\n");
      expect(await logs()).toContain("tested[");
      await mbctlOut(host, ["machines", "cp", "Made:/oci/storage/note", "/root/back"]);
      expect(await host.readFile("/root/back")).toBe("from the host\n");
      await mbctlOut(host, ["machines", "start", "Made"]);
      await isHealthy("Made");
      // Whoever is in it from outside neither stays for ever nor holds it up.
      const stay = "touch /run/here; exec sleep 600";
      await using left = host.start(["mbctl", "machines", "shell", "Made", "--", "sh", "-c", stay]);
      await waitFor(async () => (await inMachine("Made", "ls /run/here || true")) !== "", {
        what: "a command in Made",
      });
      const busyMs = performance.now();
      await mbctlOut(host, ["machines", "stop", "Made"]);
      expect(performance.now() - busyMs).toBeLessThan(10_000);
      await left.exited;
      await mbctlOut(host, ["machines", "start", "Made"]);
      await isHealthy("Made");
      const inside = (verb: string) => ["machines", verb, "Made", "--", "sh", "-c"];
      const machine = "systemd-nspawn@Made.service";
      // Of five starts in 10 s systemd takes the next one for a loop; 252 counts those twice that it makes itself.
      await host.run(["systemctl", "reset-failed", machine]);
      const pid = async () => await property(host, machine, "MainPID");
      const before = await pid();
      // Who is in it from outside does not hold up its own shutdown either.
      await using held = host.start(["mbctl", ...inside("exec"), "echo in; exec sleep 600"]);
      await held.waitForOutput(/in/);
      const rebootMs = performance.now();
      const reboot = [...inside("shell"), "systemctl reboot; exec sleep 600"];
      expect((await mbctl(host, reboot)).exitCode).toBeGreaterThan(128);
      await waitFor(async () => !["0", before].includes(await pid()), { what: "Made to reboot" });
      expect(performance.now() - rebootMs).toBeLessThan(10_000);
      expect((await held.exited).exitCode).toBeGreaterThan(128);
      await isHealthy("Made");
      await mbctlOut(host, ["machines", "stop", "Made"]);
      // A stop in the first moment of a start is heard, too.
      await host.run(["systemctl", "start", "systemd-nspawn@Made.service"]);
      const again = performance.now();
      await mbctlOut(host, ["machines", "stop", "Made"]);
      expect(performance.now() - again).toBeLessThan(15_000);
    },
    testTimeoutMs,
  );

  test(
    "what only a program can have, and an image, it refuses",
    async () => {
      const toml = "/var/lib/man8machine_configs/Made/machine.toml";
      const text = await host.readFile(toml);
      await host.writeFile(toml, text.replace("\n\n[image]", '\nargs = ["x"]\n\n[image]'));
      const apply = await mbctl(host, ["machines", "apply", "Made"]);
      expect([apply.exitCode, apply.stderr.split("\n")[0]]).toEqual([
        2,
        'mbctl: Cannot use args for "Made": it is a whole system (mode = "base"), and runs no program of its own',
      ]);
      await host.writeFile(toml, text);
      expect(await mbctlOut(host, ["machines", "apply", "Made"])).toBe("");
      const upgrade = await mbctl(host, ["machines", "upgrade", "Pulled"]);
      expect([upgrade.exitCode, upgrade.stderr.split("\n")[0]]).toEqual([
        4,
        'mbctl: Cannot upgrade "Pulled": it is a whole system, and upgrades itself',
      ]);
      expect((await mbctl(host, ["machines", "upgrade", "--all"])).exitCode).toBe(0);
    },
    testTimeoutMs,
  );

  test(
    "a link in its tree leads neither a new name nor a look at its journal to files of the host",
    async () => {
      // As its own root may leave them behind.
      const tree = treePath("Made");
      await host.sh(
        `echo kept >/etc/victim; ln -sf /etc/victim "$1/etc/hostname"
         host=/var/log/journal/$(cat /etc/machine-id); cd "$1/var/log/journal"
         for folder in *; do ln -s "$host/system.journal" "$folder/evil.journal"; done; ln -s "$host" evil`,
        [tree],
      );
      const about = ["-g", "Container Made", "-o", "cat"];
      expect(await mbctlOut(host, ["machines", "logs", "Made", "--console", ...about])).not.toBe(
        "",
      );
      expect((await mbctl(host, ["machines", "logs", "Made", "-n", "2000"])).stdout).not.toContain(
        "Container Made",
      );
      await mbctlOut(host, ["machines", "rename", "Made", "Other"]);
      expect(await host.readFile("/etc/victim")).toBe("kept\n");
      await mbctlOut(host, ["machines", "start", "Other"]);
      await isHealthy("Other");
      expect(await inMachine("Other", "hostname; cat /etc/hostname")).toBe("Other\nOther");
    },
    testTimeoutMs,
  );

  test(
    "enabled, it is back after a boot of its host, with what was started in it",
    async () => {
      await mbctlOut(host, ["machines", "enable", "Other"]);
      await lab.reboot(host);
      await isHealthy("Other");
      const { machines } = JSON.parse(await mbctlOut(host, ["machines", "list", "--json"]));
      const found = new Map(
        machines.map(({ name, ...machine }: { name: string }) => [name, machine]),
      ) as Map<string, { state: string; address: string }>;
      expect(found.get("Pulled")?.state).toBe("stopped");
      await waitFor(
        async () => (await fetched(other, `http://[${found.get("Other")?.address}]/`)) === "Other",
        { what: "the web server of Other" },
      );
    },
    testTimeoutMs,
  );

  test(
    "reset makes it anew of its image, while it runs; what was installed in it is in a snapshot alone",
    async () => {
      await mbctlOut(host, ["machines", "start", "Pulled"]);
      await inMachine("Pulled", "echo mine >/etc/mine; echo kept >/oci/storage/kept");
      const reset = ["machines", "reset", "Pulled", "--tls-verify=false"];
      const asked = await mbctl(host, reset);
      expect([asked.exitCode, asked.stderr]).toEqual([
        2,
        expect.stringMatching(
          /Make the whole system "Pulled" anew\? What was installed in it is in the snapshot before-reset-\w+ alone\./,
        ),
      ]);
      await mbctlOut(host, [...reset, "--yes"]);
      await isHealthy("Pulled");
      expect(await inMachine("Pulled", "ls /etc/mine 2>/dev/null; cat /oci/storage/kept")).toBe(
        "kept",
      );
    },
    testTimeoutMs,
  );

  test(
    "removed, it leaves nothing behind",
    async () => {
      for (const name of ["Other", "Pulled"]) {
        await mbctlOut(host, ["machines", "remove", name, "--stop", "--yes"]);
      }
      // The folder of all snapshots stays, empty; locks stay.
      const folder = "/.mbctl-snapshots";
      const traces = await tracesOfMachines(host);
      expect(traces.filter((path) => !path.endsWith(folder))).toEqual([]);
      const left = `set +e
        find /var/lib/man8machine* -mindepth 1 -not -name .mbctl-snapshots
        find /run/mbctl /var/lib/mbctl -name '*Other*' -o -name '*Pulled*' | grep -v /lock/
        machinectl list --no-legend; ip -o link | grep -o 'v[eb]-[A-Z][a-z]*'
        ls /var/log/journal | grep -v "$(cat /etc/machine-id)" || true`;
      expect((await host.sh(left)).stdout.trim()).toBe("");
    },
    testTimeoutMs,
  );
});
