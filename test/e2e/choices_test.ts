/** What a user chooses of how a machine runs, as its program finds it, on every systemd. */

import { describe, expect, test } from "bun:test";
import { mbctl, mbctlOut, testedHosts, testTimeoutMs } from "./_lab.ts";
import {
  dataPath,
  declare,
  type ImageRecipe,
  hostWith,
  journalOf,
  marked,
  runToEnd,
  unitOf,
  waitForMark,
} from "./_machines.ts";

const images: Readonly<Record<string, ImageRecipe>> = {
  // Nothing of what it says is to be run.
  Wrong: {
    config: {
      User: "7",
      WorkingDir: "/wrong",
      Entrypoint: ["/bin/false"],
      Cmd: ["wrong"],
      StopSignal: "SIGQUIT",
    },
  },
  Plain: {
    files: [
      { path: "run/kept", content: "of the image\n" },
      { path: "data/of-the-image", content: "x\n" },
    ],
    config: { Volumes: { "/data": {} }, Cmd: ["/bin/false"] },
  },
};

/** A program of a test: a shell script, as TOML has it. */
const program = (script: string) => `entrypoint = ["sh", "-c"]\nargs = [${JSON.stringify(script)}]`;

/** What is said in hex of a process: a set of capabilities, by number. */
const bit = (name: keyof typeof numbers) => 1n << BigInt(numbers[name]);
const numbers = { SYS_ADMIN: 21, MKNOD: 27, LEASE: 28, SYSLOG: 34, PERFMON: 38 } as const;

describe.each(testedHosts)("choices on %s", (os) => {
  const host = hostWith(os, images);

  test(
    "entrypoint, args, user, working directory, stop signal and time count, and not the image's",
    async () => {
      const script = `trap "echo @@USR1" USR1; echo "@@$(id -u) $(id -g) $PWD $0 $1"; echo @@ready; while :; do sleep 600 & wait; done`;
      await declare(host(), "Wrong", {
        toml: `
entrypoint = ["sh", "-c", ${JSON.stringify(script)}, "a name"]
args = ["an argument"]
user = "1000:50"
workdir = "/no such/directory"
stop_signal = "SIGUSR1"
stop_timeout_sec = 1
[labels]
"com.example.note" = "mine"
`,
        start: true,
      });
      await waitForMark(host(), "Wrong", "ready");
      const before = performance.now();
      await mbctlOut(host(), ["machines", "stop", "Wrong"]);
      // By default it would take 10 s.
      expect(performance.now() - before).toBeLessThan(10_000);
      expect(marked(await journalOf(host(), "Wrong"))).toEqual([
        "1000 50 /no such/directory a name an argument",
        "ready",
        "USR1",
      ]);
      expect(await host().readFile("/var/lib/man8machine_configs/Wrong/machine.toml")).toContain(
        '"com.example.note" = "mine"',
      );
    },
    testTimeoutMs,
  );

  test(
    "an entrypoint alone drops the image's command; args alone keep its entrypoint",
    async () => {
      await declare(host(), "Alone", { image: "Wrong", toml: 'entrypoint = ["echo", "@@only"]' });
      expect(marked((await runToEnd(host(), "Alone")).log)).toEqual(["only"]);
      await declare(host(), "Args", { image: "Wrong", toml: 'args = ["x"]' });
      expect((await runToEnd(host(), "Args")).status).toBe(1);
    },
    testTimeoutMs,
  );

  test(
    "volumes: in memory, read-only, with an owner, and such as the image does not declare",
    async () => {
      const nasty = "/in memory: \\odd, 100%";
      const script = `
        show() { stat -c "@@%n %u:%g %a" "$@"; }
        show /data /own "${nasty.replaceAll("\\", "\\\\")}" /mode
        for f in /data /own /ro /mode "${nasty.replaceAll("\\", "\\\\")}"; do touch "$f/new" 2>/dev/null && echo "@@wrote $f"; done
        cat /ro/file; df -k /mode | awk 'END { print "@@" $2 }'`;
      await host().sh("mkdir -p /srv/ro && echo @@read-only >/srv/ro/file");
      await declare(host(), "Volumes", {
        image: "Plain",
        toml: `
${program(script)}
user = "1000"
[[volumes]]
path = "/data"
kind = "data"
owner = "1000:1000"
mode = "0710"
[[volumes]]
path = "/own"
kind = "data"
mode = "1777"
[[volumes]]
path = "/ro"
kind = "host"
source = "/srv/ro"
read_only = true
[[volumes]]
path = ${JSON.stringify(nasty)}
kind = "tmpfs"
[[volumes]]
path = "/mode"
kind = "tmpfs"
mode = "0755"
size = "3M"
`,
      });
      const { status, log } = await runToEnd(host(), "Volumes");
      expect(marked(log), log).toEqual([
        "/data 1000:1000 710",
        "/own 0:0 1777",
        `${nasty} 0:0 1777`,
        "/mode 0:0 755",
        "wrote /data",
        "wrote /own",
        `wrote ${nasty}`,
        "read-only",
        "3072",
      ]);
      expect(status).toBe(0);
      const { stdout } = await host().run(["ls", "-A", dataPath("Volumes", "/data")]);
      expect(stdout.split("\n").filter(Boolean).sort()).toEqual(["new", "of-the-image"]);
    },
    testTimeoutMs,
  );

  test(
    "limits are the unit's and the program's own",
    async () => {
      // This machine's kernel may have given a controller to another hierarchy: then there is no file of it.
      const script = `echo "@@$(ulimit -Sn) $(ulimit -Hn)"; cd /sys/fs/cgroup
        for f in memory.max memory.swap.max cpu.max pids.max; do [ ! -e $f ] || echo "@@$f $(cat $f)"; done; echo @@ready; exec sleep 600`;
      await declare(host(), "Limits", {
        image: "Plain",
        start: true,
        toml: `${program(script)}
[[volumes]]
path = "/data"
kind = "skip"
[limits]
memory = "64M"
cpus = 2
tasks = 64
io_weight = 50
open_files = 300
`,
      });
      await waitForMark(host(), "Limits", "ready");
      const { stdout: controllers } = await host().run([
        "cat",
        "/sys/fs/cgroup/cgroup.controllers",
      ]);
      const has = (name: string) => controllers.split(/\s/).includes(name);
      expect(marked(await journalOf(host(), "Limits"))).toEqual([
        "300 300",
        ...(has("memory") ? ["memory.max 67108864", "memory.swap.max 67108864"] : []),
        ...(has("cpu") ? ["cpu.max 200000 100000"] : []),
        ...(has("pids") ? ["pids.max 64"] : []),
        "ready",
      ]);
      expect(
        await unitProperties(
          "Limits",
          "MemoryMax MemorySwapMax CPUQuotaPerSecUSec TasksMax IOWeight LimitNOFILE",
        ),
      ).toEqual({
        MemoryMax: "67108864",
        MemorySwapMax: "67108864",
        CPUQuotaPerSecUSec: "2s",
        TasksMax: "64",
        IOWeight: "50",
        LimitNOFILE: "4096",
      });
    },
    testTimeoutMs,
  );

  test(
    "capabilities are added and dropped; a program without root has none, and gets none",
    async () => {
      const script = `grep -E "^(CapBnd|CapEff|NoNewPrivs)" /proc/self/status | sed "s/^/@@/"`;
      const status = async (name: string, toml: string) => {
        await declare(host(), name, {
          image: "Plain",
          toml: `${program(script)}\n${toml}\n[[volumes]]\npath = "/data"\nkind = "skip"\n`,
        });
        const { log } = await runToEnd(host(), name);
        const values = new Map(marked(log).map((line) => line.split(":\t") as [string, string]));
        const set = (key: string) => BigInt(`0x${values.get(key)}`);
        return { bounding: set("CapBnd"), effective: set("CapEff"), nnp: values.get("NoNewPrivs") };
      };
      const usual = await status("Usual", "");
      expect(usual).toEqual({ bounding: 0xfdecbfffn, effective: 0xfdecbfffn, nnp: "0" });

      const chosen = await status(
        "Chosen",
        '[capabilities]\nadd = ["PERFMON", "cap_syslog"]\ndrop = ["MKNOD", "LEASE"]',
      );
      const set =
        (usual.bounding | bit("PERFMON") | bit("SYSLOG")) & ~(bit("MKNOD") | bit("LEASE"));
      expect(chosen).toEqual({ bounding: set, effective: set, nnp: "0" });

      const none = await status("None", 'user = "1000"\n[capabilities]\ndrop = ["ALL"]');
      expect(none).toMatchObject({ effective: 0n, nnp: "1" });
      // What man8s-init needs stays, for it.
      expect(none.bounding & (bit("MKNOD") | bit("SYS_ADMIN"))).toBe(bit("SYS_ADMIN"));
    },
    testTimeoutMs,
  );

  test(
    "a read-only root: nothing can be written but what is meant to be, and names are found",
    async () => {
      const script = `for f in / /etc /run /tmp /var/tmp /data /dev/shm; do touch $f/new 2>/dev/null && echo "@@wrote $f"; done
        echo "@@$(cat /run/kept)"; grep -c ^nameserver /etc/resolv.conf | sed s/^/@@/; ls -A /rw | sed s/^/@@/`;
      await declare(host(), "ReadOnly", {
        image: "Plain",
        toml: `${program(script)}
read_only = true
[[volumes]]
path = "/data"
kind = "data"
[[volumes]]
path = "/rw"
kind = "host"
source = "/srv/rw"
`,
      });
      await host().sh("touch /srv/rw/bound");
      const { log } = await runToEnd(host(), "ReadOnly");
      expect(marked(log), log).toEqual([
        ...["/run", "/tmp", "/var/tmp", "/data", "/dev/shm"].map((path) => `wrote ${path}`),
        "of the image",
        "1",
        "bound",
      ]);
      expect(log).not.toContain("Cannot");
    },
    testTimeoutMs,
  );

  test(
    "devices can be opened by a program that is not root, as far as was said; one that is not there is named",
    async () => {
      // As the host's own nodes are: 0600 and root's. One gives zeros; of the other there is no driver.
      await host().sh("mknod -m 0600 /dev/lab-zero c 1 5; mknod -m 0600 /dev/lab-odd c 10 250");
      const script = `head -c 3 /dev/here | wc -c | sed s/^/@@/; echo x >/dev/here && echo "@@wrote"
        : <>/dev/fuse && echo "@@fuse"; : <>/dev/net/tun && echo "@@tun"; cat /dev/lab-odd; echo x >/dev/lab-odd; echo x >/dev/none; true`;
      const toml = (rest: string) => `${program(script)}
user = "1000"
[[volumes]]
path = "/data"
kind = "skip"
[[devices]]
source = "/dev/lab-zero"
target = "/dev/here"
[[devices]]
source = "/dev/fuse"
[[devices]]
source = "/dev/net/tun"
[[devices]]
source = "/dev/lab-odd"
access = "r"
[[devices]]
source = "char-ttyS"
access = "rw"
[[devices]]
source = "/dev/none"
${rest}`;
      await declare(host(), "Devices", { image: "Plain", toml: toml('if_absent = "skip"') });
      const { log } = await runToEnd(host(), "Devices");
      expect(marked(log), log).toEqual(["3", "wrote", "fuse", "tun"]);
      expect(log).toContain("mbctl: the device /dev/none is not there, starting without it");
      expect(log).toContain("can't create /dev/none: No such device or address");
      expect(log).toContain("can't open '/dev/lab-odd': No such device\n");
      expect(log).toContain("can't create /dev/lab-odd: Operation not permitted");
      const { DeviceAllow } = await unitProperties("Devices", "DeviceAllow");
      expect(DeviceAllow).toContain("char-ttyS rwm");
      // The nodes are gone with the machine.
      expect((await host().run(["ls", "/run/mbctl/devices"])).stdout).toBe("");
      // Known before the start, and said of all machines at once; systemd says it of those that it starts itself: nspawn ends at once, and journald may not find out its unit.
      await declare(host(), "Absent", { image: "Plain", toml: toml('if_absent = "fail"') });
      const volumes = '[[volumes]]\npath = "/data"\nkind = "host"\nsource = "/srv/unplugged"\n';
      await host().sh("mkdir /srv/unplugged");
      await declare(host(), "Unplugged", { image: "Plain", toml: volumes });
      await host().sh("rm -r /srv/unplugged");
      expect(await mbctl(host(), ["machines", "start", "Absent", "Unplugged"])).toEqual({
        exitCode: 3,
        stdout: "",
        stderr: `mbctl: Cannot start "Absent", "Unplugged": "/dev/none" (at /dev/none in "Absent"), "/srv/unplugged" (at /data in "Unplugged") are not there
hint: make it, or take it out; plug the device in, or write if_absent = "skip": mbctl machines edit Absent, mbctl machines edit Unplugged
`,
      });
      expect((await mbctl(host(), ["host", "check", "Unplugged"])).stdout).toContain(
        "/srv/unplugged, which it has at /data, is not there",
      );
      await host().sh("! systemctl start systemd-nspawn@Absent systemd-nspawn@Unplugged");
      const said = await host().sh("journalctl --sync; journalctl -q -o cat -t systemd-nspawn");
      expect(said.stdout).toContain("/srv/unplugged");
      expect(await journalOf(host(), "Absent")).toContain(
        "mbctl: cannot start the machine: its device /dev/none is not there; plug it in, or say if_absent = skip in machine.toml",
      );
    },
    testTimeoutMs,
  );

  test(
    "a disk quota where there can be none is refused before anything is made; show says what was chosen",
    async () => {
      const prefix = 'prefix = "300:2e98:a4b0:1789::/64"';
      await host().sh(
        `mount -t tmpfs t /mnt; mkdir -p /mnt/etc/mbctl; echo '${prefix}' >/mnt/etc/mbctl/config.toml`,
      );
      await host().writeFile(
        "/root/disk.toml",
        'schema = 1\nname = "Disk"\nimage = "oci:/srv/images:plain"\nvolumes = [{ path = "/data", kind = "skip" }]\n[limits]\ndisk = "1G"\n',
      );
      const { exitCode, stderr } = await mbctl(host(), [
        "machines",
        "apply",
        "/root/disk.toml",
        "--root=/mnt",
      ]);
      expect(stderr).toContain(
        "Cannot limit the disk space of /mnt: it lies on tmpfs, and only btrfs has quotas for folders",
      );
      expect(exitCode).toBe(3);
      const { stdout } = await host().run([
        "find",
        "/mnt",
        "-name",
        "*Disk*",
        "!",
        "-name",
        "*.lock",
      ]);
      expect(stdout).toBe("");
      await host().run(["umount", "/mnt"]);

      const { facts } = JSON.parse(
        await mbctlOut(host(), ["machines", "show", "Limits", "--json"]),
      );
      const source = "/var/lib/man8machine_configs/Limits/machine.toml";
      expect(facts).toContainEqual({ name: "memory limit", value: "64M", source });
      expect(facts).toContainEqual({ name: "open files limit", value: "300", source });
    },
    testTimeoutMs,
  );

  test(
    "systemd knows every line of it",
    async () => {
      const { stdout } = await host().run(["journalctl", "-q", "-o", "cat", "--no-pager", "-b"]);
      const complaints =
        /Unknown (key|section|lvalue)|Failed to parse|assignment outside of section/;
      expect(stdout.split("\n").filter((line) => complaints.test(line))).toEqual([]);
    },
    testTimeoutMs,
  );

  /** What systemd made of a unit's settings; of a repeated one, all on one line. */
  async function unitProperties(name: string, keys: string): Promise<Record<string, string>> {
    const { stdout } = await host().run([
      "systemctl",
      "show",
      `--property=${keys.replaceAll(" ", ",")}`,
      unitOf(name),
    ]);
    const found: Record<string, string> = {};
    for (const line of stdout.trim().split("\n")) {
      const at = line.indexOf("=");
      const key = line.slice(0, at);
      found[key] = `${found[key] === undefined ? "" : `${found[key]} `}${line.slice(at + 1)}`;
    }
    return found;
  }
});
