/**
 * What a layer case is: a row of data.
 *
 * @module
 */

/** Plain tar streams, lowest first. */
export type Layers = readonly Uint8Array[];

export interface LayerCase {
  /** A sentence: what happens. */
  readonly name: string;
  /**
   * The stack; it may name a folder outside of the tree that must not change, by its absolute path.
   * `../outside` is the same folder.
   */
  readonly layers: Layers | ((outside: string) => Layers);
  readonly expect: Expectation;
}

/**
 * - `same`: the reference accepts the stack, and the trees are equal.
 * - `refused`: so do both; ours says this.
 * - `tree`: the reference gives another tree, or none, and is wrong; the right tree is what it makes
 *   of these plainer layers.
 * - `refuses`: the reference accepts, and should not; ours says this.
 */
export type Expectation =
  | { readonly kind: "same" }
  | { readonly kind: "refused"; readonly says: RegExp }
  | { readonly kind: "tree"; readonly layers: Layers; readonly because: string }
  | { readonly kind: "refuses"; readonly says: RegExp; readonly because: string };

/** Equal to the reference, which accepts. */
export const same: Expectation = { kind: "same" };

/** Refused by both. */
export function refused(says: RegExp): Expectation {
  return { kind: "refused", says };
}

/** The reference is wrong: the tree is to be that of other layers. */
export function treeOf(because: string, ...layers: Layers): Expectation {
  return { kind: "tree", layers, because };
}

/** The reference is wrong: it accepts. */
export function refuses(says: RegExp, because: string): Expectation {
  return { kind: "refuses", says, because };
}
