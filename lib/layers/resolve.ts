/**
 * Paths inside a root tree, resolved as a process with that root would: links
 * lead where they lead from there, and `..` stops there. Sound because nobody
 * else changes the tree meanwhile.
 *
 * @module
 */

import { fixedMemory, readLinkAt } from "../host/libc_at.ts";
import type { DirectoryNode } from "./directory_node.ts";
import { LayerError } from "./layer_error.ts";
import { NameMemory } from "./name_memory.ts";
import { isCode, type RootDirectories } from "./root_directories.ts";

/** As many links as the reference follows on one path (cyphar/filepath-securejoin). */
const maxLinks = 255;

/** Where a path leads: the deepest directory that is there, and what is missing below it. */
interface Place {
  readonly node: DirectoryNode;
  readonly missing: readonly string[];
}

/**
 * Follows a path, all of its components, as far as directories go. A name that is
 * missing, or no directory, may still be left again by `..`: by the text alone.
 */
function follow(tree: RootDirectories, path: string): Place {
  let node = tree.root;
  const missing: string[] = [];
  const left = path.split("/").reverse();
  let links = 0;
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      if (missing.length > 0) missing.pop();
      else node = node.parent ?? node;
      continue;
    }
    const child = missing.length > 0 ? undefined : node.children?.get(name);
    if (child !== undefined) {
      node = child;
      continue;
    }
    const target = missing.length > 0 ? undefined : readLink(tree, node, name);
    if (target !== undefined) {
      if (++links > maxLinks) {
        throw new LayerError(`its path goes over more than ${maxLinks} links`);
      }
      if (target.startsWith("/")) node = tree.root;
      left.push(...target.split("/").reverse());
      continue;
    }
    missing.push(name);
  }
  return { node, missing };
}

const linkName = new NameMemory();
const linkText = fixedMemory(4096);
const linkBytes = Buffer.from(linkText.bytes.buffer);

/** The text of a link; undefined where there is none. */
function readLink(tree: RootDirectories, node: DirectoryNode, name: string): string | undefined {
  try {
    const length = readLinkAt(tree.fileOf(node), linkName.put(name), linkText);
    return linkBytes.toString("latin1", 0, length);
  } catch (error) {
    if (isCode(error, "ENOENT") || isCode(error, "EINVAL")) return undefined;
    throw error;
  }
}

/** The directory that a path leads to, or undefined when there is none. */
export function findDirectory(tree: RootDirectories, path: string): DirectoryNode | undefined {
  if (path === "") return tree.root;
  const { node, missing } = follow(tree, path);
  return missing.length === 0 ? node : undefined;
}

/** Finds the parents of entries, makes those that are missing, and remembers the last one. */
export class ParentDirectories {
  readonly #tree: RootDirectories;
  #path: string | undefined;
  #node: DirectoryNode;
  #changes = -1;
  #layer = -1;

  constructor(tree: RootDirectories) {
    this.#tree = tree;
    this.#node = tree.root;
  }

  /**
   * The directory that a path leads to, made where it is missing, and touched by
   * the layer at hand.
   *
   * @throws {LayerError} where something else is in the way.
   */
  get(path: string): DirectoryNode {
    const tree = this.#tree;
    const isKnown =
      path === this.#path && tree.changes === this.#changes && tree.layer === this.#layer;
    if (isKnown) return this.#node;
    let node = tree.root;
    if (path !== "") {
      const place = follow(tree, path);
      node = place.node;
      for (const name of place.missing) node = tree.make(node, name, true);
    }
    tree.touch(node);
    this.#path = path;
    this.#node = node;
    this.#changes = tree.changes;
    this.#layer = tree.layer;
    return node;
  }
}
