/** Archives: what is written comes back, and nothing else does. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { makeSpawn } from "../../lib/host/spawn.ts";
import { MbctlError } from "../../lib/errors.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { ArchiveReader } from "../../lib/transfer/read_archive.ts";
import { type PartFolder, writeArchive } from "../../lib/transfer/write_archive.ts";
import { archiveOf, configurationEntries, inPieces, newFolder } from "./_archive.ts";

setDefaultTimeout(60_000);

const isRoot = process.getuid?.() === 0;
const spawn = makeSpawn();
const about = {
  name: parseMachineName("web"),
  mbctl: "1.2.3",
  createdMs: 1_704_067_200_000,
  image: { reference: "docker.io/library/app:latest", digest: `sha256:${"0".repeat(64)}` },
  secrets: ["token"],
};
const options = { spawn, isForced: false, isLive: false };

describe.skipIf(!isRoot)("an archive", () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), "mbctl-archive-"));
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  /** Reads an archive to its end; answers the folder of each part. */
  async function readAll(bytes: AsyncIterable<Uint8Array>): Promise<Map<string, string>> {
    const reader = new ArchiveReader(bytes, '"web.tar"');
    const manifest = await reader.manifest();
    const folders = new Map<string, string>();
    for (const part of manifest.parts) {
      const folder = newFolder(dir);
      folders.set(part.name, folder);
      await reader.unpack(part, folder, { spawn });
    }
    await reader.end();
    return folders;
  }

  /** A folder with everything that a file system knows. */
  function fullFolder(): string {
    const folder = newFolder(dir);
    const script = `
      cd "$1"; umask 022
      mkdir -p data/empty data/deep; echo one > data/one; ln data/one data/two; ln -s /etc/passwd data/link
      echo gone > data/.wh.one; printf 'x' > "data/$(printf 'a\\377b')"
      truncate -s 64M data/holes; printf y | dd of=data/holes bs=1 seek=40000000 conv=notrunc status=none
      mkfifo data/fifo; mknod data/null c 1 3; chown 1234:70000 data/deep; chmod 2751 data/deep; chmod 4755 data/two
      setfattr -n user.note -v kept data/one; setfattr -n security.capability -v 0sAQAAAgAgAAAAAAAAAAAAAAAAAAA= data/holes
      head -c 3000000 /dev/urandom > data/noise
      touch -h -d '2020-01-02 03:04:05.123456789Z' data/one data/link data/deep`;
    const { exitCode, stderr } = Bun.spawnSync(["sh", "-euc", script, "sh", folder]);
    if (exitCode !== 0) throw new Error(stderr.toString());
    return folder;
  }

  /** All that is to be kept of a folder; times of directories too. */
  function listing(folder: string): string {
    const script = `cd "$1" && find . -printf '%p %y %m %U:%G %s %T@ %n %l\\n' | sort && getfattr -Rhd -m - . | sort && find . -type f -exec sha256sum {} + | sort && du -k data/holes`;
    return Bun.spawnSync(["sh", "-c", script, "sh", folder], {
      env: { ...process.env, LC_ALL: "C" },
    }).stdout.toString("latin1");
  }

  test.each([
    ["by the host's zstd", process.env.PATH],
    ["by ourselves", undefined],
  ])("keeps all attributes, compressed %s", async (_, path) => {
    const folder = fullFolder();
    const secrets = join(folder, ".mbctl/secrets");
    mkdirSync(secrets, { recursive: true });
    writeFileSync(join(secrets, "token.cred"), "sealed");
    const file = join(newFolder(dir), "web.tar");
    const part: PartFolder = { name: "configuration", folder, without: [".mbctl/secrets"] };
    const programs = path ?? pathWithout("zstd");
    const before = process.env.PATH;
    process.env.PATH = programs;
    try {
      await writeArchive(file, about, [part, { name: "storage", folder, without: [] }], options);
    } finally {
      process.env.PATH = before;
    }
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const folders = await readAll(Bun.file(file).stream());
    expect(listing(folders.get("storage") ?? "")).toBe(listing(folder));
    rmSync(secrets, { recursive: true });
    expect(readdirSync(join(folders.get("configuration") ?? "", ".mbctl"))).toEqual([]);
  });

  /** A folder with all programs of the PATH but one. */
  function pathWithout(program: string): string {
    const folder = newFolder(dir);
    for (const name of ["tar", "setpriv", "sh"]) {
      const found = Bun.which(name);
      if (found !== null) Bun.spawnSync(["ln", "-s", found, join(folder, name)]);
    }
    expect(existsSync(join(folder, program))).toBe(false);
    return folder;
  }

  test("is one that tar(1) and zstd(1) can read alone", async () => {
    const file = join(newFolder(dir), "web.tar");
    const folder = fullFolder();
    await writeArchive(file, about, [{ name: "configuration", folder, without: [] }], options);
    const out = newFolder(dir);
    const script = `tar -C "$2" -xf "$1" && cd "$2" && ls && head -c 30 manifest.json && zstd -dqc configuration.tar.zst | tar -x --sparse && cat data/one`;
    const { stdout, stderr } = Bun.spawnSync(["sh", "-euc", script, "sh", file, out]);
    expect(stderr.toString()).toBe("");
    expect(stdout.toString()).toBe(
      'configuration.tar.zst\nmanifest.json\n{"version":1,"sha256":"' +
        `${readFileSync(join(out, "manifest.json"), "utf8").slice(23, 30)}one\n`,
    );
  });

  test("does not replace a file unasked, and leaves none behind", async () => {
    const file = join(newFolder(dir), "web.tar");
    writeFileSync(file, "mine");
    const part: PartFolder = { name: "configuration", folder: fullFolder(), without: [] };
    const write = (folder: PartFolder, isForced: boolean) =>
      writeArchive(file, about, [folder], { ...options, isForced });
    await expect(write(part, false)).rejects.toThrow(/^Cannot write ".*web.tar": it exists$/);
    await expect(
      writeArchive("/nowhere/web.tar", about, [part], { ...options, isForced: true }),
    ).rejects.toThrow(/^Cannot write "\/nowhere\/web.tar": ENOENT/);
    await expect(write({ ...part, folder: "/nowhere" }, true)).rejects.toThrow(/"tar"/);
    expect(readFileSync(file, "utf8")).toBe("mine");
    expect(readdirSync(join(file, ".."))).toEqual(["web.tar"]);
    await write(part, true);
    expect(statSync(file).size).toBeGreaterThan(3_000_000);
  });

  const good = archiveOf({
    configuration: configurationEntries(),
    storage: [
      { path: "./", type: "dir", mode: 0o700 },
      { path: "./data/", type: "dir" },
      { path: "./data/rows", content: "rows\n".repeat(1000) },
    ],
  });

  test("is read in pieces of any size", async () => {
    for (const size of [1, 511, 512, 513, 100_000]) {
      const folders = await readAll(inPieces(good, size));
      expect(readdirSync(folders.get("storage") ?? "")).toEqual(["data"]);
    }
  });

  test("is refused when it ends early, at any place", async () => {
    const places = fc.sample(fc.integer({ min: 0, max: good.length - 1 }), 60);
    for (const at of [0, 1, 512, 513, good.length - 1, good.length - 512, ...places]) {
      const error = await readAll(inPieces(good.subarray(0, at))).catch((error) => error);
      expect({ at, isOurs: error instanceof MbctlError }).toEqual({ at, isOurs: true });
      expect(error.message).toMatch(/^Cannot read the archive "web.tar": /);
    }
  });

  test("is refused when a byte of it is another, or says the same all the same", async () => {
    const wanted = [...(await readAll(inPieces(good))).values()].map((folder) => contentOf(folder));
    const changes = fc.sample(
      fc.record({
        at: fc.integer({ min: 0, max: good.length - 1 }),
        to: fc.integer({ min: 0, max: 255 }),
      }),
      150,
    );
    let refused = 0;
    for (const { at, to } of changes) {
      const damaged = Buffer.from(good);
      damaged[at] = to;
      const folders = await readAll(inPieces(damaged)).catch((error: unknown) => {
        if (!(error instanceof MbctlError)) throw error;
        refused++;
        return undefined;
      });
      if (folders === undefined) continue;
      expect({ at, to, is: [...folders.values()].map((folder) => contentOf(folder)) }).toEqual({
        ...{ at, to },
        is: wanted,
      });
    }
    // A byte of the blanks behind the manifest changes nothing.
    expect(refused).toBeGreaterThan(3);
  });

  function contentOf(folder: string): string {
    const script = `cd "$1" && find . -printf '%p %y %m %U:%G %s\\n' | sort && find . -type f -exec sha256sum {} + | sort`;
    return Bun.spawnSync(["sh", "-c", script, "sh", folder]).stdout.toString();
  }

  test.each([
    ["nothing", new Uint8Array(), "it ends too early"],
    ["another file", Buffer.alloc(4096, "x"), "it is no archive of a machine"],
    ["a damaged manifest", Buffer.from(good).fill(0x7a, 700, 720), "its manifest is damaged"],
    [
      "more than it says",
      Buffer.concat([good.subarray(0, -1024), good]),
      "it holds more than it says",
    ],
    ["storage alone", archiveOf({ storage: [] }), "its parts are not a configuration"],
    ["no part at all", archiveOf({}), "its parts are not a configuration"],
  ])("of %s is refused", async (_, bytes, state) => {
    await expect(readAll(inPieces(bytes))).rejects.toThrow(
      `Cannot read the archive "web.tar": ${state}`,
    );
  });

  test("that unpacks to more than it says is refused before it fills the disk", async () => {
    const bomb = { path: "./zeros", content: new Uint8Array(64 * 1024 * 1024) };
    const bytes = archiveOf({ configuration: [bomb] });
    // It says that it is small.
    const small = archiveOf({ configuration: configurationEntries() });
    const lying = Buffer.concat([small.subarray(0, 512 + 65536), bytes.subarray(512 + 65536)]);
    await expect(readAll(inPieces(lying))).rejects.toThrow(
      'Cannot read the archive "web.tar": its configuration cannot be unpacked',
    );
  });

  test.each([
    ["../out", { path: "../out", content: "x" }],
    ["/etc/out", { path: "/etc/out-of-mbctl", content: "x" }],
    ["a link, and through it", { path: "./link/out", content: "x" }],
  ])("with %s writes nothing outside of its folder", async (_, entry) => {
    const bytes = archiveOf({
      configuration: [{ path: "./link", type: "symlink", linkTarget: dir }, entry],
    });
    const before = readdirSync(dir).length;
    const folders = await readAll(inPieces(bytes)).catch(() => undefined);
    expect(readdirSync(dir).length).toBe(before + 1);
    expect(existsSync("/etc/out-of-mbctl")).toBe(false);
    for (const folder of folders?.values() ?? []) {
      expect(readdirSync(join(folder, ".."))).toEqual(["folder"]);
    }
  });
});
