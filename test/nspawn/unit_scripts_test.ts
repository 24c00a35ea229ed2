/** The shell scripts of a machine's unit, run as systemd would, in a mount namespace of their own. */

import { describe, expect, test } from "bun:test";
import { renderUnitDropIn, type UnitDropInSettings } from "../../lib/nspawn/machine_unit.ts";
import { parseUnitFile, unitEntries } from "../../lib/nspawn/unit_file.ts";
import { liveLimitsScript } from "../../lib/nspawn/unit_limits.ts";
import { parseSignal } from "../../lib/signal.ts";
import { parseDevice } from "../../lib/spec/device.ts";
import { SHELLS } from "../env/shell_oracle.ts";

const stop = { stopSignal: parseSignal("SIGTERM"), stopTimeoutSec: 10 };
const isRoot = process.getuid?.() === 0;

/** The script called `name` in a key of the drop-in of the machine "web", unescaped. */
function scriptOf(settings: Partial<UnitDropInSettings>, key: string, name: string): string {
  const text = renderUnitDropIn({ ...stop, ...settings });
  for (const entry of unitEntries(parseUnitFile(text))) {
    const [, script, called] = /^-?\/bin\/sh -c '(.*)' ([a-z-]+)$/.exec(entry.value) ?? [];
    if (entry.key !== key || called !== name || script === undefined) continue;
    return script.replaceAll("%i", "web").replaceAll("%%", "%").replaceAll("$$", "$");
  }
  throw new Error(`no script ${name} in ${key}`);
}

/** Runs a script between others, with mounts that nobody else sees. */
async function run(shell: readonly string[], before: string, script: string, after = "") {
  const all = `${before}\n(${script})\ncode=$?\n${after}\nexit $code`;
  const child = Bun.spawn(
    ["unshare", "-m", "--propagation", "private", ...shell, "-c", all, "test"],
    { stdout: "pipe", stderr: "pipe", env: { PATH: process.env.PATH } },
  );
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { code: await child.exited, stdout, stderr };
}

describe.skipIf(!isRoot).each(SHELLS.map((shell) => [shell.join(" "), shell] as const))(
  "with %s",
  (_name, shell) => {
    const units = "/etc/systemd/system/systemd-nspawn@web.service.d";
    const keep = scriptOf(
      { dropInCopies: "/mnt/configs/web/.mbctl/unit.d" },
      "ExecStartPre",
      "mbctl-keep",
    );
    const fill = `mount -t tmpfs t /mnt; mount -t tmpfs t /etc/systemd/system; mkdir -p ${units} /mnt/configs/web
      echo one >${units}/50-mbctl.conf; echo two >${units}/60-mine.conf`;
    const list = "cd /mnt/configs/web/.mbctl; ls; cat unit.d/*";

    test("mbctl-keep copies the drop-ins, and forgets those that are gone", async () => {
      expect(await run(shell, fill, keep, list)).toEqual({
        code: 0,
        stdout: "unit.d\none\ntwo\n",
        stderr: "",
      });
      // A killed run left a part of a copy; a file is gone since.
      const killed = `${fill}; mkdir -p /mnt/configs/web/.mbctl; cd /mnt/configs/web/.mbctl
        cp -r ${units} unit.d.old; mkdir unit.d.new; echo half >unit.d.new/50-mbctl.conf; rm ${units}/60-mine.conf`;
      expect((await run(shell, killed, keep, list)).stdout).toBe("unit.d\none\n");
    });

    test("mbctl-keep writes nothing where nothing changed, nor where there is no configuration", async () => {
      const same = `${fill}; (${keep}); touch /mnt/mark`;
      const written = "find /mnt/configs -newer /mnt/mark; [ -e /mnt/configs/web/.mbctl/unit.d ]";
      expect(await run(shell, same, keep, written)).toMatchObject({ code: 0, stdout: "" });
      const gone = `${fill}; rm -r /mnt/configs/web`;
      expect((await run(shell, gone, keep, "ls /mnt/configs")).stdout).toBe("");
    });

    const devices = [
      parseDevice("/dev/zero"),
      { ...parseDevice("/dev/lab-none:/dev/x"), ifAbsent: "skip" } as const,
    ];
    const ownRun = "mount -t tmpfs t /run";
    const nodes =
      "cd /run/mbctl/devices/web && stat -c '%n %F %a %t:%T' *; head -c 2 0 | wc -c; cat 1";

    test("mbctl-devices makes nodes that everybody may open, and one that says ENXIO", async () => {
      const make = scriptOf({ devices }, "ExecStartPre", "mbctl-devices");
      // A start that was killed left its own.
      const { code, stdout, stderr } = await run(shell, `${ownRun}; (${make})`, make, nodes);
      expect([code, stdout]).toEqual([
        0,
        "0 character special file 666 1:5\n1 character special file 666 0:0\n2\n",
      ]);
      expect(stderr).toContain("the device /dev/lab-none is not there, starting without it");
      expect(stderr).toContain("No such device or address");
      const clear = scriptOf({ devices }, "ExecStopPost", "mbctl-devices");
      const gone = await run(shell, `${ownRun}; (${make})`, clear, "ls /run/mbctl/devices");
      expect([gone.code, gone.stdout]).toEqual([0, ""]);
    });

    test("mbctl-devices fails on a device that is not there, and on what is none", async () => {
      for (const source of ["/dev/lab-none", "/dev/shm"]) {
        const wanted = [parseDevice(source), parseDevice("/dev/zero")];
        const make = scriptOf({ devices: wanted }, "ExecStartPre", "mbctl-devices");
        const { code, stderr } = await run(shell, ownRun, make);
        expect(code).not.toBe(0);
        expect(stderr).toContain(`mbctl: cannot start the machine: its device ${source} is not`);
      }
    });

    test("mbctl-limits sets what the kernel has files for", async () => {
      const limits = { memory: 64 * 1024 ** 2, cpus: 0.5, tasks: 20 };
      const script = scriptOf({ limits }, "ExecStartPost", "mbctl-limits");
      const before = `mount -t tmpfs t /sys/fs/cgroup; p=/sys/fs/cgroup/machine.slice/web/payload; mkdir -p $p
        for f in memory.max cpu.max; do : >$p/$f; done; MAINPID=1
        sed() { echo /machine.slice/web/supervisor; }`;
      const show = "cd /sys/fs/cgroup/machine.slice/web/payload; ls; cat *";
      expect(await run(shell, before, script, show)).toEqual({
        code: 0,
        stdout: "cpu.max\nmemory.max\n50000 100000\n67108864\n",
        stderr: "",
      });
    });

    test("liveLimitsScript() sets limits anew, and takes away those that are gone", async () => {
      const before = `mount -t tmpfs t /sys/fs/cgroup; p=/sys/fs/cgroup/machine.slice/web/payload; mkdir -p $p
        for f in memory.max cpu.max pids.max; do echo 5 >$p/$f; done; MAINPID=1
        sed() { echo /machine.slice/web/supervisor; }`;
      const show = "cd /sys/fs/cgroup/machine.slice/web/payload; grep . *";
      const { code, stdout } = await run(shell, before, liveLimitsScript({ tasks: 20 }), show);
      expect([code, stdout]).toEqual([0, "cpu.max:max 100000\nmemory.max:max\npids.max:20\n"]);
    });

    test.each([
      ["a first failure", "exit-code", 0, "", false],
      ["the last one", "exit-code", 2, "", true],
      ["its start is not over yet", "timeout", 3, "7 UNIT start running", true],
      ["a good end", "success", 2, "", false],
      ["a stop by hand", "exit-code", 2, "7 UNIT stop running", false],
      ["a restart by hand", "signal", 2, "7 UNIT restart waiting", false],
    ])("mbctl-restart gives up when it must: %s", async (_, result, restarts, jobs, isOver) => {
      const restart = { when: "on-failure", retries: 2 } as const;
      const script = scriptOf({ restart }, "ExecStopPost", "mbctl-restart");
      const fake = `SERVICE_RESULT=${result}; systemctl() { case $1 in
        show) echo ${restarts};; list-jobs) echo "${jobs}";; *) echo "$*";; esac; }`;
      const { stdout } = await run(shell, fake, script);
      expect(stdout).toBe(isOver ? "stop --no-block systemd-nspawn@web.service\n" : "");
    });
  },
);

test("a device of a name that a shell would read is refused", () => {
  for (const source of ["/dev/$(id)", "/dev/a;b", "/dev/a&b", "/dev/*"]) {
    expect(() => renderUnitDropIn({ ...stop, devices: [parseDevice(source)] })).toThrow(
      `Cannot use the device ${JSON.stringify(source)}: its name is not of letters`,
    );
  }
});
