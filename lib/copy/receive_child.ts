/**
 * The receiving process: a tar stream on its standard input becomes files below the folder that it is given, and
 * what came is told on its standard output. Importing it does the work. It reads without a pause, so it is a process
 * of its own, and is stopped by killing it.
 *
 * @module
 */

import { readSync, writeSync } from "node:fs";
import process from "node:process";
import { LayerError } from "../layers/layer_error.ts";
import { receiveTree } from "./received_tree.ts";
import type { ReceiveReport } from "./receive_files.ts";

const [folder = "", owners = ""] = process.argv.slice(-2);
process.umask(0);
let report: ReceiveReport;
try {
  const read = (buffer: Buffer, offset: number, length: number) =>
    readSync(0, buffer, offset, length, null);
  report = { done: receiveTree(read, folder, owners === "keep-owners") };
} catch (error) {
  const { code } = error as NodeJS.ErrnoException;
  if (!(error instanceof LayerError) && code === undefined) throw error;
  const { entry } = error as LayerError;
  report = { failure: { entry, state: (error as Error).message } };
}
writeSync(1, `${JSON.stringify(report)}\n`);
