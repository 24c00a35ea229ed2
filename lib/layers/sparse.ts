/**
 * Sparse files: which parts of a file a tar stream holds. GNU tar has four ways
 * to say so: a table in the header (the old one), and PAX formats 0.0, 0.1 and 1.0.
 *
 * @module
 */

import { LayerError } from "./layer_error.ts";
import { paxNumber, type PaxRecords, sparseMapKey } from "./pax.ts";
import { blockBytes } from "./tar_header.ts";
import { parseTarNumber } from "./tar_number.ts";

/** A part of a file that holds data. The rest are holes. */
export interface SparseRegion {
  readonly offset: number;
  readonly length: number;
}

/** The layout of a sparse file. */
export interface SparseMap {
  readonly sizeBytes: number;
  readonly regions: readonly SparseRegion[];
}

/** What PAX records say of a sparse file. */
export interface SparseHeader {
  readonly name: string | undefined;
  readonly sizeBytes: number | undefined;
  /** The regions, or undefined where they stand before the data (format 1.0). */
  readonly regions: readonly SparseRegion[] | undefined;
}

/** Longest map that is read, in bytes: as Go's archive/tar bounds it. */
const maxSparseMapBytes = 1024 * 1024;

const damaged = "the map of its holes is damaged";

/** What the records say of a sparse file, or undefined when the file is none. */
export function paxSparse(records: PaxRecords): SparseHeader | undefined {
  const major = records.get("GNU.sparse.major");
  const minor = records.get("GNU.sparse.minor");
  const map = records.get(sparseMapKey) ?? "";
  const isFirst = major === "0" && (minor === "0" || minor === "1");
  const isSecond = major === "1" && minor === "0";
  // Without a version it is 0.0 or 0.1, if there is a map; with one that nobody knows, no sparse file.
  if (!isFirst && !isSecond && ((major ?? "") !== "" || (minor ?? "") !== "" || map === "")) {
    return undefined;
  }
  const name = records.get("GNU.sparse.name") ?? "";
  const sizeBytes =
    paxNumber(records, "GNU.sparse.size") ?? paxNumber(records, "GNU.sparse.realsize");
  return {
    name: name === "" ? undefined : name,
    sizeBytes,
    regions: isSecond ? undefined : parsePaxMap(map, paxNumber(records, "GNU.sparse.numblocks")),
  };
}

function parsePaxMap(map: string, count: number | undefined): SparseRegion[] {
  const numbers = map === "" ? [] : map.split(",").map(decimal);
  if (count === undefined || numbers.length !== count * 2) throw new LayerError(damaged);
  return pairs(numbers);
}

/**
 * Reads the map of format 1.0: decimal lines before the data, the first of them their count.
 *
 * @param nextBlock gives the next block of the file's stored bytes.
 */
export function readLeadingMap(nextBlock: () => Buffer): SparseRegion[] {
  let text = "";
  let bytes = 0;
  const lines: string[] = [];
  const more = () => {
    bytes += blockBytes;
    if (bytes > maxSparseMapBytes) throw new LayerError("the map of its holes is too long");
    const block = nextBlock();
    text += block.toString("latin1", 0, blockBytes);
    const last = text.lastIndexOf("\n");
    if (last < 0) {
      if (text.length > 64) throw new LayerError(damaged);
      return;
    }
    for (const line of text.slice(0, last).split("\n")) lines.push(line);
    text = text.slice(last + 1);
  };
  while (lines.length === 0) more();
  const count = decimal(lines[0] ?? "");
  while (lines.length < 1 + count * 2) more();
  return pairs(lines.slice(1, 1 + count * 2).map(decimal));
}

/**
 * Reads the old table of GNU tar: four regions in the header, and blocks of 21 behind it.
 *
 * @param header the header's block.
 * @param nextBlock gives the next block of the stream.
 */
export function readOldMap(header: Buffer, nextBlock: () => Buffer): SparseMap {
  const sizeBytes = parseTarNumber(header, 483, 12);
  const regions: SparseRegion[] = [];
  let block = header;
  let at = 386;
  let count = 4;
  let bytes = 0;
  for (;;) {
    for (let index = 0; index < count; index++, at += 24) {
      if (block[at] === 0) break;
      regions.push({
        offset: parseTarNumber(block, at, 12),
        length: parseTarNumber(block, at + 12, 12),
      });
    }
    const isExtended = block === header ? block[482] : block[504];
    if (isExtended === 0 || isExtended === undefined) return { sizeBytes, regions };
    bytes += blockBytes;
    if (bytes > maxSparseMapBytes) throw new LayerError("the map of its holes is too long");
    block = nextBlock();
    at = 0;
    count = 21;
  }
}

/**
 * Checks a map against the file.
 *
 * @param storedBytes how many bytes of data the stream holds.
 * @throws {LayerError} when regions overlap, go backwards, leave the file, or hold more or less than is stored.
 */
export function checkSparse({ sizeBytes, regions }: SparseMap, storedBytes: number): void {
  let end = 0;
  let sum = 0;
  for (const { offset, length } of regions) {
    if (offset < end || length < 0 || offset + length > sizeBytes) throw new LayerError(damaged);
    end = offset + length;
    sum += length;
  }
  if (sizeBytes < 0 || sum !== storedBytes) throw new LayerError(damaged);
}

function decimal(text: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw new LayerError(damaged);
  return value;
}

function pairs(numbers: readonly number[]): SparseRegion[] {
  const regions: SparseRegion[] = [];
  for (let index = 0; index + 1 < numbers.length; index += 2) {
    regions.push({ offset: numbers[index] ?? 0, length: numbers[index + 1] ?? 0 });
  }
  return regions;
}
