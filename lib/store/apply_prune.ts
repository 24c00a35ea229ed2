/**
 * Carrying a clearing out.
 *
 * @module
 */

import { removeFile } from "../host/files.ts";
import { interrupted } from "../host/run.ts";
import type { PrunePlan, Removal } from "./prune.ts";
import type { OpenStore } from "./store.ts";
import { removeTreeOf, type TreeTools } from "./trees.ts";
import { tryToTake } from "../host/waiting_lock.ts";

export interface ApplyPruneOptions {
  readonly tools: Pick<TreeTools, "remove">;
  /** Told each thing that is gone. */
  readonly onRemoved?: ((removal: Removal) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Removes what a plan lists, in its order. It can be stopped, or killed, after
 * each: what is left is a store in which less is not needed.
 *
 * @param store open for nobody else; the plan was made since.
 * @returns what was freed, in bytes.
 * @throws {MbctlError} (interrupted).
 */
export async function applyPrune(
  store: OpenStore,
  plan: PrunePlan,
  { tools, onRemoved, signal }: ApplyPruneOptions,
): Promise<number> {
  if (store.lock !== "exclusive") throw new TypeError("A store is pruned by who has it alone");
  let freedBytes = 0;
  for (const removal of plan.removals) {
    await new Promise(setImmediate);
    if (signal?.aborted) throw interrupted();
    if (!(await remove(store, removal, tools))) continue;
    freedBytes += removal.bytes;
    onRemoved?.(removal);
  }
  return freedBytes;
}

async function remove(
  store: OpenStore,
  { kind, path, chain }: Removal,
  tools: Pick<TreeTools, "remove">,
): Promise<boolean> {
  if (kind === "partial") {
    using lock = tryToTake(path, "exclusive");
    if (lock !== undefined) removeFile(path);
    return lock !== undefined;
  }
  if (kind === "tree" && chain !== undefined) await removeTreeOf(store, chain, tools);
  else if (kind === "litter-tree") await tools.remove(path);
  else removeFile(path);
  return true;
}
