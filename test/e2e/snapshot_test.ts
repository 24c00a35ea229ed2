/**
 * Snapshots of machines that run: frozen while their program writes, taken back with an administrator's edits, made anew
 * of the image; on the host's own file system, where they are copies, and on btrfs.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Host } from "../lab/host.ts";
import { run } from "../lab/run.ts";
import { waitFor } from "../lab/wait_for.ts";
import { mbctl, mbctlOut, testedHosts, testTimeoutMs } from "./_lab.ts";
import { hostWith, type ImageRecipe, pull, unitOf } from "./_machines.ts";

/** Counts in the root tree, then in the data, then in the configuration, as fast as it can. */
const count = `n=0
  put() { echo $n >$1.new && mv $1.new $1; }
  while :; do n=$((n + 1)); put /counter; put /data/counter; put /conf/counter; done`;

const images: Readonly<Record<string, ImageRecipe>> = {
  Count: {
    config: { Cmd: ["sh", "-c", count], Volumes: { "/data": {}, "/conf": {} } },
    files: [
      { path: "data/", type: "dir" },
      { path: "conf/one", content: "of the image" },
    ],
  },
};

const name = "Count";
const tree = `/var/lib/man8machines/${name}`;
const configuration = `/var/lib/man8machine_configs/${name}`;
const storage = `/var/lib/man8machine_storage/${name}`;
const dropIn = `/etc/systemd/system/systemd-nspawn@${name}.service.d/90-mine.conf`;
/** Lists what a run has left that was not ended. */
const unfinished = "find /var/lib -name '.mbctl-new*' -o -name '.mbctl-change*'";
const snapshotOf = (folder: string, label: string) =>
  folder.replace(`/${name}`, `/.mbctl-snapshots/${name}/${label}`);

describe.each(testedHosts)("on %s", (os) => {
  const host = hostWith(os, images);

  describe.each(["a file system that copies", "btrfs"])("on %s", (kind) => {
    const isBtrfs = kind === "btrfs";
    let disk: AsyncDisposable | undefined;

    beforeAll(async () => {
      if (isBtrfs) disk = await mountBtrfs(host(), join(host().dir, "disk"));
      await pull(host(), name, ["--mount=/data=data", "--mount=/conf=config", "--start"]);
      await progress(0);
    }, testTimeoutMs);
    afterAll(async () => {
      await mbctlOut(host(), ["machines", "remove", name, "--stop", "--yes"]);
      await disk?.[Symbol.asyncDispose]();
    }, testTimeoutMs);

    const read = async (path: string) => (await host().run(["cat", path])).stdout.trim();
    const property = async (property: string) =>
      (await host().run(["systemctl", "show", "-P", property, unitOf(name)])).stdout.trim();
    /** Waits until the program has counted further in its data. */
    const progress = (from: number) =>
      waitFor(
        async () => {
          const { stdout } = await host().run(["cat", `${storage}/data/counter`], {
            allowFailure: true,
          });
          return Number(stdout) > from;
        },
        { what: `${name} to count beyond ${from}` },
      );

    /** Takes a snapshot, and sends a signal to mbctl as soon as the machine is frozen. */
    const snapshotAndSignal = async (signal: "INT" | "KILL", label: string) =>
      await host().sh(
        `events=/sys/fs/cgroup$(systemctl show -P ControlGroup "$1")/cgroup.events
         watch() {
           for n in $(seq 20000); do
             grep -q "frozen 1" "$events" && exec pkill "-$1" -x mbctl
           done
         }
         watch "$2" & code=0; mbctl machines snapshot "$3" "$4" || code=$?
         wait; exit $code`,
        [unitOf(name), signal, name, label],
        { allowFailure: true },
      );

    test(
      "a snapshot of a machine that writes shows one moment, and the machine goes on",
      async () => {
        const pid = await property("MainPID");
        const words = ["machines", "snapshot", name, "first", "--with-data"];
        const { exitCode, stdout, stderr } = await mbctl(host(), words);
        expect({ exitCode, stdout, stderr }).toMatchObject({ exitCode: 0, stdout: "first\n" });
        expect(stderr).toMatch(/^Count was frozen for \d+ ms$/m);
        expect(/^copies /m.test(stderr)).toBe(!isBtrfs);
        const places = [
          `${tree}/tree/counter`,
          `${storage}/data/counter`,
          `${configuration}/conf/counter`,
        ];
        const counted: number[] = [];
        for (const place of places) counted.push(Number(await read(snapshotOf(place, "first"))));
        const [inTree = 0, inData = 0, inConfiguration = 0] = counted;
        expect(inTree).toBeGreaterThan(0);
        // In the order in which the program writes them.
        expect([inTree, inTree - 1]).toContain(inData);
        expect([inData, inData - 1]).toContain(inConfiguration);
        await progress(Number(await read(`${storage}/data/counter`)));
        expect(await property("MainPID")).toBe(pid);
        expect(await property("FreezerState")).toBe("running");
      },
      testTimeoutMs,
    );

    test(
      "a rollback brings back tree, configuration, data and drop-ins, and keeps what was",
      async () => {
        const before = Number(await read(snapshotOf(`${storage}/data/counter`, "first")));
        const address = await read(`${configuration}/man8env.env`);
        await host().sh(
          `echo '# mine' >>${configuration}/container.nspawn; echo edited >${configuration}/conf/one
           echo gone >${tree}/root-file; echo lost >${storage}/data/file
           printf '[Service]\\nNice=5\\n' >${dropIn}`,
        );
        const { stderr, exitCode } = await mbctl(host(), [
          ...["machines", "rollback", name, "first", "--with-data"],
        ]);
        expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
        expect(await property("ActiveState")).toBe("active");
        expect(await read(`${configuration}/container.nspawn`)).not.toContain("# mine");
        expect(await read(`${configuration}/conf/one`)).toBe("of the image");
        expect(await read(`${configuration}/man8env.env`)).toBe(address);
        const { stdout: left } = await host().sh(
          `ls -d ${tree}/root-file ${storage}/data/file ${dropIn} 2>/dev/null || true`,
        );
        expect(left).toBe("");
        const kept = /^what it was before: (before-rollback-.*)$/m.exec(stderr)?.[1] ?? "";
        expect(await read(snapshotOf(`${configuration}/container.nspawn`, kept))).toContain(
          "# mine",
        );
        expect(
          await read(snapshotOf(`${configuration}/.mbctl/unit.d/90-mine.conf`, kept)),
        ).toContain("Nice=5");
        expect(await read(snapshotOf(`${tree}/tree/root-file`, kept))).toBe("gone");
        expect(await read(snapshotOf(`${storage}/data/file`, kept))).toBe("lost");
        expect(Number(await read(snapshotOf(`${storage}/data/counter`, kept)))).toBeGreaterThan(
          before,
        );
        await progress(0);

        await mbctlOut(host(), ["machines", "rollback", name]);
        expect(await read(`${configuration}/container.nspawn`)).toContain("# mine");
        expect(await read(dropIn)).toContain("Nice=5");
        expect(await property("Nice")).toBe("5");
        // The data stays without --with-data.
        expect((await host().sh(`ls ${storage}/data`)).stdout).not.toContain("file");
      },
      testTimeoutMs,
    );

    test(
      "a reset makes the tree anew, and keeps configuration and data",
      async () => {
        await host().sh(`echo gone >${tree}/root-file; echo stays >${storage}/data/kept`);
        const { stderr, exitCode } = await mbctl(host(), ["machines", "reset", name]);
        expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
        expect(await property("ActiveState")).toBe("active");
        expect((await host().sh(`ls ${tree}`)).stdout).not.toContain("root-file");
        expect(await read(`${storage}/data/kept`)).toBe("stays");
        expect(await read(`${configuration}/container.nspawn`)).toContain("# mine");
        const kept = /^what it was before: (before-reset-.*)$/m.exec(stderr)?.[1] ?? "";
        expect(await read(snapshotOf(`${tree}/tree/root-file`, kept))).toBe("gone");
        await progress(0);
      },
      testTimeoutMs,
    );

    test(
      "a rollback that is killed while it moves folders is ended by a start",
      async () => {
        await host().sh(`echo gone >${tree}/root-file`);
        // The first rename of the tree: the machine has no link only then.
        const inject = "inject=rename,renameat,renameat2:signal=KILL";
        const strace = ["strace", "-qq", "-o", "/dev/null", "-P", tree, "-e", inject];
        const rollback = ["mbctl", "machines", "rollback", name, "first", "--with-data"];
        const { exitCode } = await host().run([...strace, ...rollback], { allowFailure: true });
        expect(exitCode).toBe(128 + 9);
        const link = ["test", "-L", `/var/lib/machines/${name}`];
        expect((await host().run(link, { allowFailure: true })).exitCode).toBe(1);
        const { stderr } = await mbctl(host(), ["machines", "start", name]);
        expect(stderr).toContain('an earlier run of "Count" was killed: done');
        expect(await property("ActiveState")).toBe("active");
        expect((await host().sh(`ls ${tree}`)).stdout).not.toContain("root-file");
        expect(await read(`${configuration}/conf/one`)).toBe("of the image");
        expect((await host().sh(unfinished)).stdout).toBe("");
        await progress(0);
      },
      testTimeoutMs,
    );

    test(
      "--stop stops it for the clone, and starts it again",
      async () => {
        const pid = await property("MainPID");
        await mbctlOut(host(), ["machines", "snapshot", name, "still", "--stop"]);
        expect(await property("ActiveState")).toBe("active");
        expect(await property("MainPID")).not.toBe(pid);
        const live = await mbctl(host(), ["machines", "snapshot", name, "live", "--live"]);
        // Also the configuration, which has a volume, is a subvolume of btrfs since it was rolled back.
        expect([
          live.exitCode,
          /^mbctl: Cannot clone "Count" while it runs: /.test(live.stderr),
        ]).toEqual(isBtrfs ? [0, false] : [2, true]);
        const { snapshots } = JSON.parse(
          await mbctlOut(host(), ["machines", "snapshots", name, "--size", "--json"]),
        );
        const still = snapshots.find(({ label }: { label: string }) => label === "still");
        expect(still).toMatchObject({ label: "still", reason: "manual", hasData: false });
        expect(still.size.ownBytes < still.size.bytes).toBe(isBtrfs);
      },
      testTimeoutMs,
    );

    // There it is over before a signal can come.
    if (isBtrfs) return;

    test(
      "Ctrl-C while it is frozen lets it go on, and leaves nothing",
      async () => {
        await host().sh(`head -c 200000000 /dev/urandom >${tree}/large`);
        expect((await snapshotAndSignal("INT", "stopped")).exitCode).toBe(130);
        expect(await property("FreezerState")).toBe("running");
        expect((await host().sh(unfinished)).stdout).toBe("");
        const { stdout } = await host().run(["mbctl", "machines", "snapshots", name]);
        expect(stdout).not.toContain("stopped");
      },
      testTimeoutMs,
    );

    test(
      "a machine whose snapshot is killed goes on, and the next run clears what is left",
      async () => {
        expect((await snapshotAndSignal("KILL", "killed")).exitCode).toBe(128 + 9);
        await waitFor(async () => (await property("FreezerState")) === "running", {
          what: "the machine to be thawed",
        });
        await progress(Number(await read(`${storage}/data/counter`)));
        const { stderr } = await mbctl(host(), ["machines", "start", name]);
        expect(stderr).toContain('an earlier run of "Count" was killed: cleared');
        expect((await host().sh(unfinished)).stdout).toBe("");
      },
      testTimeoutMs,
    );
  });
});

/** Mounts a btrfs of our own over the folders of machines. */
async function mountBtrfs(host: Host, file: string): Promise<AsyncDisposable> {
  await run(["truncate", "-s", "1G", file]);
  await run(["mkfs.btrfs", "-q", file]);
  const device = (await run(["losetup", "--find", "--show", file])).stdout.trim();
  const inside = ["nsenter", "-t", `${host.leader}`, "-m", "--"];
  const folders = ["man8machines", "man8machine_configs", "man8machine_storage"];
  // From then on it goes with its last mount, whatever happens to us (losetup(8), lazy destruction).
  await using loop = new AsyncDisposableStack();
  loop.defer(async () => void (await run(["losetup", "--detach", device])));
  await run([...inside, "mkdir", "-p", "/srv/btrfs"]);
  // Its /dev has no loop devices: a node of our own.
  const number = (await run(["stat", "-c", "%Lr", device])).stdout.trim();
  await run([...inside, "mknod", "/srv/disk", "b", "7", number]);
  await run([...inside, "mount", "/srv/disk", "/srv/btrfs"]);
  for (const folder of folders) {
    await host.sh(
      'mkdir -p "/srv/btrfs/$1" "/var/lib/$1"; mount --bind "/srv/btrfs/$1" "/var/lib/$1"',
      [folder],
    );
  }
  return {
    async [Symbol.asyncDispose]() {
      for (const folder of folders) await host.run(["umount", `/var/lib/${folder}`]);
      await run([...inside, "umount", "/srv/btrfs"]);
    },
  };
}
