/**
 * A child of the copy of a tree: takes frames from its standard input, does what
 * they say between the two roots that it was given as descriptors 3 and 4, and
 * answers each on its standard output. Importing it does the work, to the end of input.
 *
 * @module
 */

import { readSync, writeSync } from "node:fs";
import process from "node:process";
import { EntryCopier } from "./copy_tree_entries.ts";
import { FrameCollector } from "./copy_tree_frame.ts";

process.umask(0);
const copier = new EntryCopier({
  from: 3,
  to: 4,
  reflink: process.argv.includes("--reflink"),
  bornToRoot: process.argv.includes("--born-to-root"),
});
const frames = new FrameCollector();
for (;;) {
  const frame = frames.next();
  if (frame === undefined) {
    const length = readSync(0, frames.room);
    if (length === 0) break;
    frames.add(length);
    continue;
  }
  const reply = copier.run(frame);
  for (let at = 0; at < reply.length;) at += writeSync(1, reply, at);
}
