/**
 * What the images hold: the entries of a root tree, or slices of its files.
 *
 * @module
 */
import type { Dirent } from "node:fs";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join, relative } from "node:path";
import type { TarEntry } from "../../lab/images/tar.ts";

/** The entries of a root tree, in the order of their names. */
export type Pool = readonly TarEntry[];

/** Reads a root tree: folders, files and links; nodes and what is in /dev are left out. */
export async function readPool(root: string): Promise<Pool> {
  const pool: TarEntry[] = [];
  const visit = async (folder: string) => {
    const names = await readdir(folder, { withFileTypes: true });
    for (const entry of names.toSorted(byName)) {
      const path = join(folder, entry.name);
      const name = relative(root, path);
      if (name === "dev") continue;
      const { mode, uid, gid, mtimeMs } = await lstat(path);
      const about = { mode: mode & 0o7777, uid, gid, mtime: Math.floor(mtimeMs / 1000) };
      if (entry.isDirectory()) {
        pool.push({ ...about, path: `${name}/`, type: "dir" });
        await visit(path);
      } else if (entry.isSymbolicLink()) {
        pool.push({ ...about, path: name, type: "symlink", linkTarget: await readlink(path) });
      } else if (entry.isFile()) {
        pool.push({ ...about, path: name, content: await readFile(path) });
      }
    }
  };
  await visit(root);
  return pool;
}

function byName(a: Dirent, b: Dirent): number {
  return a.name < b.name ? -1 : 1;
}

/** The tree again and again, each copy in a folder of its own, until its files have so many bytes. */
export function* treeEntries(pool: Pool, plainBytes: number): Generator<TarEntry, undefined> {
  let left = plainBytes;
  for (let copy = 1; ; copy++) {
    const prefix = copy === 1 ? "" : `copy${copy}/`;
    if (prefix !== "") yield { path: prefix, type: "dir" };
    for (const entry of pool) {
      if (left <= 0) return;
      // The last file is cut: the size is what was asked for.
      const content = entry.content?.slice(0, left);
      left -= content?.length ?? 0;
      yield { ...entry, path: prefix + entry.path, ...(content === undefined ? {} : { content }) };
    }
  }
}

/** Files of one size, 500 in a folder, each a piece of the tree's files from somewhere else. */
export function* sliceEntries(
  pool: Pool,
  files: number,
  sizeBytes: number,
): Generator<TarEntry, undefined> {
  const all = Buffer.concat(pool.flatMap(({ content }) => (content ? [Buffer.from(content)] : [])));
  const size = Math.floor(sizeBytes);
  // A step that has no divisor in common with the length visits all of it evenly.
  const step = 7_919 * 4_099;
  yield { path: "usr/", type: "dir" };
  for (let index = 0; index < files; index++) {
    const folder = `usr/part${Math.floor(index / 500)}/`;
    if (index % 500 === 0) yield { path: folder, type: "dir" };
    const start = (index * step) % (all.length - size);
    yield { path: `${folder}file${index}`, content: all.subarray(start, start + size) };
  }
}
