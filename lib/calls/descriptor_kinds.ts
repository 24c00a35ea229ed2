/**
 * What a client hands over as standard input, output and error.
 *
 * @module
 */

import { closeSync, fchmodSync, fstatSync } from "node:fs";
import { makePipe } from "../host/libc.ts";
import { readTerminalModes } from "../host/libc_terminal.ts";
import { CallError } from "./call_error.ts";

/** Standard input, output and error. */
export type Stdio = readonly [input: number, output: number, error: number];

/** Whether it is a terminal. Nothing is asked of what is no device: a file system of the client's could keep us waiting. */
export function isTerminal(descriptor: number): boolean {
  return fstatSync(descriptor).isCharacterDevice() && readTerminalModes(descriptor) !== undefined;
}

/**
 * Whether what is typed is for others as well: `psql | less`. Nobody knows whether the command wants any of it, and what we
 * took would be missing there.
 */
export function isInputShared(): boolean {
  if (!isTerminal(0)) return false;
  const output = fstatSync(1);
  return output.isFIFO() || output.isSocket();
}

/**
 * Refuses what no shell hands over: from a folder of the client's, one of the machine that serves could go on to its
 * whole tree (openat(2)).
 *
 * @throws {CallError}
 */
export function checkStdio(stdio: Stdio): void {
  for (const [index, descriptor] of stdio.entries()) {
    const stat = fstatSync(descriptor);
    if (stat.isDirectory() || stat.isBlockDevice() || stat.isSymbolicLink()) {
      throw new CallError(126, `Cannot run the command: descriptor ${index} is no file or stream`);
    }
  }
}

/** st_dev of all pipes that have no name. */
let pipeDevice: number | undefined;

/**
 * Lets a command of another user open a pipe by /dev/stdin, /dev/stdout and /dev/stderr, as many configurations of
 * servers have it, in the direction which it has already. Nobody else gets to a pipe without a name.
 */
export function openPipesToAll([input, ...outputs]: Stdio): void {
  addMode(input, 0o444);
  for (const output of outputs) addMode(output, 0o222);
}

function addMode(descriptor: number, mode: number): void {
  const stat = fstatSync(descriptor);
  if (!stat.isFIFO() || stat.dev !== devOfPipes()) return;
  fchmodSync(descriptor, (stat.mode & 0o777) | mode);
}

function devOfPipes(): number {
  if (pipeDevice === undefined) {
    const { readEnd, writeEnd } = makePipe();
    pipeDevice = fstatSync(readEnd).dev;
    closeSync(readEnd);
    closeSync(writeEnd);
  }
  return pipeDevice;
}
