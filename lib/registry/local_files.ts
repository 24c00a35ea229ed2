/**
 * The files of a local image, wherever they lie: in a folder, or in a tar file
 * that is read in place.
 *
 * @module
 */

import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { listTarMembers, type TarMember } from "./tar_members.ts";

/** Bytes of a file that are read at once. */
const chunkBytes = 256 * 1024;

/** An open file of an image. */
export interface LocalFile extends AsyncDisposable {
  readonly sizeBytes: number;
  /** Its bytes from an offset to its end; throws when it has become shorter. */
  read(offset: number, signal?: AbortSignal): AsyncGenerator<Uint8Array, void>;
}

/** The files of an image, by their paths in it. */
export interface LocalFiles extends AsyncDisposable {
  /** Undefined where there is no plain file of that name. */
  open(name: string): Promise<LocalFile | undefined>;
}

/**
 * A folder. A link in the place of a file is not followed, and nothing but a
 * plain file is opened: a fifo would never end.
 *
 * @throws the error of the file system.
 */
export async function openFolder(path: string): Promise<LocalFiles> {
  await using folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  await folder.stat();
  return {
    async open(name) {
      const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
      let file: FileHandle;
      try {
        file = await open(join(path, name), flags);
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code ?? "";
        if (["ENOENT", "ENOTDIR", "ELOOP", "ENXIO"].includes(code)) return undefined;
        throw error;
      }
      const facts = await file.stat();
      if (!facts.isFile()) {
        await file.close();
        return undefined;
      }
      return {
        sizeBytes: facts.size,
        read: (offset, signal) => readRange(file, offset, facts.size, signal),
        [Symbol.asyncDispose]: () => file.close(),
      };
    },
    async [Symbol.asyncDispose]() {},
  };
}

/**
 * A tar file.
 *
 * @returns undefined when it cannot be read in place: it is compressed.
 * @throws the error of the file system; {Error} saying how the archive is broken.
 */
export async function openArchive(path: string): Promise<LocalFiles | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  let members: ReadonlyMap<string, TarMember> | undefined;
  try {
    if (!(await file.stat()).isFile()) throw new Error("it is no plain file");
    members = await listTarMembers(file);
  } catch (error) {
    await file.close();
    throw error;
  }
  if (members === undefined) {
    await file.close();
    return undefined;
  }
  return {
    async open(name) {
      const member = members.get(name);
      if (member === undefined) return undefined;
      const { offset, sizeBytes } = member;
      return {
        sizeBytes,
        read: (from, signal) => readRange(file, offset + from, offset + sizeBytes, signal),
        async [Symbol.asyncDispose]() {},
      };
    },
    [Symbol.asyncDispose]: () => file.close(),
  };
}

async function* readRange(
  file: FileHandle,
  start: number,
  end: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void> {
  for (let at = start; at < end;) {
    signal?.throwIfAborted();
    const chunk = Buffer.allocUnsafeSlow(Math.min(chunkBytes, end - at));
    const { bytesRead } = await file.read(chunk, 0, chunk.length, at);
    if (bytesRead === 0) throw new Error("the file has become shorter");
    at += bytesRead;
    yield chunk.subarray(0, bytesRead);
  }
}
