/** machines cp on every systemd: both ways, running and stopped, and from a machine that does what it can to get at the host's files. */

import { describe, expect, test } from "bun:test";
import { mbctl, mbctlOut, testedHosts, testTimeoutMs } from "./_lab.ts";
import {
  dataPath,
  type ImageRecipe,
  hostWith,
  journalOf,
  pull,
  treePath,
  waitForMark,
} from "./_machines.ts";
import { waitFor } from "../lab/wait_for.ts";
import { accounts } from "./_users.ts";

const sleep = ["sh", "-c", "echo @@up; exec sleep 600"];
/** A folder that is one moment a folder and the next a link to /etc. */
const swap = `mkdir -p /w; cd /w; echo @@up
  while :; do rm -rf d; ln -s /etc d; rm -f d; mkdir d; echo mine >d/marker; done`;
/** A machine whose root has put a program of its own into the place of man8s-init's busybox. */
const fake = `cd /man8s-init; mv busybox busybox.real
  { echo '#!/man8s-init/busybox.real sh'
    echo 'for n in net pid ipc uts user; do /man8s-init/busybox.real readlink /proc/self/ns/$n; done >>/seen'
    echo '/man8s-init/busybox.real cat /proc/self/cgroup >>/seen'
    echo '/man8s-init/busybox.real grep ^Cap /proc/self/status >>/seen'
    echo '[ ! -e /no ] || { printf "no\\nmbctl: hint: a lie\\n" >&2; exit 1; }'
    echo 'exec /man8s-init/busybox.real "$@"'; } >busybox
  chmod 755 busybox; echo @@up; exec sleep 600`;
const images: Readonly<Record<string, ImageRecipe>> = {
  Files: {
    files: [
      ...accounts,
      { path: "etc/shadow", content: "the machine's own\n" },
      { path: "srv/tree/", type: "dir", mode: 0o750, uid: 100, gid: 101 },
      { path: "srv/tree/a", mode: 0o640, uid: 100, gid: 101, content: "a\n" },
      { path: "srv/tree/set-id", mode: 0o4755, content: "#!/bin/sh\n" },
      { path: "srv/tree/sub/", type: "dir" },
      { path: "srv/tree/sub/ö b", content: "o\n" },
      { path: "srv/tree/link", type: "symlink", linkTarget: "/etc/shadow" },
      { path: "srv/tree/pipe", type: "fifo" },
      { path: "abs", type: "symlink", linkTarget: "/etc" },
      { path: "up", type: "symlink", linkTarget: "../../../../../../etc" },
      { path: "data/", type: "dir", uid: 100, gid: 101 },
    ],
    config: { User: "app", Volumes: { "/data": {} }, Cmd: sleep },
  },
  Swap: { config: { Cmd: ["sh", "-c", swap] } },
  Fake: { config: { Cmd: ["sh", "-c", fake] } },
};

describe.each(testedHosts)("machines cp on %s", (os) => {
  const host = hostWith(os, images);
  const cp = (...words: string[]) => mbctl(host(), ["machines", "cp", ...words]);
  const copied = async (...words: string[]) => mbctlOut(host(), ["machines", "cp", ...words]);
  /** Type, mode, owner and content of all below a folder. */
  const listing = async (folder: string) =>
    (
      await host().sh(
        'cd "$1"; find . -printf "%y %m %U:%G %P %l\\n" | sort -k 4; find . -type f -exec cat {} + | sort',
        [folder],
      )
    ).stdout
      .trimEnd()
      .split("\n");

  test(
    "copies into a machine that runs, in its memory and its volume too, as its program's user",
    async () => {
      await pull(host(), "Files", ["--mount", "/data=data"]);
      await mbctlOut(host(), ["machines", "start", "Files"]);
      await waitForMark(host(), "Files", "up");
      await host().sh(
        'mkdir -p /srv/in/sub; cd /srv/in; echo one >one; echo deep >"sub/ä b"; ln -s /etc/shadow link; mkfifo pipe; chmod 2750 sub',
      );
      const inside = (script: string) =>
        mbctlOut(host(), ["machines", "shell", "Files", "--", "/bin/sh", "-c", script]);
      await copied("/srv/in/one", "Files:/tmp/");
      await copied("/srv/in/one", "Files:/tmp/two");
      await copied("/srv/in/one", "Files:/abs/one");
      const out = await cp("/srv/in", "Files:/data");
      expect([out.exitCode, out.stderr]).toEqual([
        0,
        expect.stringContaining("neither a file, a folder nor a link: /srv/in/pipe"),
      ]);
      await copied("/srv/in/.", "Files:/data/again", "--chown", "200:5");
      expect(await inside("stat -c '%a %u:%g %n' /tmp/one /tmp/two /etc/one")).toBe(
        "644 100:101 /tmp/one\n644 100:101 /tmp/two\n644 100:101 /etc/one",
      );
      // On disk they have the machine's own ids; busybox's tar leaves links root's.
      expect(await listing(dataPath("Files", "/data"))).toEqual([
        "d 755 100:101  ",
        "d 755 200:5 again ",
        "l 777 0:0 again/link /etc/shadow",
        "f 644 200:5 again/one ",
        "d 2750 200:5 again/sub ",
        "f 644 200:5 again/sub/ä b ",
        "d 755 100:101 in ",
        "l 777 0:0 in/link /etc/shadow",
        "f 644 100:101 in/one ",
        "d 2750 100:101 in/sub ",
        "f 644 100:101 in/sub/ä b ",
        ...["deep", "deep", "one", "one"],
      ]);
    },
    testTimeoutMs,
  );

  test.each(["running", "stopped"])(
    "copies out of a machine that is %s",
    async (state) => {
      if (state === "stopped") await mbctlOut(host(), ["machines", "stop", "Files"]);
      await host().run(["mkdir", "-p", `/srv/out-${state}`]);
      const to = (name: string) => `/srv/out-${state}/${name}`;
      await copied("Files:/up/shadow", to("up"));
      await copied("Files:/abs/shadow", to("abs"));
      await copied("Files:/srv/tree/link", to("link"));
      for (const name of ["up", "abs", "link"]) {
        expect([name, await host().readFile(to(name))]).toEqual([name, "the machine's own\n"]);
      }
      const own = await cp("Files:/srv/tree", to(""));
      expect([own.exitCode, own.stderr]).toEqual([0, expect.stringContaining("nor a link: pipe")]);
      await copied("Files:/srv/tree", to("kept"), "--archive");
      const entries = (root: string, app: string) => [
        `d 750 ${app}  `,
        `f 640 ${app} a `,
        `l 777 ${root} link /etc/shadow`,
        `f 755 ${root} set-id `,
        `d 755 ${root} sub `,
        `f 644 ${root} sub/ö b `,
        ...["#!/bin/sh", "a", "o"],
      ];
      expect(await listing(to("tree"))).toEqual(entries("0:0", "0:0"));
      expect(await listing(to("kept"))).toEqual(entries("0:0", "100:101"));
      // All of it, but for what the kernel shows there.
      const whole = await cp("Files:/", to("whole"));
      expect([whole.exitCode, whole.stderr]).toEqual([0, expect.any(String)]);
      const top = (await host().sh(`cd ${to("whole")} && ls -d bin srv/tree run proc sys dev || :`))
        .stdout;
      expect(top.trim().split(/\s+/)).toEqual(["bin", "run", "srv/tree"]);
      // A volume is where the machine has it.
      if (state === "running") return;
      await copied("Files:/data/in/one", to("volume"));
      expect(await host().readFile(to("volume"))).toBe("one\n");
    },
    testTimeoutMs,
  );

  test(
    "copies into a machine that does not run, but not into its memory",
    async () => {
      await copied("/srv/in/one", "Files:/srv/tree/a");
      await copied("/srv/in/one", "Files:/data/late");
      expect(await listing(`${treePath("Files")}/srv/tree`)).toContain("f 644 100:101 a ");
      expect(await host().readFile(dataPath("Files", "/data/late"))).toBe("one\n");
      const lost = await cp("/srv/in/one", "Files:/tmp/lost");
      expect([lost.exitCode, lost.stderr]).toEqual([
        1,
        expect.stringContaining("it lies in memory, and the machine does not run"),
      ]);
    },
    testTimeoutMs,
  );

  test(
    "joins folders, replaces files, and never one by the other",
    async () => {
      await host().sh(
        "mkdir -p /srv/join/tree; echo old >/srv/join/tree/a; echo x >/srv/join/tree/b",
      );
      await copied("Files:/srv/tree", "/srv/join");
      expect(await host().readFile("/srv/join/tree/a")).toBe("one\n");
      expect(await host().readFile("/srv/join/tree/b")).toBe("x\n");
      await host().sh(
        "rm -r /srv/join/tree/sub; echo file >/srv/join/tree/sub; echo y >/srv/join/tree/a",
      );
      const refused = await cp("Files:/srv/tree", "/srv/join");
      expect([refused.exitCode, refused.stderr]).toEqual([
        4,
        expect.stringContaining('Cannot replace "/srv/join/tree/sub": it is no folder'),
      ]);
      // Nothing was changed, and nothing is left.
      expect(await host().readFile("/srv/join/tree/a")).toBe("y\n");
      expect((await host().run(["ls", "-A", "/srv/join"])).stdout).toBe("tree\n");
    },
    testTimeoutMs,
  );

  test.each([
    ["nothing that is there", ["Files:/none", "/srv"], 1, "there is no file or folder /none"],
    ["a device", ["Files:/dev/null", "/srv/null"], 1, "it is no file and no folder"],
    ["a source that is not there", ["/srv/none", "Files:/srv"], 2, "no such file or folder"],
    ["into a folder that is not there", ["/srv/in/one", "Files:/none/x"], 1, "no folder to put it"],
    ["to a folder that is not there", ["Files:/etc/shadow", "/none/x"], 2, "no folder to put it"],
    ["to a folder that takes nothing", ["Files:/etc/shadow", "/proc/x"], 2, "can be written there"],
    ["a folder over a file", ["/srv/in", "Files:/etc/shadow"], 1, "it is no folder"],
    ["between two machines", ["Files:/a", "Swap:/a"], 2, "one side must be in a machine"],
    ["from a machine that is not there", ["None:/a", "."], 2, "there is no such machine"],
  ] as const)("refuses %s", async (_what, words, exitCode, message) => {
    const result = await cp(...words);
    expect([result.exitCode, result.stderr]).toEqual([exitCode, expect.stringContaining(message)]);
  });

  test(
    "reads and writes tar streams",
    async () => {
      const { stdout } = await host().sh(
        "mbctl machines cp Files:/srv/tree - | tar -tf - | sort; mkdir -p /srv/s; echo s >/srv/s/s; tar -C /srv -c s | mbctl machines cp - Files:/srv",
      );
      expect(stdout.split("\n").filter((line) => line !== "")).toEqual(
        ["", "a", "link", "pipe", "set-id", "sub/", "sub/ö b"].map((name) => `./tree/${name}`),
      );
      expect(await host().readFile(`${treePath("Files")}/srv/s/s`)).toBe("s\n");
    },
    testTimeoutMs,
  );

  test(
    "a machine that swaps its folders for links meanwhile gets at nothing of the host's",
    async () => {
      await host().writeFile("/etc/marker", "the host's own\n");
      await pull(host(), "Swap");
      await mbctlOut(host(), ["machines", "start", "Swap"]);
      await waitForMark(host(), "Swap", "up");
      // Who looks from outside does meet the host's file: the attack works where nothing is done about it.
      await waitFor(
        async () =>
          (await host().run(["cat", `${treePath("Swap")}/w/d/marker`], { allowFailure: true }))
            .stdout === "the host's own\n",
        { what: "the link to be met" },
      );
      const before = (await host().run(["ls", "-lA", "--full-time", "/etc"])).stdout;
      const { stdout } = await host().sh(
        `mkdir /srv/swap; echo evil >/srv/evil; cd /srv/swap
         for n in 1 2 3 4 5 6; do
           mbctl machines cp Swap:/w/d/marker out-$n 2>/dev/null || true
           mbctl machines cp Swap:/w all-$n 2>/dev/null || true
           mbctl machines cp /srv/evil Swap:/w/d/evil 2>/dev/null || true
           mbctl machines cp /srv/evil Swap:/w/d/marker 2>/dev/null || true
         done
         grep -rh . /srv/swap 2>/dev/null | sort -u; ls -A /srv/swap | grep -c '^[.]' || true`,
        [],
        { timeoutMs: 100_000 },
      );
      const lines = stdout.trimEnd().split("\n");
      expect(lines).not.toContain("the host's own");
      expect(lines.at(-1)).toBe("0");
      expect((await host().run(["ls", "-lA", "--full-time", "/etc"])).stdout).toBe(before);
    },
    testTimeoutMs,
  );

  test(
    "what a machine has put in the place of man8s-init's busybox gets nothing of the host",
    async () => {
      await pull(host(), "Fake");
      await mbctlOut(host(), ["machines", "start", "Fake"]);
      await waitForMark(host(), "Fake", "up");
      await copied("/etc/hostname", "Fake:/srv-in");
      await copied("Fake:/srv-in", "/srv/out");
      const seen = (await host().readFile(`${treePath("Fake")}/seen`)).trimEnd().split("\n");
      const own = await mbctlOut(host(), [
        ...["machines", "exec", "Fake", "--", "sh", "-c"],
        "for n in net pid ipc uts user; do readlink /proc/self/ns/$n; done; cat /proc/self/cgroup; grep ^Cap /proc/self/status",
      ]);
      expect([...new Set(seen)]).toEqual(own.split("\n"));
      // What it says in their place is one line, and names nobody else.
      await host().sh("touch $1/no", [treePath("Fake")]);
      expect((await cp("Fake:/srv-in", "/srv/out")).stderr).toBe(
        'mbctl: Cannot copy from or to "Fake": no\n',
      );
    },
    testTimeoutMs,
  );

  test(
    "a machine that makes a link of a folder above a volume in a volume gets no folder of the host",
    async () => {
      const mounts = ["--mount", "/data=data", "--mount", "/data/x/in=data"];
      await pull(host(), "Nested", [...mounts, "--start"], "Files");
      await host().sh("mkdir -p /srv/own/in; echo own >/srv/own/in/file");
      const swapped = "cd /data; mv x y; ln -s /srv/own x";
      await mbctlOut(host(), [
        ...["machines", "exec", "Nested", "--user", "root", "--"],
        ...["sh", "-c", swapped],
      ]);
      const { exitCode } = await mbctl(host(), ["machines", "restart", "Nested"]);
      expect(exitCode).toBe(1);
      expect(await journalOf(host(), "Nested")).toContain("/data/x is a link");
      expect((await cp("Nested:/data/x/in/file", "/srv/got")).stderr).toContain(
        "/data/x is a link",
      );
    },
    testTimeoutMs,
  );
});
