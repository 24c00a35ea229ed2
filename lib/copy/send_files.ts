/**
 * Files of the host as a tar stream.
 *
 * @module
 */

import { constants } from "node:fs";
import { type FileHandle, lstat, open, readdir, readlink, stat } from "node:fs/promises";
import { MbctlError } from "../errors.ts";
import { isErrno } from "../host/files.ts";
import { paddingBytes } from "../image/ustar.ts";
import { renderTarHead, tarEnd, type TarHead } from "./tar_writer.ts";

export interface SendOptions {
  /** Whom the files are to belong to; their own owners by default. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  /** Told of what is neither a file, a folder nor a link, and is left out. */
  readonly onLeftOut: (path: string) => void;
}

/** What is sent. */
export interface SentThing {
  readonly kind: "file" | "directory";
  /** Permission bits of a folder, which itself is not in the stream. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

const chunkBytes = 256 * 1024;

/**
 * What lies at a path; a link there is followed.
 *
 * @throws {MbctlError} (usage) when there is nothing, or neither a file nor a folder.
 */
export async function readThing(path: string): Promise<SentThing> {
  try {
    const { mode, uid, gid, ...entry } = await readStat(path);
    const kind = entry.isFile ? "file" : entry.isDirectory ? "directory" : undefined;
    if (kind !== undefined) return { kind, mode: mode & 0o7777, uid, gid };
  } catch (error) {
    throw explain(path, error);
  }
  throw new MbctlError("usage", `Cannot copy "${path}": it is no file and no folder`);
}

async function readStat(path: string) {
  const entry = await stat(path);
  const { mode, uid, gid } = entry;
  return { mode, uid, gid, isFile: entry.isFile(), isDirectory: entry.isDirectory() };
}

/**
 * The stream: of a file under the name given, of a folder what is in it, links as links.
 *
 * @throws {MbctlError} (usage) for what cannot be read, (failed) for a file that shrinks meanwhile.
 */
export async function* sendFiles(
  path: string,
  { kind }: SentThing,
  name: string,
  options: SendOptions,
): AsyncGenerator<Uint8Array, void, void> {
  if (kind === "directory") yield* sendFolder(Buffer.from(path), Buffer.from("."), options);
  else yield* sendFile(Buffer.from(path), Buffer.from(name), options, true);
  yield tarEnd;
}

async function* sendFolder(
  path: Buffer,
  name: Buffer,
  options: SendOptions,
): AsyncGenerator<Uint8Array, void, void> {
  for (const child of (await tried(path, readdir(path, { encoding: "buffer" }))).sort(
    Buffer.compare,
  )) {
    const childPath = below(path, child);
    const childName = below(name, child);
    const entry = await tried(childPath, lstat(childPath));
    const head = headOf(childName, entry, options);
    if (entry.isDirectory()) {
      yield renderTarHead({ ...head, type: "directory", sizeBytes: 0 });
      yield* sendFolder(childPath, childName, options);
    } else if (entry.isSymbolicLink()) {
      const linkName = await tried(childPath, readlink(childPath, { encoding: "buffer" }));
      yield renderTarHead({ ...head, type: "link", linkName, sizeBytes: 0 });
    } else if (entry.isFile()) yield* sendFile(childPath, childName, options);
    else options.onLeftOut(childPath.toString());
  }
}

async function* sendFile(
  path: Buffer,
  name: Buffer,
  options: SendOptions,
  isTop = false,
): AsyncGenerator<Uint8Array, void, void> {
  // What was a file a moment ago may be a link or a pipe now.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (isTop ? 0 : constants.O_NOFOLLOW);
  await using file: FileHandle = await tried(path, open(path, flags));
  const entry = await file.stat();
  if (!entry.isFile()) return options.onLeftOut(path.toString());
  yield renderTarHead({ ...headOf(name, entry, options), type: "file", sizeBytes: entry.size });
  const buffer = new Uint8Array(chunkBytes);
  for (let left = entry.size; left > 0;) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(left, chunkBytes));
    if (bytesRead === 0) {
      throw new MbctlError("failed", `Cannot copy "${path}": it became shorter meanwhile`);
    }
    left -= bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
  yield new Uint8Array(paddingBytes(entry.size));
}

function headOf(
  name: Buffer,
  entry: { mode: number; uid: number; gid: number; mtimeMs: number },
  { owner = entry }: SendOptions,
): Omit<TarHead, "type" | "sizeBytes"> {
  return {
    name,
    mode: entry.mode & 0o7777,
    uid: owner.uid,
    gid: owner.gid,
    modified: Math.floor(entry.mtimeMs / 1000),
  };
}

function below(folder: Buffer, name: Buffer): Buffer {
  return Buffer.concat([folder, Buffer.from("/"), name]);
}

async function tried<T>(path: Buffer, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw explain(path.toString(), error);
  }
}

function explain(path: string, error: unknown): unknown {
  if (isErrno(error, "ENOENT", "ENOTDIR")) {
    return new MbctlError("usage", `Cannot copy "${path}": there is no such file or folder`);
  }
  if (!isErrno(error, "EACCES", "EPERM", "ELOOP", "ENAMETOOLONG")) return error;
  return new MbctlError("usage", `Cannot copy "${path}": it cannot be read`, { cause: error });
}
