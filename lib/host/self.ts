/**
 * How this program starts itself again, for work that is to have a process of
 * its own: `scripts/mbctl.ts` looks for the hidden first argument before anything else.
 *
 * @module
 */

import { join } from "node:path";

/** What a child of ours does, and the file that does it when it is imported. */
const children = {
  "apply-layers": "../layers/apply_child.ts",
  "copy-tree": "../trees/copy_tree_child.ts",
  "receive-files": "../copy/receive_child.ts",
  relay: "../relay/relay_child.ts",
} as const;

/** The name of a child's work. */
export type ChildWork = keyof typeof children;

/** What stands before the name of the work in the hidden argument. */
export const childArgument = "--mbctl-internal=";

/** The words that start a child; what it is to be told follows them. */
export function selfCommand(work: ChildWork): string[] {
  // A compiled program has its files in a file system of its own, of which no interpreter knows.
  return import.meta.url.includes("/$bunfs/")
    ? [process.execPath, `${childArgument}${work}`]
    : [process.execPath, join(import.meta.dir, children[work])];
}

/**
 * Variables for a child whose work is a loop of system calls and done in a second:
 * to translate that loop as well as JavaScriptCore can takes longer than it saves.
 */
export const quickStart = { BUN_JSC_useFTLJIT: "0" } as const;
