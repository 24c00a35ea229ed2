/**
 * A tar stream from a machine becomes files of the host: staged beside their place, then moved there.
 *
 * @module
 */

import { closeSync, lstatSync, mkdtempSync, readdirSync, renameSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { createReadStream } from "node:fs";
import { MbctlError } from "../errors.ts";
import { isErrno } from "../host/files.ts";
import { makePipe } from "../host/libc.ts";
import { selfCommand } from "../host/self.ts";
import type { Spawn } from "../host/spawn.ts";
import { removeTree } from "../trees/remove_tree.ts";
import type { Received } from "./received_tree.ts";

/** What the receiving process says. */
export type ReceiveReport =
  | { readonly done: Received }
  | { readonly failure: { readonly entry: string | undefined; readonly state: string } };

/** Where what comes is to go. */
export interface Destination {
  /** Absolute. */
  readonly path: string;
  /** Whether the path ends in a slash: it must be a folder. */
  readonly isFolder: boolean;
  /** What the thing is called in the machine. */
  readonly name: string;
  /** Whether of a folder the contents are wanted, in a folder that is there. */
  readonly isContents: boolean;
}

/**
 * Receives what `send` writes into a descriptor, and moves it to its place, as cp -r and podman cp do: into a folder
 * that is there, else under the name given; files are replaced, folders joined.
 *
 * @returns what was left out.
 * @throws {MbctlError} (usage) when it cannot go there, (failed) when what came is broken; what `send` throws.
 */
export async function receiveFiles(
  spawn: Spawn,
  destination: Destination,
  keepsOwners: boolean,
  send: (descriptor: number) => Promise<void>,
): Promise<readonly string[]> {
  const stage = makeStage(destination);
  try {
    const received = await receiveInto(spawn, stage, keepsOwners, send);
    place(stage, received, destination);
    return received.leftOut.map((name) => Buffer.from(name, "latin1").toString());
  } finally {
    removeTree(stage);
  }
}

async function receiveInto(
  spawn: Spawn,
  stage: string,
  keepsOwners: boolean,
  send: (descriptor: number) => Promise<void>,
): Promise<Received> {
  const [stream, answer] = [makePipe(), makePipe()];
  using child = spawn(
    [...selfCommand("receive-files"), stage, keepsOwners ? "keep-owners" : "own"],
    { stdin: stream.readEnd, stdout: answer.writeEnd },
  );
  closeSync(stream.readEnd);
  closeSync(answer.writeEnd);
  const said = text(createReadStream("", { fd: answer.readEnd }));
  const sent = send(stream.writeEnd).finally(() => closeSync(stream.writeEnd));
  const [outcome] = await Promise.allSettled([sent, child.done(), said]);
  // What the machine says of its own failure explains a stream that broke off.
  if (outcome.status === "rejected") throw outcome.reason;
  await child.done();
  const report: ReceiveReport = JSON.parse(await said);
  if ("done" in report) return report.done;
  const { entry, state } = report.failure;
  const of = entry === undefined ? "what came" : JSON.stringify(entry);
  throw new MbctlError("failed", `Cannot copy ${of} from the machine: ${state}`);
}

/** A hidden folder on the file system where the files go. */
function makeStage({ path, isFolder }: Destination): string {
  const entry = entryOf(path);
  if (entry === undefined && isFolder && entryOf(dirname(path)) === undefined) throw noFolder(path);
  const folder = entry?.isDirectory() ? path : dirname(path);
  if (!entryOf(folder)?.isDirectory()) throw noFolder(path);
  try {
    return mkdtempSync(join(folder, ".mbctl-cp-"));
  } catch (error) {
    if (!isErrno(error, "ENOENT", "EACCES", "EPERM", "EROFS")) throw error;
    throw new MbctlError("usage", `Cannot copy to "${path}": nothing can be written there`, {
      hint: "copy to a folder that can be written to",
    });
  }
}

function place(stage: string, { kind, name }: Received, destination: Destination): void {
  const { path, isFolder, isContents } = destination;
  const entry = entryOf(path);
  const into = bytesOf(entry?.isDirectory() ? join(path, destination.name) : path);
  if (kind === "file") {
    if (entry === undefined && isFolder) throw noFolder(path);
    moveOver(`${bytesOf(stage)}/${name}`, into);
    return;
  }
  if (entry !== undefined && !entry.isDirectory()) throw cannotReplace(path, "it is no folder");
  moveOver(bytesOf(stage), isContents && entry !== undefined ? bytesOf(path) : into);
}

/** A path as Latin-1, one character for each byte: names of the machine's need not be UTF-8. */
function bytesOf(path: string): string {
  return Buffer.from(path).toString("latin1");
}

function rawPath(path: string): Buffer {
  return Buffer.from(path, "latin1");
}

/** Moves one thing over another: folders are joined, everything else is replaced; a folder and a file never. */
function moveOver(from: string, to: string): void {
  checkMove(from, to);
  move(from, to);
}

function checkMove(from: string, to: string): void {
  const one = lstatSync(rawPath(from));
  const two = lstatSync(rawPath(to), { throwIfNoEntry: false });
  if (two === undefined) return;
  if (one.isDirectory() !== two.isDirectory()) {
    throw cannotReplace(
      rawPath(to).toString(),
      one.isDirectory() ? "it is no folder" : "it is a folder",
    );
  }
  if (!one.isDirectory()) return;
  for (const name of namesIn(from)) checkMove(`${from}/${name}`, `${to}/${name}`);
}

function move(from: string, to: string): void {
  const isJoined =
    lstatSync(rawPath(from)).isDirectory() &&
    lstatSync(rawPath(to), { throwIfNoEntry: false }) !== undefined;
  if (!isJoined) renameSync(rawPath(from), rawPath(to));
  else for (const name of namesIn(from)) move(`${from}/${name}`, `${to}/${name}`);
}

function namesIn(folder: string): string[] {
  return readdirSync(rawPath(folder), { encoding: "latin1" });
}

function entryOf(path: string) {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (isErrno(error, "ENOTDIR")) return undefined;
    throw error;
  }
}

function noFolder(path: string): MbctlError {
  return new MbctlError("usage", `Cannot copy to "${path}": there is no folder to put it into`, {
    hint: `mkdir -p ${dirname(join(path, basename(path)))}`,
  });
}

function cannotReplace(path: string, state: string): MbctlError {
  return new MbctlError("conflict", `Cannot replace "${path}": ${state}`, {
    hint: "copy to another path, or remove what is there",
  });
}
