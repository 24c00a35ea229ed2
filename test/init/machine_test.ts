/** The whole init as root in namespaces of its own, as far as they go without systemd: chroot, mounts, a change of user. */
import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  lchownSync,
  mkdirSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { BUSYBOX, InitRoot, type RunResult, run } from "./init_root.ts";

const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";
const MOUNTS = `set -e
mount --make-rprivate /
cd "$1"
mount --bind . .
cd "$1"
mount -t proc proc proc
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs tmpfs tmp
[ ! -e data ] || { mkdir tmp/volume run/host; mount --bind data tmp/volume; }
exec chroot . /man8s-init/busybox sh -c 'cd /work && exec /man8s-init/busybox env -i PATH=/bin HOME=/root /man8s-init/00-init.sh'`;

const canMount =
  run(["unshare", "-mp", "-f", "mount", "--make-rprivate", "/"], {
    env: { PATH },
    cwd: "/",
  }).code === 0;

const root = new InitRoot();
chmodSync(root.path, 0o755);
for (const path of ["proc", "run", "tmp", "dev", "work"]) mkdirSync(root.at(path));
rmSync(root.at("/man8s-init/busybox"));
copyFileSync(BUSYBOX, root.at("/man8s-init/busybox"));
mkdirSync(root.at("bin"));
for (const name of ["sh", "cat", "ls", "grep", "stat"]) {
  symlinkSync("../man8s-init/busybox", root.at(`/bin/${name}`));
}
symlinkSync("/proc/self/fd/1", root.at("/dev/stdout"));
root.write("/etc/passwd", "app:x:100:101::/srv:/bin/sh\n");
root.write("/etc/group", "a:x:5:app\nb:x:6:other\nc:x:7:x,app\n");
afterAll(() => root[Symbol.dispose]());

/** Boots a machine; its fd 1 is a pipe of root's, not the socket that Bun makes. */
function boot(args: string, env = ""): RunResult {
  root.write("/man8env.env", `${env}MAN8S_APPLICATION_ARGS=${args}\n`);
  const piped =
    '{ unshare -mpf sh -c "$1" sh "$2" 3>&-; echo $? >&3; } 3>"$2/code" | cat; read -r code <"$2/code"; exit "$code"';
  return run(["sh", "-c", piped, "sh", MOUNTS, root.path], {
    env: { PATH },
    cwd: "/",
  });
}

describe.skipIf(!canMount)("a machine", () => {
  const STATUS =
    'grep -E "^(Pid|PPid|Uid|Gid|Groups|SigBlk|SigIgn|CapEff|Umask):" /proc/self/status';
  // Signals 32 and 33 are the C library's own; bun may leave the first ignored in its children.
  const withoutLibrarySignals = (status: string) =>
    status.replace(/^(SigIgn:\t0{8})8(0{7})$/m, "$10$2");

  test("runs the app in place with the ids of its user and clean signals", () => {
    for (const [user, uid, gid, groups] of [
      ["app", "100", "101", "5 7 101 "],
      ["app:6", "100", "6", ""],
      ["4000", "4000", "0", ""],
      ["4000:4001", "4000", "4001", ""],
    ] as const) {
      const result = boot(STATUS, `MAN8S_APPLICATION_USER=${user}\n`);
      const ids = (id: string) => `${id}\t${id}\t${id}\t${id}`;
      const status = withoutLibrarySignals(result.stdout.trimEnd()).split("\n");
      expect([user, result.code, status]).toEqual([
        user,
        0,
        [
          "Umask:\t0022",
          "Pid:\t1",
          "PPid:\t0",
          `Uid:\t${ids(uid)}`,
          `Gid:\t${ids(gid)}`,
          `Groups:\t${groups === "" ? " " : groups}`,
          "SigBlk:\t0000000000000000",
          "SigIgn:\t0000000000000000",
          "CapEff:\t0000000000000000",
        ],
      ]);
    }
  });

  test("leaves no open file but 0, 1 and 2 to the app, whatever the user", () => {
    for (const user of ["", "app", "app:6"]) {
      const result = boot(`sh -c 'ls /proc/$$/fd; true'`, `MAN8S_APPLICATION_USER=${user}\n`);
      expect([user, result.stdout.trim().split("\n")]).toEqual([user, ["0", "1", "2"]]);
    }
  });

  test("lets an app that is not root open /dev/stdout, though the pipe is root's", () => {
    const result = boot(`sh -c 'echo hello >/dev/stdout'`, "MAN8S_APPLICATION_USER=app\n");
    expect([result.code, result.stdout]).toEqual([0, "hello\n"]);
  });

  test("carries arguments and the exit code through the change of user and groups", () => {
    const result = boot(
      `sh -c 'pwd; for a; do echo "[$a]"; done; exit 42' x 'a b' "" '$A'"$MAN8S_NEWLINE"`,
      "MAN8S_APPLICATION_USER=app\n",
    );
    expect([result.code, result.stdout]).toEqual([42, "/work\n[a b]\n[]\n[$A\n]\n"]);
  });

  test("carries the variables through the change of user and groups", () => {
    const result = boot(
      "cat /proc/self/environ",
      "MAN8S_APPLICATION_USER=app\nA=$(touch /pwned)\nmy.var=1\nIFS=,\n",
    );
    expect([result.code, result.stdout.split("\0").sort()]).toEqual([
      0,
      ["", "A=$(touch /pwned)", "HOME=/srv", "IFS=,", "PATH=/bin", "my.var=1"],
    ]);
  });

  test("reports a program that the user may not run, by the exit code", () => {
    root.write("/bin/private", "#!/bin/sh\n", 0o700);
    const result = boot("private", "MAN8S_APPLICATION_USER=app\n");
    expect(result.code).toBe(126);
  });

  test("finds what the image kept in /run and /tmp, and leaves volumes and nspawn's folder alone", () => {
    const kept = "/man8s-init/kept";
    root.write(`${kept}/run/app/pid file`, "1", 0o640);
    chownSync(root.at(`${kept}/run/app`), 100, 101);
    chownSync(root.at(`${kept}/run/app/pid file`), 100, 101);
    root.write(`${kept}/run/.hidden`, "h");
    root.write(`${kept}/run/..double`, "d");
    root.write(`${kept}/run/host/evil`, "e");
    symlinkSync("/etc", root.at(`${kept}/run/link`));
    lchownSync(root.at(`${kept}/run/link`), 100, 101);
    root.write(`${kept}/tmp/file`, "f", 0o600);
    root.write(`${kept}/tmp/volume/deleted`, "no");
    root.write("/data/users", "yes");
    const script = [
      "cd /",
      `stat -c "%n %a %u:%g %F" run/app "run/app/pid file" run/.hidden run/..double run/link tmp/file`,
      "cat run/.hidden tmp/file tmp/volume/users",
      "ls -A run/host tmp/volume",
    ].join("; ");
    const result = boot(`sh -c '${script}'`);
    expect([result.code, result.stdout.trimEnd().split("\n")]).toEqual([
      0,
      [
        "run/app 755 100:101 directory",
        "run/app/pid file 640 100:101 regular file",
        "run/.hidden 644 0:0 regular file",
        "run/..double 644 0:0 regular file",
        "run/link 777 100:101 symbolic link",
        "tmp/file 600 0:0 regular file",
        "hfyesrun/host:",
        "",
        "tmp/volume:",
        "users",
      ],
    ]);
  });
});
