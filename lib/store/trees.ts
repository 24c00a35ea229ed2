/**
 * Unpacked root trees, read-only, by the ChainID of their layers: what a machine's
 * own tree is cloned from.
 *
 * A tree is used only with the note that lies beside it, which is written when
 * all of the tree is on the disk.
 *
 * @module
 */

import { renameSync, utimesSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import {
  isErrno,
  listDirectory,
  makeDirectory,
  nameExists,
  readTextIfPresent,
  removeFile,
  syncDirectory,
} from "../host/files.ts";
import { type Digest, whyNoDigest } from "../image/digest.ts";
import {
  digestOfFileName,
  ours,
  stagedTreePrefix,
  treeFactsPath,
  treeLockPath,
  treePath,
} from "./paths.ts";
import { freshName, writeStagedFile } from "./staged_file.ts";
import { type LockOptions, type OpenStore, sayWait, type Store } from "./store.ts";
import { statusOf } from "./stored_file.ts";
import { type HeldLock, hasName, waitForLock } from "../host/waiting_lock.ts";

/** What is done with whole trees (lib/trees/tree.ts, remove_tree.ts). */
export interface TreeTools {
  /** Makes an empty root tree, as the file system likes it best. */
  make(path: string): void;
  /** Makes it read-only, where the file system can. */
  seal(path: string): void;
  /** Removes a tree, a sealed one too; none is no error. */
  remove(path: string): void | Promise<void>;
  /** Waits until all that was written on the file system of the tree lies on its disk. */
  sync(path: string): void | Promise<void>;
}

/** What is noted of a tree when it is made. */
export interface TreeFacts {
  /** The image for which it was made first. */
  readonly manifestDigest: Digest;
  readonly entries: number;
  /** What its files take on the disk. */
  readonly allocatedBytes: number;
}

export interface StoredTree extends TreeFacts {
  readonly chain: Digest;
  readonly path: string;
  /** When it was last cloned: the time of the note. */
  readonly usedMs: number;
}

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const schema = v.object({
  schema: v.literal(1),
  chain: v.string(),
  manifestDigest: v.pipe(
    v.string(),
    v.check((text) => whyNoDigest(text) === undefined, "it is no digest"),
    v.transform((text) => text as Digest),
  ),
  entries: count,
  allocatedBytes: count,
});

/** The stored tree of a stack of layers; undefined when there is none to be relied upon. */
export function findTree(store: Store, chain: Digest): StoredTree | undefined {
  const path = treePath(store.paths, chain);
  const note = treeFactsPath(store.paths, chain);
  if (statusOf(path)?.isDirectory() !== true) return undefined;
  const noted = statusOf(note);
  const text = readTextIfPresent(note);
  if (text === undefined || noted === undefined) return undefined;
  const read = v.safeParse(schema, parseJson(text));
  if (!read.success || read.output.chain !== chain) {
    store.onDamage(`the note beside ${path} is damaged: the tree is not used`);
    return undefined;
  }
  const { schema: _, chain: __, ...facts } = read.output;
  return { ...facts, chain, path, usedMs: noted.mtimeMs };
}

/** The ChainIDs of all trees that are there, sorted, with what else is there: paths. */
export function listTrees(store: Store): { trees: StoredTree[]; strangers: string[] } {
  const trees: StoredTree[] = [];
  const strangers: string[] = [];
  for (const name of listDirectory(store.paths.trees)) {
    const path = join(store.paths.trees, name);
    const chain = digestOfFileName(name.replace(/\.json$/, ""));
    const tree = chain === undefined ? undefined : findTree(store, chain);
    if (tree !== undefined && !name.endsWith(".json")) trees.push(tree);
    // Names that are not ours are left alone: this is no cache folder.
    else if (tree === undefined && (chain !== undefined || name.startsWith(ours)))
      strangers.push(path);
  }
  return { trees, strangers };
}

/** Notes that a tree was cloned. */
export function touchTree(store: OpenStore, chain: Digest, nowMs: number): void {
  try {
    utimesSync(treeFactsPath(store.paths, chain), nowMs / 1000, nowMs / 1000);
  } catch (error) {
    if (!isErrno(error, "ENOENT", "ENOTDIR")) throw error;
  }
}

/**
 * Begins to make the tree of a stack of layers; waits while another mbctl makes it.
 *
 * @returns "present" when it is there, else an empty tree to be filled.
 * @throws {MbctlError} (conflict) when the other one takes too long, (interrupted).
 */
export async function beginTree(
  store: OpenStore,
  chain: Digest,
  tools: TreeTools,
  { signal, onWait, timeoutMs }: LockOptions = {},
): Promise<StagedTree | "present"> {
  if (findTree(store, chain) !== undefined) return "present";
  const what = `the stored tree "${chain}"`;
  const lock = await waitForLock(treeLockPath(store.paths, chain), "exclusive", what, {
    signal,
    timeoutMs,
    onWait: (holders) => onWait?.(sayWait(what, holders)),
  });
  let staged: StagedTree | undefined;
  try {
    if (findTree(store, chain) !== undefined) return "present";
    // 0700 as the machines' own folder: setuid programs of images are out of users' reach.
    makeDirectory(store.paths.machineTrees, 0o700);
    makeDirectory(store.paths.trees, 0o700);
    await clearStaged(store, chain, tools);
    await removeTreeOf(store, chain, tools);
    const path = join(store.paths.trees, freshName(stagedTreePrefix(chain)));
    tools.make(path);
    staged = new StagedTree(store, chain, path, tools, lock);
    return staged;
  } finally {
    if (staged === undefined) giveBack(lock);
  }
}

/** A tree that is being made. Disposing of it without a commit removes it. */
export class StagedTree implements AsyncDisposable {
  readonly path: string;
  readonly #store: OpenStore;
  readonly #chain: Digest;
  readonly #tools: TreeTools;
  readonly #lock: HeldLock;
  #isOpen = true;

  /** @internal Made by {@linkcode beginTree}. */
  constructor(store: OpenStore, chain: Digest, path: string, tools: TreeTools, lock: HeldLock) {
    this.#store = store;
    this.#chain = chain;
    this.path = path;
    this.#tools = tools;
    this.#lock = lock;
  }

  /** Puts it to its place: synced, sealed, renamed. The caller has compared every diff_id. */
  async commit(facts: TreeFacts): Promise<StoredTree> {
    const { paths } = this.#store;
    const chain = this.#chain;
    const { manifestDigest, entries, allocatedBytes } = facts;
    await this.#tools.sync(this.path);
    this.#tools.seal(this.path);
    const note = { schema: 1, chain, manifestDigest, entries, allocatedBytes };
    writeStagedFile(treeFactsPath(paths, chain), Buffer.from(`${JSON.stringify(note)}\n`), {
      mode: 0o600,
      folder: paths.trees,
      prefix: stagedTreePrefix(chain),
      isDurable: true,
    });
    renameSync(this.path, treePath(paths, chain));
    syncDirectory(paths.trees);
    this.#isOpen = false;
    giveBack(this.#lock);
    return { ...facts, chain, path: treePath(paths, chain), usedMs: Date.now() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    try {
      await this.#tools.remove(this.path);
    } finally {
      giveBack(this.#lock);
    }
  }
}

/**
 * Removes a stored tree. It loses its name first: half a tree never has one.
 *
 * @returns when nothing of it is left.
 */
export async function removeTreeOf(
  store: OpenStore,
  chain: Digest,
  tools: Pick<TreeTools, "remove">,
): Promise<void> {
  const path = treePath(store.paths, chain);
  removeFile(treeFactsPath(store.paths, chain));
  if (!nameExists(path)) return;
  const doomed = join(store.paths.trees, freshName(stagedTreePrefix(chain)));
  renameSync(path, doomed);
  await tools.remove(doomed);
}

/** Removes what killed runs left of this very tree. We hold its lock: nobody is at work on it. */
async function clearStaged(store: OpenStore, chain: Digest, tools: TreeTools): Promise<void> {
  for (const name of listDirectory(store.paths.trees)) {
    if (name.startsWith(stagedTreePrefix(chain))) await tools.remove(join(store.paths.trees, name));
  }
}

/** The lock's file is of no use to anybody when nobody holds it. */
function giveBack(lock: HeldLock): void {
  if (hasName(lock.descriptor, lock.path)) removeFile(lock.path);
  lock[Symbol.dispose]();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
