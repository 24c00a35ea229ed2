/**
 * The code under test, in a place where it could do harm: beside the tree lie things that no layer may touch.
 *
 * @module
 */

import { dlopen } from "bun:ffi";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseDigest } from "../../lib/image/digest.ts";
import {
  ApplyError,
  type ApplyPlainOptions,
  applyPlainLayers,
  type PlainLayer,
} from "../../lib/layers/apply_plain.ts";
import { readTree } from "./snapshot.ts";
import { makeOutside, type Workbench } from "./workbench.ts";

/** Longest time that a stack may take, in seconds. */
const patience = 60;
/**
 * Nothing in this process can end what the code under test began: it waits in the kernel, as in open(2) of
 * a fifo. The kernel's own alarm clock ends the tests then, with "Alarm clock".
 */
const { alarm } = dlopen("libc.so.6", { alarm: { args: ["u32"], returns: "u32" } }).symbols;

/** What became of a stack. */
export interface Attempt {
  readonly tree: string;
  readonly isAccepted: boolean;
  /** Layer, entry and the error's words; nothing where it is accepted. */
  readonly said: string;
  readonly warnings: readonly string[];
  /** All that is not the tree: what is beside it (`../outside`), above it, and `bench.outside`. */
  readonly untouched: { readonly before: string[]; readonly after: string[] };
}

/**
 * Applies plain layers to a new tree.
 *
 * @throws what is no refusal: only an {@linkcode ApplyError} is one.
 */
export function attempt(
  bench: Workbench,
  layers: readonly (Uint8Array | PlainLayer)[],
  options: ApplyPlainOptions = {},
): Attempt {
  const folder = bench.makeFolder();
  const tree = join(folder, "tree");
  mkdirSync(tree, { mode: 0o700 });
  makeOutside(join(folder, "outside"));
  const files = layers.map((layer, index): PlainLayer => {
    if (!(layer instanceof Uint8Array)) return layer;
    const path = join(folder, `${index}.tar`);
    writeFileSync(path, layer);
    const hex = createHash("sha256").update(layer).digest("hex");
    return { path, diffId: parseDigest(`sha256:${hex}`) };
  });
  const look = () => [
    ...readdirSync(bench.folder),
    ...[folder, bench.outside].flatMap((path) =>
      readTree(path, "tree").map((name) => `${name.path} ${name.text} ${name.mtime}`),
    ),
  ];
  const before = look();
  const warnings: string[] = [];
  let said = "";
  alarm(patience);
  try {
    applyPlainLayers(files, tree, { onWarning: (text) => warnings.push(text), ...options });
  } catch (error) {
    if (!(error instanceof ApplyError)) throw error;
    said = `layer ${error.layer}, ${error.entry}: ${error.message}`;
  } finally {
    alarm(0);
  }
  return { tree, isAccepted: said === "", said, warnings, untouched: { before, after: look() } };
}
