/** What a folder holds, as text that two runs can be compared by. */

import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/**
 * One line for each name below a folder: path, kind, mode, owner, and a hash of
 * the content or a link's target. Times are left out; so are locks and the cache, which stay.
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
