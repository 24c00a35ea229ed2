/**
 * Which program, or which code of ours, turns the bytes of a layer into a plain
 * tar stream. A program writes to the pipe by itself, and is only used where it is
 * the faster way; none is required.
 *
 * @module
 */

import { createGunzip, createZstdDecompress, constants } from "node:zlib";
import type { Transform } from "node:stream";
import { hasProgram } from "../host/run.ts";
import type { Compression } from "../image/media_types.ts";

/** `own`: no program of the host is used. */
export type Decompressors = "any" | "own";

/** So many bytes at the start of a layer tell how it is compressed. */
export const magicBytes = 4;

/**
 * How a layer is compressed, by its first bytes. Media types lie (skopeo 1.9
 * calls the plain layers of a docker-archive gzip), and the diff_id proves the result.
 */
export function detectCompression(start: Uint8Array): Compression {
  const [a, b, c, d] = start;
  if (a === 0x1f && b === 0x8b) return "gzip";
  // RFC 8878: a frame, or one that is to be skipped.
  if (a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd) return "zstd";
  if (a !== undefined && (a & 0xf0) === 0x50 && b === 0x2a && c === 0x4d && d === 0x18) {
    return "zstd";
  }
  return "none";
}

/** Windows of zstd beyond this are refused (a power of two): what is decompressed lies in memory that long. */
const maxWindowLog = 26;

/** A smaller layer is decompressed before a program has started (4 ms). */
const leastBytes = 256 * 1024;

/** What a program must be called to read a layer on its standard input, or undefined where our own way is taken. */
export function decompressorProgram(
  compression: Compression,
  which: Decompressors,
  sizeBytes: number,
): readonly string[] | undefined {
  if (which === "own" || sizeBytes < leastBytes) return undefined;
  const argv = programs[compression];
  return argv[0] !== undefined && hasProgram(argv[0]) ? argv : undefined;
}

/** gzip(1) and pigz(1) are not here: they are slower than our own way. */
const programs: Readonly<Record<Compression, readonly string[]>> = {
  gzip: ["igzip", "-dc"],
  zstd: ["zstd", "-dcq", `--memory=${2 ** (maxWindowLog - 20)}MiB`],
  none: ["cat"],
};

/**
 * What comes out at once. Node's own 16 KiB take twice as long; 1 MiB is some 10 % faster than
 * this and keeps 20 MB more in memory, because such buffers are collected late.
 */
const outBytes = 256 * 1024;
const smallOutBytes = 64 * 1024;

/** Our own way, as a stream that holds no more than it is asked for; undefined for plain bytes. */
export function ownDecompressor(
  compression: Compression,
  sizeBytes: number,
): Transform | undefined {
  const chunkSize = sizeBytes < leastBytes ? smallOutBytes : outBytes;
  switch (compression) {
    case "gzip":
      return createGunzip({ chunkSize });
    case "zstd":
      return createZstdDecompress({
        chunkSize,
        params: { [constants.ZSTD_d_windowLogMax]: maxWindowLog },
      });
    case "none":
      return undefined;
  }
}
