/**
 * Archives that somebody compressed as a whole (`docker save | gzip`), unpacked for
 * as long as they are read: skopeo 1.9.3 fails at most of them, and all versions
 * unpack them anew for each look.
 *
 * @module
 */

import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { abortError } from "./proxy_channel.ts";

/** Where large temporary files belong (file-hierarchy(7)); skopeo takes the same place. */
const defaultTempDir = "/var/tmp";

/** What a compressed file begins with (RFC 1952, RFC 8878). */
const compressions = [
  { magic: Buffer.from([0x1f, 0x8b]), decompress: createGunzip },
  { magic: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), decompress: createZstdDecompress },
] as const;

/** A plain archive. Disposing of it removes it. */
export interface PlainArchive extends AsyncDisposable {
  readonly path: string;
}

/**
 * Unpacks a compressed archive into a temporary file.
 *
 * @returns undefined when it is not there, or not compressed by gzip or zstd.
 * @throws the error of the decompressor, or of the file system.
 */
export async function unpackArchive(
  path: string,
  {
    tempDir = defaultTempDir,
    signal,
  }: { tempDir?: string | undefined; signal?: AbortSignal | undefined },
): Promise<PlainArchive | undefined> {
  const decompress = await decompressorOf(path);
  if (decompress === undefined) return undefined;
  const dir = await mkdtemp(join(tempDir, "mbctl-archive-"));
  const remove = () => rm(dir, { recursive: true, force: true });
  try {
    const plain = join(dir, "archive.tar");
    const target = createWriteStream(plain, { mode: 0o600 });
    await pipeline(createReadStream(path), decompress(), target, signal ? { signal } : {});
    return { path: plain, [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw signal?.aborted ? abortError(signal) : error;
  }
}

async function decompressorOf(path: string) {
  try {
    await using file = await open(path);
    if (!(await file.stat()).isFile()) return undefined;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    const start = buffer.subarray(0, bytesRead);
    return compressions.find(({ magic }) => start.subarray(0, magic.length).equals(magic))
      ?.decompress;
  } catch {
    return undefined;
  }
}
