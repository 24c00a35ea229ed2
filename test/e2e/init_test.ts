/** man8s-init on every systemd: images that have next to nothing, users, the console, /run and /tmp, programs. */

import { describe, expect, test } from "bun:test";
import { busyboxBinary } from "../lab/images/busybox_image.ts";
import type { TarEntry } from "../lab/images/tar.ts";
import { mbctlOut, testedHosts, testTimeoutMs } from "./_lab.ts";
import { type ImageRecipe, hostWith, marked, pull, runToEnd, treePath } from "./_machines.ts";
import { accounts, userImages, users } from "./_users.ts";

/** What an image keeps in /run and /tmp: owners, modes, a link, names with dots and blanks. */
const kept: readonly TarEntry[] = [
  { path: "run/app/", type: "dir", mode: 0o2750, uid: 100, gid: 101 },
  { path: "run/app/pid file", mode: 0o640, uid: 100, gid: 101, content: "1" },
  { path: "run/.hidden", content: "hidden" },
  { path: "run/host/", type: "dir" },
  { path: "run/host/evil", content: "e" },
  { path: "run/link", type: "symlink", linkTarget: "/etc/passwd" },
  { path: "tmp/private", mode: 0o600, uid: 100, content: "private" },
  { path: "tmp/sticky/", type: "dir", mode: 0o1777, uid: 7 },
];
const listKept = `cd /; for path in run/app "run/app/pid file" run/.hidden run/link run/host/evil tmp tmp/private tmp/sticky; do
  stat -c "@@%n %a %u:%g %F" "$path" || echo "@@$path is missing"; done; echo "@@$(cat run/.hidden tmp/private)"; rm -r run/app tmp/private`;

const writeToConsole =
  "echo @@out >/dev/stdout; echo @@err >/dev/stderr; echo @@log >>/var/log/app.log";

/** Timezone= and ResolvConf=, and the base file system that nspawn completes. */
const nspawnsOwn = ["etc/localtime", "etc/resolv.conf", "root", "var"];

/** Names that mean something to a shell, to busybox, or to the init itself. */
const appletNames = ["ls", "env", "nsenter"];
/** Without a line break at its end: the kernel takes it. */
const perlScript = { path: "bin/script", mode: 0o755, content: "#!/usr/bin/perl" };
const ownProgram = '#!/bin/sh\necho "@@the image runs its own $0 $*"\n';

const images: Readonly<Record<string, ImageRecipe>> = {
  // busybox goes by the name that it is called by.
  Scratch: {
    base: "scratch",
    files: [
      { path: "head", mode: 0o755, content: await busyboxBinary() },
      { path: "text", content: "@@one static binary\n" },
    ],
    config: { Env: [], Entrypoint: ["/head", "-n1"], Cmd: ["/text"] },
  },
  Bare: {
    base: "bare",
    config: {
      Entrypoint: ["busybox", "sh", "-c", "exec busybox sleep 600"],
    },
  },
  ...userImages,
  Nobody: { files: accounts, config: { User: "nosuch", Cmd: ["true"] } },
  Console: {
    files: [...accounts, { path: "var/log/app.log", type: "symlink", linkTarget: "/dev/stdout" }],
    config: { User: "app", Cmd: ["sh", "-c", writeToConsole] },
  },
  Kept: { files: kept, config: { Cmd: ["sh", "-c", listKept] } },
  ...Object.fromEntries(
    appletNames.map((name, index) => [
      `Own${name}`,
      {
        files: [...accounts, { path: `usr/local/bin/${name}`, mode: 0o755, content: ownProgram }],
        config: {
          Env: ["PATH=/usr/local/bin:/bin"],
          Entrypoint: [name],
          Cmd: ["-x"],
          User: ["", "app", "4000"][index],
        },
      },
    ]),
  ),
  Missing: { config: { Cmd: ["udhcpc", "--help"] } },
  Script: { files: [perlScript], config: { Cmd: ["script"] } },
};

describe.each(testedHosts)("man8s-init on %s", (os) => {
  const host = hostWith(os, images);

  /** What the app of a new machine writes, and how it ends. */
  async function outcome(name: string): Promise<[status: number, lines: string[], log: string]> {
    await pull(host(), name);
    const { status, log } = await runToEnd(host(), name);
    return [status, marked(log), log];
  }

  /** All of a root tree but man8s-init: type, mode, owner, size or target of every path. */
  async function treeOf(name: string): Promise<string[]> {
    const { stdout } = await host().sh(
      'cd "$1"; find . -path ./man8s-init -prune -o -type d -printf "%P %m %U:%G\\n" -o -printf "%P %y %m %U:%G %s %T@ %l\\n" | sort',
      [treePath(name)],
    );
    return stdout.trimEnd().split("\n");
  }

  test(
    "an image that is one static binary runs, and its tree gets nothing but what nspawn makes in every tree",
    async () => {
      await pull(host(), "Scratch");
      const before = await treeOf("Scratch");
      expect(before.map((line) => line.split(" ")[0])).toEqual(
        [
          "",
          "dev",
          "etc",
          "head",
          "man8env.env",
          "proc",
          "run",
          "sys",
          "text",
          "tmp",
          "usr",
        ].sort(),
      );
      const { status, log } = await runToEnd(host(), "Scratch");
      expect([status, marked(log)]).toEqual([0, ["one static binary"]]);
      const after = await treeOf("Scratch");
      expect(before.filter((line) => !after.includes(line))).toEqual([]);
      const added = after
        .filter((line) => !before.includes(line))
        .map((line) => line.split(" ")[0] ?? "");
      expect(added.filter((path) => !nspawnsOwn.includes(path))).toEqual([]);
    },
    testTimeoutMs,
  );

  test(
    "an image without /bin/sh runs, and machines shell enters it",
    async () => {
      await pull(host(), "Bare");
      await mbctlOut(host(), ["machines", "start", "Bare"]);
      // The image has but one program, and no link to it; without a command it is the busybox of man8s-init.
      expect(
        await mbctlOut(host(), ["machines", "shell", "Bare", "--", "/bin/busybox", "ls", "/bin"]),
      ).toBe("busybox");
      expect(
        await mbctlOut(host(), ["machines", "shell", "Bare"], {
          stdin: "echo $(( 6 * 7 )); readlink /proc/$$/exe\n",
        }),
      ).toBe("42\n/man8s-init/busybox");
      await mbctlOut(host(), ["machines", "stop", "Bare"]);
    },
    testTimeoutMs,
  );

  test.each(users.map(([user, ids], index) => [user, ids, index] as const))(
    'USER "%s" of an image is %s',
    async (_user, ids, index) => {
      const [status, lines, log] = await outcome(`User${index}`);
      expect([status, lines], log).toEqual([0, [ids]]);
    },
    testTimeoutMs,
  );

  test(
    "a USER that the image does not know ends the machine with 125 and says so",
    async () => {
      const [status, , log] = await outcome("Nobody");
      expect(status).toBe(125);
      expect(log).toMatch(
        /^man8s-init: Cannot start as user "nosuch": the image's \/etc\/passwd has no such name\r?$/m,
      );
    },
    testTimeoutMs,
  );

  test(
    "an app that is not root writes to /dev/stdout and /dev/stderr, and to a log that links there",
    async () => {
      const [status, lines, log] = await outcome("Console");
      expect([status, lines], log).toEqual([0, ["out", "err", "log"]]);
    },
    testTimeoutMs,
  );

  test(
    "what the image has in /run and /tmp is there at every start, with owners and modes",
    async () => {
      const expected = [
        "run/app 2750 100:101 directory",
        "run/app/pid file 640 100:101 regular file",
        "run/.hidden 644 0:0 regular file",
        "run/link 777 0:0 symbolic link",
        "run/host/evil is missing",
        "tmp 1777 0:0 directory",
        "tmp/private 600 100:0 regular file",
        "tmp/sticky 1777 7:0 directory",
        "hiddenprivate",
      ];
      const [status, lines, log] = await outcome("Kept");
      expect([status, lines], log).toEqual([0, expected]);
      // The app has removed some of it.
      const again = await runToEnd(host(), "Kept");
      expect(marked(again.log)).toEqual([...expected, ...expected]);
    },
    testTimeoutMs,
  );

  test.each(appletNames)(
    'an entrypoint "%s" is the image\'s program and not the applet',
    async (name) => {
      const [status, lines, log] = await outcome(`Own${name}`);
      expect([status, lines], log).toEqual([
        0,
        [`the image runs its own /usr/local/bin/${name} -x`],
      ]);
    },
    testTimeoutMs,
  );

  test.each([
    ["Missing", 'Cannot start "udhcpc": no such program'],
    ["Script", 'Cannot start "script": its interpreter "/usr/bin/perl" is not in the image'],
  ])(
    "%s: a program that the image lacks ends the machine with 127, applet of ours or not",
    async (name, message) => {
      const [status, , log] = await outcome(name);
      expect(status).toBe(127);
      expect(log.split(/\r?\n/)).toContain(`man8s-init: ${message}`);
    },
    testTimeoutMs,
  );
});
