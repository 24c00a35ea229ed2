/**
 * What the reference cannot show: where it gives way itself, what it says, how much it takes,
 * and how much is too much.
 */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, openSync, readdirSync, statfsSync, writeSync } from "node:fs";
import { join } from "node:path";
import { ApplyError, applyPlainLayers } from "../../lib/layers/apply_plain.ts";
import { parseDigest } from "../../lib/image/digest.ts";
import { attempt } from "./ours.ts";
import { base256, dir, file, pax, renderEntry, symlink, tar, whiteout } from "./raw_tar.ts";
import { readTree, renderTree } from "./snapshot.ts";
import { canWork, openWorkbench, type Workbench } from "./workbench.ts";

setDefaultTimeout(60_000);

const gibibyte = 2 ** 30;

describe.skipIf(!canWork)("applyPlainLayers()", () => {
  let bench: Workbench;
  beforeAll(async () => {
    bench = await openWorkbench();
  });
  afterAll(() => bench?.[Symbol.dispose]());

  const linesOf = (layers: readonly Uint8Array[]) => {
    const { said, tree } = attempt(bench, layers);
    expect(said).toBe("");
    return renderTree(readTree(tree), 2n ** 80n);
  };

  test("keeps an attribute without a value: GNU tar writes it so, Go drops it", () => {
    const layer = tar(pax({ "SCHILY.xattr.user.empty": "" }), file("f", "1"));
    expect(linesOf([layer])[1]).toBe('f file 0644 0:0 1 user.empty="" @1704067200.000000000');
  });

  test("keeps times beyond the year 2262, where the nanoseconds of Go overflow", () => {
    const layer = tar(
      pax({ mtime: "20000000000.75" }),
      file("pax"),
      file("octal", "", { mtime: 0o77777777777 }),
      file("binary", "", { mtime: base256(100_000_000_000, 12) }),
      pax({ mtime: "-20000000000.25" }),
      dir("before"),
    );
    expect(linesOf([layer]).map((line) => line.replace(/ .* /, " "))).toEqual([
      expect.stringMatching(/^\. /),
      "before @-20000000001.750000000",
      "binary @100000000000.000000000",
      "octal @8589934591.000000000",
      "pax @20000000000.750000000",
    ]);
  });

  test("leaves a root that no entry names to root, 0755", () => {
    expect(linesOf([tar(file("a"))])[0]).toStartWith(". dir 0755 0:0 ");
  });

  test("says in which layer and at which entry it stopped", () => {
    const { said } = attempt(bench, [
      tar(file("a")),
      tar(file("b"), symlink("l", "l"), file("l/x")),
    ]);
    expect(said).toBe("layer 1, l/x: its path goes over more than 255 links");
  });

  test("names each attribute that it leaves out, once", () => {
    const marks = pax({ "SCHILY.xattr.trusted.a": "1", "SCHILY.xattr.security.ima": "2" });
    const { warnings } = attempt(bench, [tar(marks, file("a"), marks, file("b"))]);
    expect(warnings).toEqual([
      'the extended attribute "trusted.a" was left out: layers may not set it',
      'the extended attribute "security.ima" was left out: layers may not set it',
    ]);
  });

  test("refuses a layer that is not what its diff_id says, and names both", () => {
    const folder = bench.makeFolder();
    const path = join(folder, "layer.tar");
    closeSync(writeAll(path, tar(file("a", "1"))));
    const diffId = parseDigest(`sha256:${"0".repeat(64)}`);
    const { said } = attempt(bench, [{ path, diffId }]);
    expect(said).toMatch(/^layer 0, undefined: .*sha256:0{64}.*sha256:[0-9a-f]{64}/);
  });

  test("counts what stands behind the end marker into the diff_id", () => {
    const layer = Buffer.concat([tar(file("a", "1")), Buffer.alloc(100_000, "junk")]);
    expect(attempt(bench, [layer]).said).toBe("");
  });

  test("100,000 entries in a directory, and 50,000 whiteouts", () => {
    const names = Array.from({ length: 100_000 }, (_, index) => `d/${index}`);
    const { said, tree } = attempt(bench, [
      tar(dir("d"), ...names.map((name) => file(name))),
      tar(...names.filter((_, index) => index % 2 === 0).map((name) => whiteout(name))),
    ]);
    expect(said).toBe("");
    expect(readdirSync(join(tree, "d")).length).toBe(50_000);
  });

  test("keeps the process's umask", () => {
    const umask = process.umask(0o027);
    try {
      expect(linesOf([tar(file("a/b", "", { mode: 0o666 }), dir("c", 0o777))]).slice(1)).toEqual([
        expect.stringMatching(/^a dir 0755 /),
        expect.stringMatching(/^a\/b file 0666 /),
        expect.stringMatching(/^c dir 0777 /),
      ]);
      expect(process.umask()).toBe(0o027);
    } finally {
      process.umask(umask);
    }
  });

  test("leaves no descriptor open, neither after success nor after a refusal", () => {
    const open = () => readdirSync("/proc/self/fd").length;
    const before = open();
    const deep = Array.from({ length: 200 }, (_, index) => file(`${index}/x/y`));
    attempt(bench, [tar(...deep)]);
    attempt(bench, [tar(...deep, file("bad", "", { checksum: "wrong" }))]);
    expect(open()).toBe(before);
  });

  describe("bombs", () => {
    const zeroFile = (sizeBytes: number) => renderEntry(file("zeros", "", { size: sizeBytes }));
    /** A file of zeros, and 10 GiB of them, from a program. */
    function bomb(sizeBytes: number): {
      readonly path: string;
      readonly [Symbol.dispose]: () => void;
    } {
      const folder = bench.makeFolder();
      const [path, header] = [join(folder, "fifo"), join(folder, "header")];
      closeSync(writeAll(header, zeroFile(sizeBytes)));
      Bun.spawnSync(["mkfifo", path]);
      const script = 'cat "$1"; head -c 10737418240 /dev/zero';
      const child = Bun.spawn(["/bin/sh", "-c", `exec >"$2"; ${script}`, "bomb", header, path], {
        stderr: "ignore",
      });
      return { path, [Symbol.dispose]: () => child.kill("SIGKILL") };
    }

    test("of 10 GiB end at the bytes that a layer may have", () => {
      using source = bomb(gibibyte);
      const { said } = attempt(bench, [
        { path: source.path, diffId: undefined, maxPlainBytes: 100_000_000 },
      ]);
      expect(said).toMatch(/^layer 0, zeros: .*100000000/);
    });

    test("of 10 GiB end before the file system is full", () => {
      using source = bomb(10 * gibibyte);
      const tree = bench.makeFileSystem(256 * 2 ** 20);
      const reserveBytes = 64 * 2 ** 20;
      expect(() =>
        applyPlainLayers([{ path: source.path, diffId: undefined }], tree, { reserveBytes }),
      ).toThrow(ApplyError);
      const { bavail, bsize } = statfsSync(tree);
      expect(bavail * bsize).toBeGreaterThan(reserveBytes / 2);
    });

    test("of many small files end before the file system is full", () => {
      const tree = bench.makeFileSystem(96 * 2 ** 20);
      const folder = bench.makeFolder();
      const path = join(folder, "layer.tar");
      const content = Buffer.alloc(4096, 1);
      const count = 30_000;
      const names = Array.from({ length: count }, (_, index) => file(`${index}`, content));
      closeSync(writeAll(path, tar(...names)));
      expect(() =>
        applyPlainLayers([{ path, diffId: undefined }], tree, { reserveBytes: 64 * 2 ** 20 }),
      ).toThrow(ApplyError);
      const { bavail, bsize } = statfsSync(tree);
      expect(bavail * bsize).toBeGreaterThan(16 * 2 ** 20);
    });

    test("in a size that no disk has are refused at their header", () => {
      const { said } = attempt(bench, [zeroFile(2 ** 52)]);
      expect(said).toStartWith("layer 0, zeros: ");
    });

    test("in a sparse map of petabytes are refused, and leave no file of that length", () => {
      const records = pax({
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "s",
        "GNU.sparse.realsize": String(2 ** 52),
      });
      const { said } = attempt(bench, [tar(records, file("x", "0\n".padEnd(512, "\0")))]);
      expect(said).toStartWith("layer 0, ");
    });
  });
});

function writeAll(path: string, bytes: Uint8Array): number {
  const descriptor = openSync(path, "w");
  for (let done = 0; done < bytes.length;) done += writeSync(descriptor, bytes, done);
  return descriptor;
}
