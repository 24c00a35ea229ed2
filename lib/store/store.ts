/**
 * The image store: what was fetched once is not fetched again.
 *
 * Whoever changes anything in it holds its lock, shared; who prunes holds it
 * alone. So no blob is swept away between its download and the machine that needs it.
 *
 * @module
 */

import { type HeldLock, namePids, waitForLock } from "../host/waiting_lock.ts";
import { type StorePaths, storePaths } from "./paths.ts";

/** A store, for reading. Opening it touches nothing. */
export interface Store {
  readonly paths: StorePaths;
  /** Told of everything damaged that was noticed, as a sentence. */
  readonly onDamage: (text: string) => void;
}

/** A store, for writing: as long as it is not disposed of. */
export interface OpenStore extends Store, Disposable {
  readonly lock: "shared" | "exclusive";
}

export interface StoreOptions {
  readonly onDamage?: ((text: string) => void) | undefined;
}

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told once what is waited for, as a sentence. */
  readonly onWait?: ((text: string) => void) | undefined;
  readonly timeoutMs?: number | undefined;
}

/** The store below `root`. What is damaged is reported and not used; only an open store throws it out. */
export function storeBelow(root: string, { onDamage }: StoreOptions = {}): Store {
  // One damaged file may be met several times.
  const told = new Set<string>();
  return {
    paths: storePaths(root),
    onDamage(text) {
      if (!told.has(text)) onDamage?.(text);
      told.add(text);
    },
  };
}

/**
 * Opens the store below `root` for writing; waits while others prune it, or,
 * where `kind` is "exclusive", while others use it at all.
 *
 * @throws {MbctlError} (conflict) when that takes too long, (interrupted).
 */
export async function openStore(
  root: string,
  kind: "shared" | "exclusive",
  options: StoreOptions & LockOptions = {},
): Promise<OpenStore> {
  const store = storeBelow(root, options);
  const { signal, timeoutMs } = options;
  const held: HeldLock = await waitForLock(store.paths.lock, kind, "the image store", {
    signal,
    timeoutMs,
    onWait: (holders) => options.onWait?.(sayWait("the image store", holders)),
  });
  return { ...store, lock: kind, [Symbol.dispose]: () => held[Symbol.dispose]() };
}

/** Whether what is damaged may be removed. */
export function isOpen(store: Store): store is OpenStore {
  return "lock" in store;
}

/** `waiting for the image store: another mbctl uses it (process 12)`. */
export function sayWait(what: string, holders: readonly number[]): string {
  const who = namePids(holders);
  return `waiting for ${what}: another mbctl is at work on it${who === "" ? "" : ` (${who})`}`;
}
