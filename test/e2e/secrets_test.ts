/** Secrets on every systemd: they reach the app's user, and nobody and nothing else. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import type { Host } from "../lab/host.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { keys } from "../lab/pty.ts";
import { labTimeoutMs, mbctl, mbctlOut, testedHosts, testTimeoutMs } from "./_lab.ts";
import { setHealth, waitForHealth } from "./_health.ts";
import {
  type ImageRecipe,
  installImages,
  journalOf,
  marked,
  pull,
  treePath,
  unitOf,
  waitForMark,
} from "./_machines.ts";
import { accounts } from "./_users.ts";

/** The app tells how it finds its secrets, but not what they are: its output is in the journal. */
const tell = `cd /run/secrets; for file in *; do echo "@@$file $(stat -c '%a %u:%g' $file) $(sha256sum <$file)"; done
  echo "@@path $DB_FILE"; echo "@@value $(printf %s "$DB" | sha256sum)"; echo @@end; exec sleep 600`;
const images: Readonly<Record<string, ImageRecipe>> = {
  Vault: { files: accounts, config: { User: "app", Cmd: ["sh", "-c", tell] } },
};

/** What is searched for; it begins the value. */
const mark = `hidden-${randomBytes(12).toString("hex")}`;
/** Two lines, and a line break at the end: byte for byte. */
const value = `${mark}\nsecond "line" $HOME\n`;
const binary = randomBytes(300_000);
const hashOf = (bytes: string | Uint8Array) =>
  `${createHash("sha256").update(bytes).digest("hex")}  -`;

const folder = "/var/lib/man8machine_configs/Vault";

describe.each(testedHosts)("secrets on %s", (os) => {
  let lab: Lab;
  let host: Host;
  beforeAll(async () => {
    lab = await startLab({ hosts: [{ name: "hosta", os }], mbctl: true });
    host = lab.host("hosta");
    await installImages(host, images);
    await pull(host, "Vault");
  }, labTimeoutMs);
  afterAll(async () => await lab?.[Symbol.asyncDispose](), labTimeoutMs);

  const set = (words: readonly string[], stdin: string | Uint8Array) =>
    mbctl(host, ["secrets", "set", "Vault", ...words], { stdin });
  const list = async () =>
    JSON.parse(await mbctlOut(host, ["secrets", "list", "Vault", "--json"])).secrets as {
      name: string;
      state: string;
    }[];
  const states = async () =>
    Object.fromEntries((await list()).map(({ name, state }) => [name, state]));
  /** Starts the machine anew, and waits until its app has told all. */
  const told = async () => {
    await host.run(["journalctl", "--rotate", "--vacuum-time=1s"]);
    await mbctlOut(host, ["machines", "restart", "Vault"]);
    await waitForMark(host, "Vault", "end");
    return marked(await journalOf(host, "Vault"));
  };
  /** Files that hold the mark, below folders of the host. */
  const filesWithMark = async (...folders: string[]) => {
    const { stdout } = await host.run(["grep", "-rlsF", "--", mark, ...folders], {
      allowFailure: true,
    });
    return stdout.split("\n").filter((line) => line !== "");
  };

  test(
    "a secret reaches the app's user as a file, and as variables on request",
    async () => {
      await host.sh(`printf '# mine\\n' >>${folder}/machine.toml`);
      await mbctlOut(host, ["machines", "apply", "Vault"]);
      const variables = ["--file-variable", "DB_FILE", "--variable", "DB"];
      const result = await set(["db", ...variables, "-v"], value);
      expect([result.exitCode, result.stdout]).toEqual([0, ""]);
      expect(result.stderr).toContain("systemd-creds encrypt --name=db --with-key=auto - -");
      expect(result.stderr).not.toContain(mark);
      await host.writeFile("/root/key", binary, "0600");
      await mbctlOut(host, ["secrets", "set", "Vault", "key.bin", "--file", "/root/key"]);
      expect(await host.readFile(`${folder}/machine.toml`)).toEndWith(
        '# mine\n\n[[secrets]]\nname = "db"\nfile_variable = "DB_FILE"\nvariable = "DB"\n\n[[secrets]]\nname = "key.bin"\n',
      );
      expect(await told()).toEqual([
        `db 400 100:101 ${hashOf(value)}`,
        `key.bin 400 100:101 ${hashOf(binary)}`,
        "path /run/secrets/db",
        `value ${hashOf(value)}`,
        "end",
      ]);
    },
    testTimeoutMs,
  );

  test(
    "nobody else in the machine can read it, and where it came from is out of reach",
    async () => {
      const as = (user: string, ...words: string[]) =>
        mbctl(host, [
          ...["machines", "shell", "Vault", "--"],
          ...["/man8s-init/busybox", "nsenter", "-F", "-S", user, "-G", user, ...words],
        ]);
      const read = ["/man8s-init/busybox", "cat"];
      expect((await as("200", ...read, "/run/secrets/db")).stderr).toContain("Permission denied");
      expect((await as("100", ...read, "/run/secrets/db")).stdout).toBe(value);
      const source = await as("100", "/man8s-init/busybox", "ls", "/run/host/mbctl-secrets");
      expect(source.stderr).toContain("Permission denied");
    },
    testTimeoutMs,
  );

  test(
    "the value lies in memory alone: in no file, log, command line or answer",
    async () => {
      // The variables of a health check are those of the program.
      await setHealth(host, "Vault", `shell = '[ -n "$DB" ]'\ninterval = "1s"`);
      await mbctlOut(host, ["machines", "apply", "Vault"]);
      await waitForHealth(host, "Vault", "healthy");
      await host.run(["journalctl", "--flush", "--sync"]);
      expect(await filesWithMark("/etc", "/var", "/root", "/tmp", "/home")).toEqual([]);
      expect((await filesWithMark("/run")).sort()).toEqual([
        "/run/credentials/systemd-nspawn@Vault.service/db",
        "/run/mbctl/secrets/Vault/.probe",
        "/run/mbctl/secrets/Vault/db",
      ]);
      const answers = [
        ["systemctl", "show", unitOf("Vault")],
        ["systemctl", "cat", unitOf("Vault")],
        ["systemctl", "status", "-l", "--no-pager", "-n", "1000", unitOf("Vault")],
        ["journalctl", "-o", "json", "--all", "--no-pager"],
        ["sh", "-c", "cat /proc/[0-9]*/cmdline"],
        ["machinectl", "show", "Vault"],
        ["mbctl", "secrets", "list", "Vault"],
        ["mbctl", "secrets", "list", "Vault", "--json"],
        ["mbctl", "machines", "show", "Vault", "--json"],
        ["mbctl", "machines", "list", "--json"],
      ];
      for (const argv of answers) {
        const { stdout } = await host.run(argv, { allowFailure: true });
        expect([argv, stdout.includes(mark), stdout.length > 10]).toEqual([argv, false, true]);
      }
      // The folders that hold it are root's alone.
      const modes = await host.sh(
        `stat -c '%a %U' /run/mbctl/secrets ${folder}/.mbctl ${folder}/.mbctl/secrets/db.cred`,
      );
      expect(modes.stdout).toBe("700 root\n700 root\n600 root\n");
      // Also where nspawn has no chance to tidy up.
      await host.run(["systemctl", "kill", "--kill-whom=main", "--signal=KILL", unitOf("Vault")]);
      await host.run(["systemctl", "stop", unitOf("Vault")]);
      expect(await filesWithMark("/run", "/var", "/etc", "/tmp")).toEqual([]);
      expect(
        (await host.run(["grep", "-c", "secrets", "/proc/mounts"], { allowFailure: true })).stdout,
      ).toBe("0\n");
    },
    testTimeoutMs,
  );

  test(
    "a change counts from the next start, says so, and a question on a terminal shows nothing",
    async () => {
      await mbctlOut(host, ["machines", "start", "Vault"]);
      const changed = await set(["key.bin", "--owner", "200:101", "--mode", "440"], "short");
      expect([changed.exitCode, changed.stderr]).toEqual([
        0,
        '"Vault" runs: this counts from its next start\n',
      ]);
      await using pty = host.pty(["mbctl", "secrets", "set", "Vault", "typed"]);
      await pty.waitFor(/Value of typed/);
      pty.send(`unseen-word${keys.enter}`);
      expect(await pty.waitForExit()).toBe(0);
      expect(pty.output).not.toContain("unseen-word");
      const lines = await told();
      expect(lines).toContain(`key.bin 440 200:101 ${hashOf("short")}`);
      expect(lines).toContain(`typed 400 100:101 ${hashOf("unseen-word")}`);
      await mbctlOut(host, ["secrets", "remove", "Vault", "typed", "--yes"]);
      expect(Object.keys(await states())).toEqual(["db", "key.bin"]);
    },
    testTimeoutMs,
  );

  test.each([
    ["no value at all", ["x"], "", 2, "it is empty"],
    ["a value as an argument", ["x", "value"], "", 2, "value"],
    ["a name that is a path", ["../x"], "v", 2, 'Cannot call a secret "../x"'],
    ["a value that is too long", ["x"], "x".repeat(524_289), 2, "more than 524288"],
    ["a zero byte for a variable", ["x", "--variable", "X"], "a\0b", 2, "a zero byte"],
    ["a variable of the shell's", ["x", "--variable", "IFS"], "v", 2, "uses that name itself"],
  ] as const)("refuses %s", async (_what, words, stdin, exitCode, message) => {
    const result = await set(words, stdin);
    expect([result.exitCode, result.stderr]).toEqual([exitCode, expect.stringContaining(message)]);
    expect(Object.keys(await states())).toEqual(["db", "key.bin"]);
  });

  test(
    "a machine whose secret is missing or cannot be decrypted does not start, and mbctl says what to do",
    async () => {
      const file = `${folder}/.mbctl/secrets/db.cred`;
      const key = "/var/lib/systemd/credential.secret";
      const start = async () => {
        const { exitCode, stderr } = await mbctl(host, ["machines", "start", "Vault"]);
        return [exitCode, stderr] as const;
      };
      await mbctlOut(host, ["machines", "stop", "Vault"]);
      await host.run(["mv", file, "/root/db.cred"]);
      const [missing, hint] = await start();
      expect([missing, hint]).toEqual([4, expect.stringContaining('its secret "db" is not set')]);
      expect(hint).toContain("mbctl secrets set Vault db");
      expect((await states()).db).toBe("missing");
      const byHand = await host.run(["systemctl", "start", unitOf("Vault")], {
        allowFailure: true,
      });
      expect(byHand.stderr).toContain("Assertion failed");
      const check = await mbctl(host, ["host", "check", "Vault"]);
      expect([check.exitCode, check.stdout]).toEqual([3, expect.stringContaining("db is not set")]);
      const broken: readonly (readonly [how: string, script: string])[] = [
        ["damaged", `head -c 60 /root/db.cred >${file}`],
        ["of another name", `cp ${folder}/.mbctl/secrets/key.bin.cred ${file}`],
        ["of a key that is lost", `cp /root/db.cred ${file}; mv ${key} /root/key.secret`],
      ];
      for (const [how, script] of broken) {
        await host.sh(script);
        const [code, said] = await start();
        expect([how, code, said]).toEqual([how, 1, expect.stringContaining("refuses it")]);
        expect([how, (await states()).db]).toEqual([how, "unreadable"]);
      }
      await host.run(["mv", "/root/key.secret", key]);
      // An init that knows no secrets would start the program without them.
      const fragment = `${treePath("Vault")}/man8s-init/43-secrets.sh`;
      await host.run(["mv", fragment, "/root/43-secrets.sh"]);
      expect(await start()).toEqual([4, expect.stringContaining("mbctl oci man8init")]);
      await host.run(["mv", "/root/43-secrets.sh", fragment]);
      expect(await told()).toContain(`db 400 100:101 ${hashOf(value)}`);
    },
    testTimeoutMs,
  );

  test(
    "a machine that runs may be told to want a secret before it is set: it then says so, and nothing is stuck",
    async () => {
      await mbctlOut(host, ["machines", "start", "Vault"]);
      await host.sh(`printf '\n[[secrets]]\nname = "later"\n' >>${folder}/machine.toml`);
      const applied = await mbctl(host, ["machines", "apply", "Vault", "--yes"]);
      expect(applied.stderr).toContain("mbctl secrets set Vault later");
      expect((await states()).later).toBe("missing");
      expect((await set(["later"], "now")).exitCode).toBe(0);
      expect(await told()).toContain(`later 400 100:101 ${hashOf("now")}`);
      await mbctlOut(host, ["secrets", "remove", "Vault", "later", "--yes"]);
    },
    testTimeoutMs,
  );

  test(
    "a host without systemd-creds says so",
    async () => {
      const path = "/usr/bin/systemd-creds";
      await host.run(["mv", path, `${path}.away`]);
      const result = await set(["x"], "v");
      await host.run(["mv", `${path}.away`, path]);
      expect([result.exitCode, result.stderr]).toEqual([
        3,
        expect.stringContaining('Cannot find the program "systemd-creds"'),
      ]);
    },
    testTimeoutMs,
  );

  test(
    "a machine that is made anew of its configuration folder has them",
    async () => {
      await mbctlOut(host, ["machines", "stop", "Vault"]);
      const dropIns = `/etc/systemd/system/${unitOf("Vault")}.d`;
      await host.run(["rm", "-r", treePath("Vault"), "/var/lib/machines/Vault", dropIns]);
      await mbctlOut(host, ["machines", "rebuild", "Vault"]);
      expect(await told()).toContain(`value ${hashOf(value)}`);
    },
    testTimeoutMs,
  );

  test(
    "a host that boots anew still has them",
    async () => {
      await lab.reboot(host);
      expect(await states()).toEqual({ db: "set", "key.bin": "set" });
      expect(await told()).toContain(`value ${hashOf(value)}`);
    },
    labTimeoutMs,
  );
});
