/** Hosts that lack something, are full, or have something by that name already. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { installHint } from "../../lib/host/install_hint.ts";
import { writeImage } from "../lab/images/layout.ts";
import { waitFor } from "../lab/wait_for.ts";
import { canPull, OuterHost, outcomeText } from "./_outer_host.ts";

describe.skipIf(!canPull)("pull", () => {
  let host: OuterHost;
  beforeAll(async () => {
    host = await OuterHost.create();
  });
  afterEach(() => host.reset());
  afterAll(() => host?.[Symbol.dispose]());

  async function refused(
    words: readonly string[],
    expected: string,
    env: Record<string, string> = {},
  ): Promise<void> {
    const before = host.snapshot();
    const outcome = await host.run(words, [], env);
    expect(outcomeText(host, outcome)).toBe(expected);
    expect(host.snapshot()).toEqual(before);
    expect(host.storeTroubles()).toEqual([]);
  }
  const settings = (text: string) => writeFileSync(join(host.root, "etc/mbctl/config.toml"), text);

  /** A folder of links to all programs of this machine but one, for PATH. */
  function pathWithout(program: string): string {
    const bin = join(host.dir, `without-${program}`);
    mkdirSync(bin);
    for (const name of readdirSync("/usr/bin"))
      if (name !== program) symlinkSync(`/usr/bin/${name}`, join(bin, name));
    return bin;
  }

  /** The pull of an image that lies in a registry. */
  const remoteWords = () =>
    host.pullWords.map((word) => (word === host.image ? "localhost:5000/app" : word));

  test.each(["skopeo", "systemd-nspawn"])("refuses a host without %s", async (program) => {
    await refused(
      remoteWords(),
      `exit 3\nmbctl: Cannot find the program "${program}": it is not installed\nhint: ${installHint(program)}\n`,
      { PATH: pathWithout(program) },
    );
  });

  test("refuses a busybox that is missing, a folder, or dynamic", async () => {
    const prefix = 'prefix = "300::/64"\n';
    const busyboxHint = installHint("busybox");
    settings(`${prefix}busybox = "/nowhere/busybox"\n`);
    await refused(
      host.pullWords,
      `exit 3\nmbctl: Cannot find busybox at /nowhere/busybox: it is not installed\nhint: ${busyboxHint}\n`,
    );
    settings(`${prefix}busybox = "/usr/bin"\n`);
    await refused(
      host.pullWords,
      `exit 3\nmbctl: Cannot find busybox at /usr/bin: it is not installed\nhint: ${busyboxHint}\n`,
    );
    settings(`${prefix}busybox = "/usr/bin/ls"\n`);
    await refused(
      host.pullWords,
      `exit 3\nmbctl: Cannot use /usr/bin/ls: it is linked dynamically, and would not run in every image\nhint: ${busyboxHint}\n`,
    );
  });

  test("refuses a host whose prefix nobody knows", async () => {
    settings("");
    const config = 'or write prefix = "3xx:…::/64" to /etc/mbctl/config.toml';
    const isInstalled = Bun.which("yggdrasil") !== null;
    const state = isInstalled ? "yggdrasil is not set up" : "yggdrasil is not installed";
    const command = isInstalled ? "mbctl host setup" : installHint("yggdrasil");
    await refused(
      host.pullWords,
      `exit 3\nmbctl: Cannot find the host's yggdrasil prefix: ${state}\nhint: ${command}, ${config}\n`,
    );
  });

  /** Everything by which a name can be taken, and the path that is told. */
  const uses: Readonly<Record<string, (path: string) => void>> = {
    "var/lib/man8machines/web": (path) => mkdirSync(path, { recursive: true }),
    "var/lib/man8machine_configs/web": (path) => mkdirSync(path, { recursive: true }),
    "var/lib/man8machine_storage/web": (path) => mkdirSync(path, { recursive: true }),
    "etc/systemd/nspawn/web.nspawn": touch,
    "run/systemd/nspawn/web.nspawn": touch,
    "var/lib/machines/web.nspawn": touch,
    "var/lib/machines/web": (path) => {
      mkdirSync(dirname(path), { recursive: true });
      symlinkSync("/nowhere", path);
    },
    "var/lib/machines/web.raw": touch,
    "etc/systemd/system/systemd-nspawn@web.service.d": (path) =>
      mkdirSync(path, { recursive: true }),
    "etc/systemd/system/machines.target.wants/systemd-nspawn@web.service": touch,
  };
  function touch(path: string): void {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, "");
  }
  const inUse = (paths: readonly string[], hint: string) =>
    `exit 4\nmbctl: Cannot make the machine "web": the name is in use by ${paths.map((path) => `DIR/state/root/${path}`).join(", ")}\nhint: ${hint}\n`;

  test.each(Object.keys(uses))("refuses a name that is in use by %s", async (path) => {
    uses[path]?.(join(host.root, path));
    await refused(
      host.pullWords,
      inUse([path], "choose another name, or remove what is listed: mbctl did not make it"),
    );
  });

  test("lists all uses of a name, and says how a machine is removed", async () => {
    await host.run(host.pullWords);
    const paths = [
      ...[
        "var/lib/man8machines/web",
        "var/lib/man8machine_configs/web",
        "var/lib/man8machine_storage/web",
      ],
      ...[
        "etc/systemd/nspawn/web.nspawn",
        "var/lib/machines/web",
        "etc/systemd/system/systemd-nspawn@web.service.d",
      ],
    ];
    await refused(
      host.pullWords,
      inUse(
        paths,
        "it is a machine already: mbctl machines start web; for a new one choose another name, or first: mbctl machines remove web",
      ),
    );
  });

  test("refuses a name whose interface is another's, where the host cuts them at 15 characters", async () => {
    const words = (name: string) => host.pullWords.map((word) => (word === "web" ? name : word));
    const all = async (...names: string[]) => {
      const results = [];
      for (const name of names) results.push(await host.run(words(name)));
      return results.map(({ exitCode, stderr }) => [exitCode, stderr.split("\n")[0]]);
    };
    // With the hash that is there today, two such names are nothing to speak of.
    expect(await all("long-name-of-one", "long-name-of-two")).toEqual([
      [0, expect.not.stringMatching(/warning|Cannot/)],
      [0, expect.not.stringMatching(/warning|Cannot/)],
    ]);
    mkdirSync(join(host.root, "proc"), { recursive: true });
    writeFileSync(join(host.root, "proc/cmdline"), "quiet net.naming-scheme=v243\n");
    expect(await all("long-name-of-six", "long-name-o")).toEqual([
      [
        4,
        'mbctl: Cannot make the machine "long-name-of-six": its network interface would be that of the machine "long-name-of-one"',
      ],
      [0, expect.not.stringMatching(/warning|Cannot/)],
    ]);
  });

  test("and others refuse to work on a name that another mbctl works on", async () => {
    const bin = join(host.dir, "slow");
    mkdirSync(bin);
    writeFileSync(join(bin, "skopeo"), `#!/bin/sh\necho >${host.dir}/started\nexec sleep 60\n`);
    chmodSync(join(bin, "skopeo"), 0o755);
    const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
    const other = Bun.spawn(host.argv(remoteWords()), {
      cwd: host.dir,
      env,
      stdio: ["ignore", "ignore", "ignore"],
    });
    try {
      await waitFor(() => Bun.file(join(host.dir, "started")).exists(), {
        what: "the other mbctl",
      });
      const locked = `exit 4\nmbctl: Cannot work on the machine "web": another mbctl does (process ${other.pid})\nhint: wait for it to end, then run the command again\n`;
      await refused(host.pullWords, locked);
      await refused(["machines", "remove", "web", "--yes"], locked);
    } finally {
      other.kill("SIGKILL");
      await other.exited;
    }
  });

  test("needs hardly a program for an image that is here", async () => {
    const bin = join(host.dir, "few");
    mkdirSync(bin);
    for (const name of ["setpriv", "sh", "cp", "sync", "systemd-nspawn"])
      symlinkSync(Bun.which(name) ?? "", join(bin, name));
    const { exitCode, stderr } = await host.run(host.pullWords, [], { PATH: bin });
    expect({ exitCode, stderr: exitCode === 0 ? "" : stderr }).toEqual({ exitCode: 0, stderr: "" });
  });

  /** A folder, its room in KiB, and what does not find a place in it: the layer of 1 MiB, busybox of 2 MiB, the volume. */
  const sizes: readonly (readonly [folder: string, roomKib: number, what: RegExp])[] = [
    [
      "var/cache",
      512,
      /^mbctl: Cannot write ".*\/var\/cache\/mbctl\/partial\/sha256-\w+": no space is left$/m,
    ],
    [
      "var/lib",
      512,
      /^mbctl: Cannot apply layer "sha256:\w+": entry "data\/big": no space is left on the device$/m,
    ],
    ["var/lib", 1600, /^mbctl: Cannot install man8s-init in .*: no space is left on the device$/m],
    ["var/lib", 3000, /^mbctl: Cannot install man8s-init in .*: no space is left on the device$/m],
    ["var/lib", 4000, /^mbctl: Cannot copy \/data of .*: cp failed$/m],
  ];
  test.each(sizes)(
    "takes everything back where %s has room for %i KiB",
    async (folder, roomKib, what) => {
      const image = join(host.dir, `big-${folder.replace("/", "-")}-${roomKib}`);
      await writeImage(image, {
        config: { config: { Cmd: ["/app"], Volumes: { "/data": {} } } },
        layers: [
          [
            { path: "data/", type: "dir" },
            { path: "data/big", content: bytes(1 << 20) },
          ],
        ],
        compression: "none",
      });
      const disk = join(host.root, folder);
      mkdirSync(disk, { recursive: true });
      const mounted = Bun.spawnSync([
        "mount",
        "-t",
        "tmpfs",
        "-o",
        `size=${roomKib}k,mode=0755`,
        "tmpfs",
        disk,
      ]);
      expect(mounted.exitCode).toBe(0);
      try {
        for (const name of [
          "machines",
          "man8machines",
          "man8machine_configs",
          "man8machine_storage",
        ]) {
          mkdirSync(join(host.root, "var/lib", name), { recursive: true, mode: 0o700 });
        }
        mkdirSync(join(host.root, "etc/systemd/nspawn"), { recursive: true });
        const before = host.snapshot();
        const { exitCode, stderr } = await host.run([
          "machines",
          "pull",
          `oci:${image}:latest`,
          "web",
          "--mount=/data=data",
        ]);
        expect(stderr).toMatch(what);
        expect(stderr).toMatch(/^hint: (make room|run the command again)/m);
        expect([3, 5]).toContain(exitCode ?? 0);
        expect(host.snapshot()).toEqual(before);
        expect(host.storeTroubles()).toEqual([]);
      } finally {
        Bun.spawnSync(["umount", disk]);
      }
    },
  );
});

/** Bytes that no file system can store in less room. */
function bytes(count: number): Uint8Array {
  const result = new Uint8Array(count);
  for (let at = 0; at < count; at += 65_536)
    crypto.getRandomValues(result.subarray(at, at + 65_536));
  return result;
}
