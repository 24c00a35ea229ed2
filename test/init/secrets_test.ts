/** Secrets in the whole init, as root in namespaces of its own: what the host has bound becomes files and variables of the app's user. */
import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, copyFileSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { BUSYBOX, InitRoot, type RunResult, run } from "./init_root.ts";

const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";
const MOUNTS = `set -e
mount --make-rprivate /
cd "$1"
mount --bind . .
cd "$1"
mount -t proc proc proc
mount -t tmpfs -o mode=755 tmpfs run
[ ! -e values ] || { mkdir -p run/host/mbctl-secrets; mount --bind values run/host/mbctl-secrets; }
exec chroot . /man8s-init/busybox sh -c 'exec /man8s-init/busybox env -i PATH=/bin /man8s-init/00-init.sh'`;

const canMount =
  run(["unshare", "-mp", "-f", "mount", "--make-rprivate", "/"], { env: { PATH }, cwd: "/" })
    .code === 0;

const root = new InitRoot();
chmodSync(root.path, 0o755);
for (const path of ["proc", "run", "tmp", "bin"]) mkdirSync(root.at(path));
rmSync(root.at("/man8s-init/busybox"));
copyFileSync(BUSYBOX, root.at("/man8s-init/busybox"));
for (const name of ["sh", "cat", "ls", "stat", "od", "printenv", "grep"]) {
  symlinkSync("../man8s-init/busybox", root.at(`/bin/${name}`));
}
afterAll(() => root[Symbol.dispose]());

/** Starts a machine whose host has bound these values; `secrets` is what man8env.env says of them. */
function boot(
  values: Readonly<Record<string, string | Uint8Array>> | undefined,
  secrets: string,
  script: string,
): RunResult {
  rmSync(root.at("values"), { recursive: true, force: true });
  for (const [name, value] of Object.entries(values ?? {})) root.write(`values/${name}`, value);
  root.write("script", script);
  root.write(
    "man8env.env",
    `MAN8S_APPLICATION_USER=100:101\nMAN8S_APPLICATION_ARGS=/bin/sh /script\n${secrets}`,
  );
  const words = ["unshare", "-mpf", "sh", "-c", MOUNTS, "sh", root.path];
  return run(words, { env: { PATH }, cwd: "/" });
}

/** A binary value; a text with a line break inside and at its end. */
const values = { "tls.key": new Uint8Array([0, 255, 10, 0]), db: "two\nlines\n" };

describe.skipIf(!canMount)("secrets", () => {
  test("are files of the app's user, or of the owner and mode that were asked for", () => {
    const { code, stdout, stderr } = boot(
      values,
      "MAN8S_SECRETS=db:0400:::: tls.key:0440:7:101::\n",
      "cd /run/secrets; stat -c '%n %a %u:%g' . db tls.key; cat db; od -An -tu1 tls.key",
    );
    expect([code, stderr]).toEqual([0, expect.stringContaining("starting /bin/sh as 100:101")]);
    expect(stdout).toBe(
      ". 755 0:0\ndb 400 100:101\ntls.key 440 7:101\ntwo\nlines\n   0 255  10   0\n",
    );
  });

  test("become variables: the path, and the value to its last line break", () => {
    const { stdout } = boot(
      values,
      "DB=of the file\nMAN8S_SECRETS=db:0400:::DB_FILE:DB tls.key:0400::::\n",
      'printf "<%s>" "$DB_FILE" "$DB" "${MAN8S_SECRETS-none}"; grep -z "^DB=" /proc/$$/environ | od -An -c',
    );
    const environ = "   D   B   =   t   w   o  \\n   l   i   n   e   s  \\n  \\0";
    expect(stdout).toBe(`</run/secrets/db><two\nlines\n><none>${environ}\n`);
  });

  test("lie nowhere else: the place where the host bound them is hidden", () => {
    const { stdout } = boot(
      values,
      "MAN8S_SECRETS=db:0400::::\n",
      "stat -c '%a %u' /run/host/mbctl-secrets; ls /run/host/mbctl-secrets 2>&1; cat /proc/1/cmdline | grep -c lines",
    );
    expect(stdout).toBe("700 0\nls: can't open '/run/host/mbctl-secrets': Permission denied\n0\n");
  });

  test.each([
    ["was not bound", undefined, "db:0400::::", "the host has bound none"],
    ["is missing", { other: "x" }, "db:0400::::", 'Cannot place the secret "db"'],
    ["has an owner that cannot be", values, "db:0400:4294967295:0::", "no owner 4294967295:0"],
    ["goes into the shell's own variable", values, "db:0400::::IFS", 'the variable "IFS"'],
  ])("end the start when one %s", (_what, bound, secrets, message) => {
    const { code, stdout, stderr } = boot(bound, `MAN8S_SECRETS=${secrets}\n`, "echo started");
    expect([code, stdout]).toEqual([125, ""]);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain("lines");
  });
});
