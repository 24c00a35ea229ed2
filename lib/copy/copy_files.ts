/**
 * `machines cp`: files of the host into a machine, and back.
 *
 * @module
 */

import { closeSync, write } from "node:fs";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { usageError } from "../errors.ts";
import { isErrno } from "../host/files.ts";
import { makePipe } from "../host/libc.ts";
import type { Spawn } from "../host/spawn.ts";
import type { MachineView } from "./machine_view.ts";
import { lastPart } from "./operand.ts";
import { receiveFiles } from "./receive_files.ts";
import receiveScript from "./receive.sh" with { type: "text" };
import { readThing, sendFiles } from "./send_files.ts";
import sendScript from "./send.sh" with { type: "text" };

const writeAsync = promisify(write);

export interface CopyInOptions {
  /** Whom the files belong to then; by default the machine's program. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  /** They keep the ids that they have on the host. */
  readonly keepsOwners: boolean;
  /** Told of what is left out: devices, sockets and pipes. */
  readonly onLeftOut: (path: string) => void;
}

/**
 * Copies a file or folder of the host into a machine.
 *
 * @param source absolute; a link there is followed. With `/.` at its end a folder's contents are meant.
 * @throws {MbctlError} when it cannot be read, or the machine has no place for it.
 */
export async function copyIn(
  view: MachineView,
  source: string,
  path: string,
  { owner, keepsOwners, onLeftOut }: CopyInOptions,
): Promise<void> {
  const thing = await readThing(source);
  const { name, isContents } = lastPart(source);
  const user = keepsOwners ? undefined : (owner ?? (await view.readUser()));
  const kind = thing.kind === "file" ? "file" : isContents ? "contents" : "directory";
  const { uid, gid } = user ?? thing;
  const words = [path, kind, name, `${uid}:${gid}`, thing.mode.toString(8), stateOf(view)];
  const pipe = makePipe();
  const received = view
    .run(receiveScript, words, { stdin: pipe.readEnd })
    .finally(() => closeSync(pipe.readEnd));
  const stream = sendFiles(source, thing, name, { owner: user, onLeftOut });
  const sent = writeStream(stream, pipe.writeEnd).finally(() => closeSync(pipe.writeEnd));
  const [read, wrote] = await Promise.allSettled([received, sent]);
  // A source that fails cuts the stream off; what the machine says of that is not the reason.
  if (wrote.status === "rejected") throw wrote.reason;
  if (read.status === "rejected") throw read.reason;
}

/** Copies a tar stream of the user's into a folder of a machine; its owners count there. */
export async function copyStreamIn(view: MachineView, path: string, stdin: number): Promise<void> {
  await view.run(receiveScript, [path, "stream", "", "", "", stateOf(view)], { stdin });
}

/**
 * Copies a file or folder of a machine to the host.
 *
 * @param destination as the user wrote it, below the folder `from`.
 * @param keepsOwners whether files keep their ids in the machine; else they are the caller's.
 * @returns what was left out: devices, sockets and pipes.
 * @throws {MbctlError} when it is not there, or has no place here.
 */
export async function copyOut(
  view: MachineView,
  spawn: Spawn,
  path: string,
  destination: string,
  from: string,
  keepsOwners: boolean,
): Promise<readonly string[]> {
  const { name, isContents } = lastPart(path);
  const target = {
    path: resolve(from, destination),
    isFolder: destination.endsWith("/"),
    name,
    isContents,
  };
  return await receiveFiles(spawn, target, keepsOwners, (stdout) =>
    view.run(sendScript, [path, "contents"], { stdout }),
  );
}

/** Writes a file or folder of a machine as a tar stream. */
export async function copyStreamOut(
  view: MachineView,
  path: string,
  stdout: number,
): Promise<void> {
  await view.run(sendScript, [path, "named"], { stdout });
}

/** @throws {MbctlError} (usage) for an owner that is not `UID:GID`. */
export function parseOwner(text: string): { readonly uid: number; readonly gid: number } {
  const [, uid, gid] = /^(\d{1,5}):(\d{1,5})$/.exec(text) ?? [];
  if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  throw usageError(`Cannot use the owner ${JSON.stringify(text)}: it is not UID:GID, in numbers`);
}

function stateOf({ isRunning }: MachineView): string {
  return isRunning ? "running" : "stopped";
}

/** Writes until nobody reads any more: why, the reader says itself. */
async function writeStream(stream: AsyncIterable<Uint8Array>, descriptor: number): Promise<void> {
  try {
    for await (const chunk of stream) {
      for (let at = 0; at < chunk.length;) {
        at += (await writeAsync(descriptor, chunk, at, chunk.length - at, null)).bytesWritten;
      }
    }
  } catch (error) {
    if (!isErrno(error, "EPIPE")) throw error;
  }
}
