/**
 * Writes an archive: a tar of a manifest and of one compressed tar for each part, so that tar(1) and zstd(1) alone
 * get everything out of it. Each part is streamed into its place, and what is said of it filled in afterwards.
 *
 * @module
 */

import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  read,
  renameSync,
  write,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import type { Transform } from "node:stream";
import { promisify } from "node:util";
import { createZstdCompress } from "node:zlib";
import { MbctlError, usageError } from "../errors.ts";
import { isErrno, nameExists, removeFile, syncDirectory } from "../host/files.ts";
import { growPipe, makePipe } from "../host/libc.ts";
import { CommandError, hasProgram, requireProgram } from "../host/run.ts";
import type { Spawn } from "../host/spawn.ts";
import { parseDigest } from "../image/digest.ts";
import { BLOCK_BYTES, paddingBytes, renderUstarHeader } from "../image/ustar.ts";
import { stagedName } from "../paths.ts";
import {
  type ArchiveManifest,
  type ArchivePart,
  formatManifest,
  manifestBytes,
  manifestFile,
  partFile,
  type PartName,
} from "./archive_manifest.ts";

/** A folder that becomes a part. */
export interface PartFolder {
  readonly name: PartName;
  readonly folder: string;
  /** Paths in it that are left out: `.mbctl/secrets`. */
  readonly without: readonly string[];
}

export interface WriteOptions {
  readonly spawn: Spawn;
  readonly signal?: AbortSignal | undefined;
  /** Whether a file that is there is replaced. */
  readonly isForced: boolean;
  /** Whether files may change while they are read. */
  readonly isLive: boolean;
  /** Told how many plain bytes of all parts have been read. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

/**
 * Writes an archive, 0600: staged beside its name, synced, renamed.
 *
 * @param about what the manifest says but for the parts.
 * @throws {MbctlError} (conflict) when the file is there, (host) when the disk is full, (tool) when tar(1) fails.
 */
export async function writeArchive(
  path: string,
  about: Omit<ArchiveManifest, "parts">,
  folders: readonly PartFolder[],
  options: WriteOptions,
): Promise<ArchiveManifest> {
  if (!options.isForced && nameExists(path)) throw fileExists(path);
  const staged = stagedName(path);
  const file = openStaged(path, staged);
  try {
    const manifest = await writeTo(file, about, folders, options);
    fsyncSync(file);
    if (options.isForced) renameSync(staged, path);
    else linkSync(staged, path);
    syncDirectory(dirname(path));
    return manifest;
  } catch (error) {
    if (isErrno(error, "EEXIST")) throw fileExists(path);
    throw isFull(error)
      ? new MbctlError("host", `Cannot write ${JSON.stringify(path)}: no space is left`, {
          hint: "make room, or name a file on another file system",
        })
      : error;
  } finally {
    closeSync(file);
    removeFile(staged);
  }
}

/** @throws {MbctlError} (usage) for a folder that is not there, or cannot be written to. */
function openStaged(path: string, staged: string): number {
  try {
    removeFile(staged);
    return openSync(staged, "wx", 0o600);
  } catch (cause) {
    if (!isErrno(cause, "ENOENT", "ENOTDIR", "EACCES", "EROFS", "EPERM")) throw cause;
    throw usageError(
      `Cannot write ${JSON.stringify(path)}: ${cause instanceof Error ? cause.message : ""}`,
      "name a file in a folder that is there",
    );
  }
}

async function writeTo(
  file: number,
  about: Omit<ArchiveManifest, "parts">,
  folders: readonly PartFolder[],
  options: WriteOptions,
): Promise<ArchiveManifest> {
  writeSync(file, renderUstarHeader(manifestFile, manifestBytes));
  const manifestAt = BLOCK_BYTES;
  writeSync(file, Buffer.alloc(manifestBytes));
  const parts: ArchivePart[] = [];
  let before = 0;
  for (const folder of folders) {
    const headerAt = fstatSync(file).size;
    writeSync(file, Buffer.alloc(BLOCK_BYTES));
    const done = before;
    const part = await writePart(file, folder, options, (bytes) =>
      options.onProgress?.(done + bytes),
    );
    before += part.sizeBytes;
    const storedBytes = fstatSync(file).size - headerAt - BLOCK_BYTES;
    writeSync(file, Buffer.alloc(paddingBytes(storedBytes)));
    const header = renderUstarHeader(partFile(folder.name), storedBytes);
    writeSync(file, header, 0, header.length, headerAt);
    parts.push(part);
  }
  writeSync(file, Buffer.alloc(2 * BLOCK_BYTES));
  const manifest = { ...about, parts };
  const text = Buffer.from(formatManifest(manifest));
  writeSync(file, text, 0, text.length, manifestAt);
  return manifest;
}

const readAsync = promisify(read);
const writeAsync = promisify(write);
const chunkBytes = 256 * 1024;
const pipeBytes = 1024 * 1024;

/** Writes a folder to the file's end: tar(1), then zstd; what tar says is counted and hashed on its way. */
async function writePart(
  file: number,
  { name, folder, without }: PartFolder,
  { spawn, signal, isLive }: WriteOptions,
  onBytes: (bytes: number) => void,
): Promise<ArchivePart> {
  const hash = new Bun.CryptoHasher("sha256");
  let sizeBytes = 0;
  const { readEnd, writeEnd } = makePipe();
  growPipe(writeEnd, pipeBytes);
  using compressor = openCompressor(spawn, file);
  try {
    using tar = spawn(tarWords(folder, without), { stdout: writeEnd });
    closeSync(writeEnd);
    const chunk = Buffer.alloc(chunkBytes);
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await readAsync(readEnd, chunk, 0, chunkBytes, null);
      if (bytesRead === 0) break;
      const bytes = chunk.subarray(0, bytesRead);
      hash.update(bytes);
      await compressor.write(bytes);
      sizeBytes += bytesRead;
      onBytes(sizeBytes);
    }
    await tar.done().catch((error: unknown) => {
      // 1: a file changed while it was read (tar(1), RETURN VALUE).
      if (isLive && error instanceof CommandError && error.result.exitCode === 1) return;
      throw error;
    });
    await compressor.end();
  } finally {
    closeSync(readEnd);
  }
  return { name, sizeBytes, digest: parseDigest(`sha256:${hash.digest("hex")}`) };
}

/** Owners by number, all attributes, holes as holes; links are never followed. */
function tarWords(folder: string, without: readonly string[]): string[] {
  requireProgram("tar");
  return [
    ...["tar", "--create", "--format=posix", "--pax-option=delete=atime,delete=ctime"],
    ...["--sparse", "--numeric-owner", "--xattrs", "--xattrs-include=*"],
    ...["--anchored", "--no-wildcards", ...without.map((path) => `--exclude=./${path}`)],
    ...["-C", folder, "--", "."],
  ];
}

/** Takes plain bytes; what comes out is at the file's end. */
interface Compressor extends Disposable {
  write(bytes: Uint8Array): Promise<void>;
  end(): Promise<void>;
}

function openCompressor(spawn: Spawn, file: number): Compressor {
  return hasProgram("zstd") ? compressByProgram(spawn, file) : compressByUs(file);
}

function compressByProgram(spawn: Spawn, file: number): Compressor {
  const { readEnd, writeEnd } = makePipe();
  growPipe(writeEnd, pipeBytes);
  const child = spawn(["zstd", "-q", "-T0", "-c"], { stdin: readEnd, stdout: file });
  closeSync(readEnd);
  let isOpen = true;
  const close = () => {
    if (isOpen) closeSync(writeEnd);
    isOpen = false;
  };
  return {
    async write(bytes) {
      try {
        for (let at = 0; at < bytes.length;) {
          at += (await writeAsync(writeEnd, bytes, at)).bytesWritten;
        }
      } catch (error) {
        // It has ended: what it said is the better error.
        await child.done();
        throw error;
      }
    },
    async end() {
      close();
      await child.done();
    },
    [Symbol.dispose]() {
      child[Symbol.dispose]();
      close();
    },
  };
}

function compressByUs(file: number): Compressor {
  const stream: Transform = createZstdCompress();
  const done = (async () => {
    for await (const chunk of stream) writeSync(file, chunk);
  })();
  done.catch(() => {});
  return {
    async write(bytes) {
      // A copy: the chunk is read into again.
      if (stream.write(Buffer.from(bytes))) return;
      await Promise.race([new Promise((resolve) => stream.once("drain", resolve)), done]);
    },
    async end() {
      stream.end();
      await done;
    },
    [Symbol.dispose]() {
      stream.destroy();
    },
  };
}

function fileExists(path: string): MbctlError {
  return new MbctlError("conflict", `Cannot write ${JSON.stringify(path)}: it exists`, {
    hint: "name another file, or add --force",
  });
}

function isFull(error: unknown): boolean {
  if (isErrno(error, "ENOSPC", "EDQUOT")) return true;
  return error instanceof CommandError && /No space left on device/.test(error.result.stderr);
}
