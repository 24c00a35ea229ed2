/**
 * What clones will cost, found out before they begin.
 *
 * @module
 */

import { statfsSync, statSync } from "node:fs";
import { nearestFolder } from "../host/files.ts";
import type { Run } from "../host/run.ts";
import { isSubvolume } from "../trees/btrfs.ts";
import { type CloneKind, cloneKind } from "../trees/tree.ts";

/** A folder that is to be cloned, and the name that the clone will have. */
export interface Cloning {
  readonly from: string;
  readonly to: string;
}

export interface CloneCost {
  /** How each of them is cloned, in their order. */
  readonly kinds: readonly CloneKind[];
  /** What is copied in full, in bytes. */
  readonly copiedBytes: number;
  /** Of the file systems of the copies, one that has not room enough. */
  readonly lacking: { readonly into: string; readonly freeBytes: number } | undefined;
}

/** Says how folders will be cloned; only those that are copied in full are measured. */
export async function readCloneCost(run: Run, clonings: readonly Cloning[]): Promise<CloneCost> {
  const costs = await Promise.all(
    clonings.map(async ({ from, to }) => {
      const folder = nearestFolder(to);
      const kind = kindOf(from, folder);
      return { folder, kind, bytes: kind === "copy" ? await readSize(run, from) : 0 };
    }),
  );
  const kinds = costs.map(({ kind }) => kind);
  const copiedBytes = sum(costs.map(({ bytes }) => bytes));
  const lacking = costs.flatMap(({ folder }) => {
    const { bavail, bsize } = statfsSync(folder);
    const { dev } = statSync(folder);
    const here = costs.filter((cost) => statSync(cost.folder).dev === dev);
    const freeBytes = bavail * bsize;
    return sum(here.map(({ bytes }) => bytes)) > freeBytes ? [{ into: folder, freeBytes }] : [];
  });
  return {
    kinds,
    copiedBytes,
    lacking: lacking[0],
  };
}

/** The room that a folder takes on its disk, in bytes; what others share counts as well. */
async function readSize(run: Run, folder: string): Promise<number> {
  // A machine that runs removes files meanwhile: exit code 1.
  const { stdout } = await run(["du", "-s", "-x", "-B1", "--", folder], { allowExitCodes: [0, 1] });
  return Number(/^\d+/.exec(stdout)?.[0] ?? 0);
}

function kindOf(from: string, folder: string): CloneKind {
  const kind = cloneKind(folder);
  return kind === "snapshot" && !isSubvolume(from) ? "reflink" : kind;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
