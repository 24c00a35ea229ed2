/**
 * What a clone of a root tree costs beside `cp -a`, on btrfs, XFS and ext4, each a
 * file on a tmpfs: `bun test/bench/clone.ts [ROUNDS]` prints a table.
 *
 * @module
 */
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { removeTree } from "../../lib/trees/remove_tree.ts";
import { makeTree, sealTree } from "../../lib/trees/tree.ts";
import { type FileSystem, mountFileSystem } from "../trees/_loop.ts";
import { noise } from "../trees/_rich_tree.ts";
import { run } from "../lab/run.ts";
import { head, renderColumns, row, spreadOf } from "./medians.ts";

/** A tree to be cloned. */
export interface TreeSize {
  readonly name: string;
  readonly files: number;
  readonly megabytes: number;
}

/** The sizes of the issue's own table, less what takes minutes. */
export const treeSizes: readonly TreeSize[] = [
  { name: "2 KB", files: 3, megabytes: 0.002 },
  { name: "50 MB", files: 2000, megabytes: 50 },
  { name: "500 MB", files: 20_000, megabytes: 520 },
];

/** Many small files; a minute for each file system. */
export const manyFiles: TreeSize = { name: "200,000 files", files: 200_000, megabytes: 400 };

/** Times of one way to clone one tree, in milliseconds, in the order in which they were taken. */
export interface CloneFigures {
  readonly fileSystem: FileSystem;
  readonly tree: TreeSize;
  readonly way: "mbctl" | "cp -a" | "cp -a --reflink=always";
  readonly ms: readonly number[];
}

export interface BenchCloneOptions {
  readonly rounds?: number;
  readonly sizes?: readonly TreeSize[];
  readonly fileSystems?: readonly FileSystem[];
  /** The start of a command that clones FROM TO; by default this source, start of bun included. */
  readonly program?: readonly string[];
}

const ownProgram = [process.execPath, join(import.meta.dir, "../trees/_clone_to_the_end.ts")];

/** Measures all ways in turn, so that what else the machine does hits all alike. */
export async function benchClone({
  rounds = 5,
  sizes = treeSizes,
  fileSystems = ["btrfs", "xfs", "ext4"],
  program = ownProgram,
}: BenchCloneOptions = {}): Promise<CloneFigures[]> {
  const figures: CloneFigures[] = [];
  for (const fileSystem of fileSystems) {
    for (const tree of sizes) {
      await using mounted = await mountFileSystem(fileSystem, 4096);
      const [from, to] = [join(mounted.path, "from"), join(mounted.path, "to")];
      makeTree(from);
      fillTree(from, tree);
      sealTree(from);
      const ways: [CloneFigures["way"], readonly string[]][] = [
        ["mbctl", program],
        ["cp -a", ["cp", "-a"]],
      ];
      if (fileSystem !== "ext4")
        ways.push(["cp -a --reflink=always", ["cp", "-a", "--reflink=always"]]);
      const times = ways.map((): number[] => []);
      // The first round fills caches, and makes the room in the file on the tmpfs.
      for (let round = -1; round < rounds; round++) {
        for (const [index, [, argv]] of ways.entries()) {
          await run(["sync", "-f", mounted.path]);
          const startMs = performance.now();
          await run([...argv, from, to]);
          if (round >= 0) times[index]?.push(performance.now() - startMs);
          removeTree(to);
        }
      }
      for (const [index, [way]] of ways.entries()) {
        figures.push({ fileSystem, tree, way, ms: times[index] ?? [] });
      }
    }
  }
  return figures;
}

/** Fills a tree as images are filled: many small files, few large ones, links, some setuid. */
export function fillTree(tree: string, { files, megabytes }: TreeSize): void {
  let state = 12_345;
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  };
  const normal = () =>
    Math.sqrt(-2 * Math.log(random() || 1e-9)) * Math.cos(2 * Math.PI * random());
  const sizes = Array.from({ length: files }, () => Math.exp(8 + 1.9 * normal()));
  const scale = (megabytes * 1e6) / sizes.reduce((sum, size) => sum + size, 0);
  const content = noise(64 * 2 ** 20);
  const folders = [tree];
  const anyFolder = () => folders[Math.floor(random() * folders.length)] ?? tree;
  for (let i = 0; i < files / 14; i++) {
    const path = join(anyFolder(), `dir${i}`);
    mkdirSync(path);
    folders.push(path);
  }
  for (const [i, weight] of sizes.entries()) {
    const path = join(anyFolder(), `file-name-${i}`);
    const size = Math.min(content.length, Math.floor(weight * scale));
    const start = Math.floor(random() * (content.length - size));
    writeFileSync(path, content.subarray(start, start + size));
    if (i % 50 === 0) {
      chownSync(path, 1000, 1000);
      chmodSync(path, 0o4755);
    }
    if (i % 10 === 0) symlinkSync(`../file${i}`, `${path}.link`);
    if (i % 100 === 0) linkSync(path, `${path}.hard`);
  }
  for (const folder of folders) utimesSync(folder, 1_000_000_000.5, 1_000_000_000.25);
}

/** The figures as a table for people. */
export function renderClone(figures: readonly CloneFigures[]): string {
  const rows = figures.map(({ fileSystem, tree, way, ms }) =>
    row(`${fileSystem}, ${tree.name}: ${way}`, spreadOf(ms)),
  );
  return renderColumns([["clone", ...head.slice(1)], ...rows]);
}

if (import.meta.main) {
  const rounds = Number(process.argv[2] ?? 5);
  const sizes = process.argv.includes("--many") ? [manyFiles] : treeSizes;
  console.log(renderClone(await benchClone({ rounds, sizes })));
}
