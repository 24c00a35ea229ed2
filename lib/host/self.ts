/**
 * How this program starts itself again, for work that is to have a process of
 * its own: `scripts/mbctl.ts` looks for the hidden first argument before anything else.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { join } from "node:path";

/** What a child of ours does, and the file that does it when it is imported. */
const children = {
  "apply-layers": "../layers/apply_child.ts",
  "connector-client": "../calls/client_child.ts",
  "connector-serve": "../calls/serve_child.ts",
  "copy-tree": "../trees/copy_tree_child.ts",
  "receive-files": "../copy/receive_child.ts",
  relay: "../relay/relay_child.ts",
} as const;

/** The name of a child's work. */
export type ChildWork = keyof typeof children;

/** What stands before the name of the work in the hidden argument. */
export const childArgument = "--mbctl-internal=";

/** A compiled program has its files in a file system of its own, of which no interpreter knows. */
const isCompiled = import.meta.url.includes("/$bunfs/");

/** The words that start a child; what it is to be told follows them. */
export function selfCommand(work: ChildWork): string[] {
  return isCompiled
    ? [process.execPath, `${childArgument}${work}`]
    : [process.execPath, join(import.meta.dir, children[work])];
}

/** Where `make install` and packages put mbctl. */
const installed = ["/usr/local/bin/mbctl", "/usr/bin/mbctl"];

/**
 * The compiled program: an installed one is preferred to the one that runs.
 *
 * @param root where the host's file system begins.
 * @returns undefined where mbctl is not installed, and runs from its source.
 */
export function installedProgram(root: string): string | undefined {
  const program = installed.map((path) => join(root, path)).find((path) => existsSync(path));
  return program ?? (isCompiled ? process.execPath : undefined);
}

/**
 * The words by which a unit starts a child. Units outlive this process, so an installed mbctl is preferred to the one
 * that runs; without one they name this very program, or the checkout that it runs from, which must then stay where
 * they are.
 *
 * @param root where the host's file system begins.
 */
export function unitCommand(root: string, work: ChildWork): string[] {
  const program = installed.find((path) => existsSync(join(root, path)));
  return program === undefined ? selfCommand(work) : [program, `${childArgument}${work}`];
}

/**
 * Variables for a child whose work is a loop of system calls and done in a second:
 * to translate that loop as well as JavaScriptCore can takes longer than it saves.
 */
export const quickStart = { BUN_JSC_useFTLJIT: "0" } as const;
