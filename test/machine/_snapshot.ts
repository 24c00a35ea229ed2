/** What a folder holds, as text that two runs can be compared by. */

import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { Glob } from "bun";

/**
 * One line for each name below a folder: path, kind, mode, owner, and a hash of
 * the content or a link's target. Times are left out; so are locks and the cache, which stay
 * ({@linkcode storeTroubles} looks at the latter).
 */
export function snapshot(dir: string): string[] {
  const lines: string[] = [];
  const walk = (path: string) => {
    for (const name of readdirSync(join(dir, path)).sort()) {
      const inside = join(path, name);
      if (inside === "root/run" || inside === "root/var/cache") continue;
      const full = join(dir, inside);
      const entry = lstatSync(full);
      const owner = `${(entry.mode & 0o7777).toString(8)} ${entry.uid}:${entry.gid}`;
      if (entry.isDirectory()) {
        lines.push(`${inside}/ ${owner}`);
        walk(inside);
      } else if (entry.isSymbolicLink()) lines.push(`${inside} -> ${readlinkSync(full)}`);
      else if (entry.isFile())
        lines.push(`${inside} ${owner} ${Bun.hash(readFileSync(full)).toString(16)}`);
      else lines.push(`${inside} ${owner} special`);
    }
  };
  walk("");
  return lines;
}

/** The hidden names of unfinished work in a snapshot. */
export function litter(lines: readonly string[]): string[] {
  return lines.filter((line) => /mbctl-(new|old|pull|remove|image)/.test(line));
}

/** What the store keeps, as a path in the cache. */
export const keptByStore =
  /^mbctl\/(blobs\/sha256\/[0-9a-f]{64}|partial\/sha256-[0-9a-f]{64}|references\/[^./][^/]*\.json)$/;

/**
 * Whatever lies in the cache but verified blobs, references, and blobs of which a
 * part has come: these are kept for the next run, whatever happened to this one.
 */
export function storeTroubles(cache: string): string[] {
  if (!existsSync(cache)) return [];
  return [...new Glob("**").scanSync({ cwd: cache, dot: true, onlyFiles: true })]
    .filter((path) => {
      if (!keptByStore.test(path)) return true;
      const isBlob = path.startsWith("mbctl/blobs/");
      return isBlob && sha256(join(cache, path)) !== basename(path);
    })
    .sort();
}

function sha256(path: string): string {
  return new Bun.CryptoHasher("sha256").update(readFileSync(path)).digest("hex");
}
