/**
 * What nft lists of a table, made comparable.
 *
 * @module
 */

/** A set whose elements packets put in, as nft 1.0.6 to 1.1.7 lists it: its head, and its elements. */
const dynamicSet =
  /^(\tset \S+ \{\n(?:\t\t(?!elements = ).*\n)*?\t\tflags (?:\S*,)?dynamic\S*\n(?:\t\t(?!elements = ).*\n)*)\t\telements = \{[^}]*\}\n/gm;

/** How many elements a set of limited size has: a comment since nft 1.1.1. */
const setCount = /(?<=^\t\tsize \d+)\t# count \d+$/gm;

/** Leaves out what packets have put into sets; counters are left out by nft itself (--stateless). */
export function withoutLearned(listing: string): string {
  return listing.replace(dynamicSet, "$1").replaceAll(setCount, "");
}
