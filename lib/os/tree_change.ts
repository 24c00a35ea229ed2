/**
 * A change of a root tree, as data: settling is a list of them. Paths are the tree's own.
 *
 * @module
 */

/** Ids as the machine sees them. */
export interface TreeOwner {
  readonly uid: number;
  readonly gid: number;
}

const root: TreeOwner = { uid: 0, gid: 0 };

export type TreeChange =
  /** In the place of whatever has the name, but for a folder. Without mode and owner as the file had them. */
  | {
      readonly kind: "write";
      readonly path: string;
      readonly text: string;
      readonly mode?: number;
      readonly owner?: TreeOwner;
    }
  /** In the place of whatever has the name, but for a folder. */
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  /** A file, a link or a whole folder; none is no error. */
  | { readonly kind: "remove"; readonly path: string }
  /** All that a folder holds. */
  | { readonly kind: "empty"; readonly path: string }
  /** A copy of a folder at a free name, with an owner of its own; only of files, folders and links. */
  | {
      readonly kind: "copy-folder";
      readonly from: string;
      readonly path: string;
      readonly mode: number;
      readonly owner: TreeOwner;
    };

/** A file of root's. */
export function write(path: string, text: string, mode = 0o644): TreeChange {
  return { kind: "write", path, text, mode, owner: root };
}

/** The same file with another text. */
export function rewrite(path: string, text: string): TreeChange {
  return { kind: "write", path, text };
}

/** A link at a name, in the place of whatever has it. */
export function link(path: string, target: string): TreeChange {
  return { kind: "link", path, target };
}

/** Nothing at a name. */
export function remove(path: string): TreeChange {
  return { kind: "remove", path };
}
