/**
 * The calling process: `SOCKET COMMAND WORD…` on its command line. Importing it does the work. It runs in images of any
 * kind, for every call: it loads nothing that it does not need.
 *
 * @module
 */

import { readFileSync, writeSync } from "node:fs";
import process from "node:process";
import { childArgument } from "../host/self.ts";
import { callConnector } from "./client.ts";

const own = process.argv.findIndex((word) => word.startsWith(childArgument));
const [socket = "", ...argv] = process.argv.slice(own < 0 ? 2 : own + 1);

/** Bun puts another character in the place of what is no UTF-8: the command would be told something else, unnoticed. */
function isUnchanged(): boolean {
  const said = Buffer.from(`${argv.join("\0")}\0`);
  return (
    argv.length === 0 || readFileSync("/proc/self/cmdline").subarray(-said.length).equals(said)
  );
}

if (isUnchanged()) {
  process.exitCode = await callConnector(socket, argv);
} else {
  writeSync(2, "Cannot run the command: its words are no UTF-8\n");
  process.exitCode = 125;
}
