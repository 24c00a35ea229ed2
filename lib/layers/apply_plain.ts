/**
 * Layers as plain tar streams -> a root tree: the work itself, without a pause,
 * for a process that has nothing else to do.
 *
 * @module
 */

import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  openSync,
  readdirSync,
  readSync,
  statfsSync,
} from "node:fs";
import process from "node:process";
import { SyscallError } from "../host/libc.ts";
import { type Digest, digestAlgorithm } from "../image/digest.ts";
import type { FailureKind } from "./apply_request.ts";
import { LayerError } from "./layer_error.ts";
import { PlainStream, type StreamBuffer, streamBuffer } from "./plain_stream.ts";
import { TarReader } from "./tar_reader.ts";
import { TreeWriter } from "./tree_writer.ts";

/** A layer's plain tar stream. */
export interface PlainLayer {
  /** A file or a fifo, or an open descriptor, which is closed at its end. */
  readonly path: string | number;
  /** What the stream must hash to; undefined: it is not compared. */
  readonly diffId: Digest | undefined;
  /** More plain bytes than these are refused. */
  readonly maxPlainBytes?: number | undefined;
}

export interface ApplyPlainOptions {
  /** As {@linkcode "apply_request.ts"} has it. */
  readonly hasWhiteouts?: boolean | undefined;
  /** Told what could not be kept of an image. */
  readonly onWarning?: ((text: string, layer: number) => void) | undefined;
  /** How much room is left on the file system for others, in bytes; by default a hundredth of it, at most 64 MiB. */
  readonly reserveBytes?: number | undefined;
}

/** What was applied. */
export interface AppliedPlain {
  readonly entries: number;
  /** Plain bytes of all layers. */
  readonly plainBytes: number;
  /** What the tree takes on the disk, give or take the file system's own ways. */
  readonly allocatedBytes: number;
}

/** What went wrong, in which layer (from 0) and at which entry. */
export class ApplyError extends Error {
  override readonly name = "ApplyError";
  readonly kind: FailureKind;
  readonly layer: number;
  /** Latin-1: one character for each byte. */
  readonly entry: string | undefined;

  constructor(kind: FailureKind, layer: number, entry: string | undefined, cause: Error) {
    super(stateOf(cause), { cause });
    this.kind = kind;
    this.layer = layer;
    this.entry = entry;
  }
}

const reservedShare = 0.01;
const maxReserveBytes = 64 * 1024 * 1024;

/**
 * Applies layers, lowest first. The process's umask is 0 meanwhile.
 *
 * @param tree an empty directory, to which nobody else has access.
 * @throws {ApplyError} when a layer is damaged or hostile, or the system refuses
 * something. The tree is then to be removed.
 */
export function applyPlainLayers(
  layers: readonly PlainLayer[],
  tree: string,
  { onWarning = () => {}, reserveBytes, hasWhiteouts }: ApplyPlainOptions = {},
): AppliedPlain {
  const umask = process.umask(0);
  const file = openSync(tree, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  const buffer = streamBuffer();
  let at = 0;
  const writer = new TreeWriter(file, (text) => onWarning(text, at), hasWhiteouts);
  const applied = { entries: 0, plainBytes: 0 };
  try {
    // What is not ours cannot be told from what is.
    if (readdirSync(tree).length > 0) throw new Error(`${JSON.stringify(tree)} is not empty`);
    // What the folder above gave it must not go on to what is made in it.
    fchownSync(file, 0, 0);
    fchmodSync(file, 0o700);
    const room = new Room(tree, reserveBytes);
    for (const [index, layer] of layers.entries()) {
      at = index;
      const source = typeof layer.path === "number" ? layer.path : openSync(layer.path, "r");
      try {
        writer.beginLayer(index);
        const { entries, plainBytes } = applyLayer(layer, index, { source, buffer, writer, room });
        applied.entries += entries;
        applied.plainBytes += plainBytes;
      } finally {
        closeSync(source);
      }
    }
    writer.finish();
    return { ...applied, allocatedBytes: writer.allocatedBytes };
  } catch (error) {
    if (error instanceof ApplyError || !(error instanceof Error)) throw error;
    throw new ApplyError(kindOf(error), at, undefined, error);
  } finally {
    writer.close();
    closeSync(file);
    process.umask(umask);
  }
}

interface LayerTools {
  readonly source: number;
  readonly buffer: StreamBuffer;
  readonly writer: TreeWriter;
  readonly room: Room;
}

function applyLayer(layer: PlainLayer, index: number, tools: LayerTools) {
  const { source, buffer, writer, room } = tools;
  const hash = layer.diffId && new Bun.CryptoHasher(digestAlgorithm(layer.diffId));
  const stream = new PlainStream((into, at, length) => readSync(source, into, at, length, null), {
    buffer,
    hash,
    maxBytes: layer.maxPlainBytes,
  });
  const reader = new TarReader(stream);
  let entries = 0;
  let name: string | undefined;
  try {
    for (;;) {
      name = undefined;
      const entry = reader.next();
      if (entry === undefined) break;
      name = entry.name;
      room.take(entry.storedBytes);
      writer.write(entry, stream);
      entries++;
    }
    stream.drain();
    compareDigest(layer.diffId, hash);
    return { entries, plainBytes: stream.totalBytes };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const entry = name ?? (error instanceof LayerError ? error.entry : undefined);
    const kind = isDamaged(error, stream, layer.diffId, hash) ? "damaged" : kindOf(error);
    throw new ApplyError(kind, index, entry, error);
  }
}

/** What the system says when nothing more can be written, in words. */
const fullStates: Readonly<Record<string, string>> = {
  ENOSPC: "no space is left on the device",
  EDQUOT: "the disk quota is exceeded",
};

function stateOf(error: Error): string {
  return (error instanceof SyscallError && fullStates[error.code]) || error.message;
}

function kindOf(error: Error): FailureKind {
  if (error instanceof LayerError) return error.isFull ? "full" : "refused";
  return error instanceof SyscallError && error.code in fullStates ? "full" : "system";
}

/** Whether what is wrong with a layer came into it after it was made: its rest is read to tell. */
function isDamaged(
  error: Error,
  stream: PlainStream,
  diffId: Digest | undefined,
  hash: Bun.CryptoHasher | undefined,
): boolean {
  if (!(error instanceof LayerError) || error.isLimit || diffId === undefined) return false;
  if (hash === undefined || error instanceof DigestError) return true;
  try {
    stream.drain();
    compareDigest(diffId, hash);
    return false;
  } catch {
    return true;
  }
}

class DigestError extends LayerError {}

function compareDigest(diffId: Digest | undefined, hash: Bun.CryptoHasher | undefined): void {
  if (diffId === undefined || hash === undefined) return;
  const found = `${digestAlgorithm(diffId)}:${hash.digest("hex")}`;
  if (found === diffId) return;
  throw new DigestError(`it unpacks to something else: its diff_id is ${diffId}, not ${found}`);
}

/** How often the room on the file system is looked at, in bytes and in entries. */
const lookEveryBytes = 32 * 1024 * 1024;
const lookEveryEntries = 4096;
const maxReserveFiles = 1024;

/** Looks now and then whether more fits, before the disk is full for everybody. */
class Room {
  readonly #tree: string;
  readonly #reserveBytes: number | undefined;
  #bytes = lookEveryBytes;
  #entries = 0;

  constructor(tree: string, reserveBytes: number | undefined) {
    this.#tree = tree;
    this.#reserveBytes = reserveBytes;
  }

  /** @throws {LayerError} when a file of so many bytes would not fit. */
  take(bytes: number): void {
    this.#bytes += bytes;
    this.#entries++;
    if (this.#bytes < lookEveryBytes && this.#entries < lookEveryEntries) return;
    this.#bytes = 0;
    this.#entries = 0;
    const { bavail, blocks, bsize, ffree, files } = statfsSync(this.#tree);
    const reserve = this.#reserveBytes ?? Math.min(blocks * bsize * reservedShare, maxReserveBytes);
    const left = Math.max(Math.floor(bavail * bsize - reserve), 0);
    // What a large file would take counts before it is written; btrfs has no fixed number of files, and says 0.
    if (
      bytes > left ||
      left === 0 ||
      (files > 0 && ffree < Math.min(files * reservedShare, maxReserveFiles))
    ) {
      throw new LayerError(`the file system has no room for it: ${left} bytes are left`, {
        isFull: true,
      });
    }
  }
}
