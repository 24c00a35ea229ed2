import { afterAll, beforeAll, describe, expect, test, setDefaultTimeout } from "bun:test";
import {
  closeSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { copyTree } from "../../lib/trees/copy_tree.ts";
import { setXattr } from "../../lib/host/libc.ts";
import { removeTree } from "../../lib/trees/remove_tree.ts";
import { makeSpawn } from "../../lib/host/spawn.ts";
import { makeTree } from "../../lib/trees/tree.ts";
import { readTree, renderTree } from "../layers/snapshot.ts";
import { canMount, type Mounted, mountFileSystem } from "./_loop.ts";
import { makeDeepTree, noise, writeSparse } from "./_rich_tree.ts";

const spawn = makeSpawn();
const lines = (tree: string) => renderTree(readTree(tree), 2n ** 62n);

// File systems on a busy machine.
setDefaultTimeout(60_000);

describe.skipIf(!canMount)("copyTree()", () => {
  let mounted: Mounted;
  let counter = 0;

  beforeAll(async () => {
    mounted = await mountFileSystem("ext4", 2048);
  });
  afterAll(() => mounted[Symbol.asyncDispose]());

  /** Two names in the file system; the first is a directory. */
  function places(): [from: string, to: string] {
    const folder = join(mounted.path, String(counter++));
    mkdirSync(join(folder, "from"), { recursive: true });
    return [join(folder, "from"), join(folder, "to")];
  }

  async function expectCopied(from: string, to: string): Promise<void> {
    makeTree(to);
    await copyTree(from, to, { spawn });
    expect(lines(to)).toEqual(lines(from));
  }

  test("copies an empty tree", async () => {
    const [from, to] = places();
    await expectCopied(from, to);
  });

  test("copies 200 directories in each other, each with a name of 255 bytes", async () => {
    const [from, to] = places();
    makeDeepTree(from, 200, "d".repeat(255));
    await expectCopied(from, to);
    expect(readTree(to)).toHaveLength(401);
    removeTree(to);
    removeTree(from);
  });

  test("copies 100,000 entries of one directory", async () => {
    await using other = await mountFileSystem("tmpfs");
    const [from, to] = [join(other.path, "from"), join(other.path, "to")];
    mkdirSync(from);
    for (let i = 0; i < 100_000; i++) closeSync(openSync(join(from, `entry-${i}`), "w"));
    makeTree(to);
    await copyTree(from, to, { spawn });
    expect(readdirSync(to).sort()).toEqual(readdirSync(from).sort());
    removeTree(to);
    expect(readdirSync(other.path)).toEqual(["from"]);
  });

  test("keeps groups of many hard links apart", async () => {
    const [from, to] = places();
    for (let group = 0; group < 3; group++) {
      writeFileSync(join(from, `${group}`), `group ${group}`);
      for (let i = 0; i < 2000; i++) {
        const folder = join(from, `d${i % 50}`);
        mkdirSync(folder, { recursive: true });
        linkSync(join(from, `${group}`), join(folder, `${group}-${i}`));
      }
    }
    await expectCopied(from, to);
    expect(statSync(join(to, "1")).nlink).toBe(2001);
  });

  test("a sparse file of 1 GB stays small, and keeps what is in it", async () => {
    const [from, to] = places();
    const spots = [0, 123_456_789, 999_999_990];
    writeSparse(join(from, "sparse"), 1_000_000_000, spots);
    makeTree(to);
    await copyTree(from, to, { spawn });
    const { size, blocks } = statSync(join(to, "sparse"));
    expect({ size, isSmall: blocks * 512 <= 64 * 1024 }).toEqual({
      size: 1_000_000_000,
      isSmall: true,
    });
    const file = openSync(join(to, "sparse"), "r");
    const found = [...spots, 500_000_000].map((spot) => {
      const buffer = Buffer.alloc(4);
      readSync(file, buffer, 0, 4, spot);
      return buffer.toString();
    });
    closeSync(file);
    expect(found).toEqual(["data", "data", "data", "\0\0\0\0"]);
  });

  test("a file without holes does not get any, and the source's time of access stays", async () => {
    const [from, to] = places();
    writeFileSync(join(from, "zeros"), new Uint8Array(100_000));
    const before = statSync(join(from, "zeros"), { bigint: true }).atimeNs;
    await expectCopied(from, to);
    expect(statSync(join(to, "zeros")).blocks).toBe(statSync(join(from, "zeros")).blocks);
    makeTree(`${to}-2`);
    await copyTree(from, `${to}-2`, { spawn });
    expect(statSync(join(from, "zeros"), { bigint: true }).atimeNs >= before).toBe(true);
  });

  test("copies a large file in parts, by all processes", async () => {
    const [from, to] = places();
    writeFileSync(join(from, "large"), noise(150 * 2 ** 20 + 7));
    for (let i = 0; i < 400; i++) writeFileSync(join(from, `${i}`), "");
    await expectCopied(from, to);
    removeTree(to);
    removeTree(from);
  });

  test("copies to a file system that shares no blocks with the source, when asked to share them", async () => {
    await using other = await mountFileSystem("xfs");
    const [from] = places();
    for (const size of [0, 5, 300_000]) writeFileSync(join(from, `${size}`), noise(size));
    const to = join(other.path, "to");
    mkdirSync(to);
    await copyTree(from, to, { spawn, reflink: true });
    expect(lines(to)).toEqual(lines(from));
  });

  test("tells once of an attribute that the target cannot hold, and goes on", async () => {
    await using other = await mountFileSystem("ramfs");
    const [from] = places();
    for (let i = 0; i < 300; i++) {
      writeFileSync(join(from, `${i}`), "");
      setXattr(join(from, `${i}`), "user.a", Buffer.from("b"));
    }
    const to = join(other.path, "to");
    mkdirSync(to);
    const warnings: string[] = [];
    await copyTree(from, to, { spawn, onWarning: (text) => warnings.push(text) });
    expect(warnings).toEqual(["the extended attribute user.a was not kept: ENOTSUP"]);
    expect(readdirSync(to)).toHaveLength(300);
  });

  test("says which entry could not be copied, and why", async () => {
    await using other = await mountFileSystem("tmpfs", 2);
    const [from] = places();
    mkdirSync(join(from, "folder"));
    writeFileSync(join(from, "folder", "big one"), noise(3_000_000));
    const to = join(other.path, "to");
    mkdirSync(to);
    const failure = copyTree(from, to, { spawn });
    expect(failure).rejects.toThrow(/^Cannot copy "folder\/big one" of .*: ENOSPC: (pwrite|copy)/);
    expect(failure).rejects.toMatchObject({
      kind: "failed",
      hint: "make room on the file system of the machines",
    });
    await failure.catch(() => {});
    removeTree(to);
    expect(readdirSync(other.path)).toEqual([]);
  });

  describe("when it is stopped", () => {
    let from: string;
    beforeAll(() => {
      [from] = places();
      for (let i = 0; i < 6000; i++) {
        if (i % 20 === 0) mkdirSync(join(from, `d${i / 20}`));
        writeFileSync(join(from, `d${Math.floor(i / 20)}`, `${i}`), noise(i));
      }
    });

    test.each([0, 5, 20, 60])(
      "after %d ms by a signal, it says so and no child goes on",
      async (ms) => {
        const to = join(mounted.path, `aborted-${ms}`);
        makeTree(to);
        const control = new AbortController();
        setTimeout(() => control.abort(), ms);
        const outcome = await copyTree(from, to, { spawn, signal: control.signal }).then(
          () => "done",
          (error: unknown) => (error as { kind?: string }).kind,
        );
        // Where the machine is quick, the copy may have ended before: then it is whole.
        if (outcome === "done" && ms > 5) expect(lines(to)).toEqual(lines(from));
        else expect(outcome).toBe("interrupted");
        expect(childrenOf(process.pid)).toEqual([]);
        removeTree(to);
        expect(lstatSync(to, { throwIfNoEntry: false })).toBeUndefined();
      },
    );

    test("by a kill, removeTree() clears what is there", async () => {
      const script = join(import.meta.dir, "_clone_to_the_end.ts");
      let unfinished = 0;
      for (let round = 0; round < 10; round++) {
        const to = join(mounted.path, `killed-${round}`);
        const child = Bun.spawn([process.execPath, script, from, to], { stderr: "pipe" });
        // Not before it has begun, and later from round to round.
        while (lstatSync(to, { throwIfNoEntry: false }) === undefined) await Bun.sleep(1);
        await Bun.sleep(round * 7);
        child.kill("SIGKILL");
        await child.exited;
        if (child.signalCode === "SIGKILL") unfinished++;
        removeTree(to);
        expect(lstatSync(to, { throwIfNoEntry: false })).toBeUndefined();
      }
      expect(unfinished).toBeGreaterThan(3);
    });
  });
});

/** The processes that have this one as their parent. */
function childrenOf(pid: number): string[] {
  return readFileSync(`/proc/self/task/${pid}/children`, "utf8")
    .split(" ")
    .filter((child) => child !== "")
    .map((child) => readFileSync(`/proc/${child}/cmdline`, "utf8"))
    .filter((line) => line.includes("copy_tree_child"));
}
