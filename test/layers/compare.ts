/**
 * Our tree beside another, as lines.
 *
 * Left out of the comparison, because the reference is wrong or says nothing:
 *
 * - The time of a directory to which the reference gives the time of its run. No entry names the directory,
 *   or a directory was implied in it afterwards (the reference keeps a parent's time only when
 *   the parent of the new name is there already). Ours is the entry's, or anything where there is none.
 * - Of such a directory, setgid, group and default ACL where the reference shows that it inherited them
 *   from its parent: no entry asked for them.
 * - The time of the root, where the reference gives it its own default, 1970.
 *
 * @module
 */

import { type Name, readTree, renderTree, timeText } from "./snapshot.ts";

/** Lines of two trees, alike when the trees are. */
export interface Comparison {
  readonly ours: string[];
  readonly reference: string[];
}

/** @param since when the test began, in nanoseconds. */
export function compareTrees(ours: string, reference: string, since: bigint): Comparison {
  const [left, right] = [readTree(ours), readTree(reference)];
  const loose = new Map<string, Name>();
  for (const name of right) {
    const time = timeText(name.mtime, since);
    const isDefault = name.path === "." && name.mtime === 0n;
    if (name.type === "dir" && (time === "now" || isDefault)) loose.set(name.path, name);
  }
  return { ours: render(left, loose, since), reference: render(right, loose, since) };
}

function render(names: readonly Name[], loose: ReadonlyMap<string, Name>, since: bigint): string[] {
  return names.flatMap((name) => {
    const other = loose.get(name.path);
    const [line = ""] = renderTree([name], since);
    if (other === undefined || name.type !== "dir") return [line];
    const untimed = line.replace(/@\S+$/, "@any");
    const [, setgid] = /^dir [2367]/.exec(other.text) ?? [];
    const inherits = setgid !== undefined || /^dir [2367]/.test(other.text);
    const free = inherits ? untimed.replace(/ dir (\d)(\d{3}) (\d+):\d+/, free0) : untimed;
    return [free.replace(/ system\.posix_acl_default=\S+/, "")];
  });
}

/** Mode without setgid, owner without group. */
function free0(_: string, high: string, low: string, uid: string): string {
  return ` dir ${Number(high) & 5}${low} ${uid}:any`;
}
