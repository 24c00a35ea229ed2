/**
 * Extended headers of POSIX (pax(1)): records of `LENGTH KEY=VALUE\n` before the
 * entry that they describe. Go's archive/tar decides what is well formed.
 *
 * @module
 */

import type { Timespec } from "../host/libc.ts";
import { LayerError } from "./layer_error.ts";

/** Keys and values, Latin-1 (one character for each byte). The last of several values holds. */
export type PaxRecords = Map<string, string>;

/** The map of a sparse file in format 0.0 is spread over repeated keys; it is gathered under the key of 0.1. */
export const sparseMapKey = "GNU.sparse.map";

const damaged = "its PAX header is damaged";

/**
 * Parses the body of an extended header.
 *
 * @param body Latin-1.
 * @throws {LayerError} when a record is malformed.
 */
export function parsePax(body: string): PaxRecords {
  const records: PaxRecords = new Map();
  const sparse: string[] = [];
  for (let at = 0; at < body.length;) {
    const space = body.indexOf(" ", at);
    const digits = space < 0 ? "" : body.slice(at, space);
    const length = /^\d{1,9}$/.test(digits) ? Number(digits) : 0;
    const end = at + length;
    // The shortest record is "5 a=\n".
    if (length < 5 || end > body.length || end <= space + 1 || body[end - 1] !== "\n") {
      throw new LayerError(damaged);
    }
    const record = body.slice(space + 1, end - 1);
    const equals = record.indexOf("=");
    const key = record.slice(0, Math.max(equals, 0));
    const value = record.slice(equals + 1);
    if (equals < 1 || !isValid(key, value)) throw new LayerError(damaged);
    at = end;
    if (key === "GNU.sparse.offset" || key === "GNU.sparse.numbytes") {
      const isTurn = (sparse.length % 2 === 0) === (key === "GNU.sparse.offset");
      if (!isTurn || value.includes(",")) throw new LayerError(damaged);
      sparse.push(value);
    } else {
      records.set(key, value);
    }
  }
  if (sparse.length > 0) records.set(sparseMapKey, sparse.join(","));
  return records;
}

/** A NUL would end a name early; in the values of other keys it is data. */
function isValid(key: string, value: string): boolean {
  const isText = key === "path" || key === "linkpath" || key === "uname" || key === "gname";
  return !(isText ? value : key).includes("\0");
}

/**
 * A decimal number of a record; undefined where there is none, or where an empty value takes it back.
 *
 * @throws {LayerError} when it is no number, or beyond 2^53.
 */
export function paxNumber(records: PaxRecords, key: string): number | undefined {
  const value = records.get(key);
  if (value === undefined || value === "") return undefined;
  const number = /^[+-]?\d{1,20}$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(number)) return number;
  throw new LayerError(`its PAX header has ${JSON.stringify(value)} as ${key}`);
}

/**
 * A time: seconds with any number of decimals, of which the kernel keeps nine.
 *
 * @throws {LayerError} when it is no time.
 */
export function paxTime(records: PaxRecords, key: string): Timespec | undefined {
  const value = records.get(key);
  if (value === undefined || value === "") return undefined;
  const [, sign, whole = "", fraction = ""] = /^([+-]?)(\d{1,20})(?:\.(\d*))?$/.exec(value) ?? [];
  const seconds = whole === "" ? Number.NaN : Number(whole);
  if (!Number.isSafeInteger(seconds)) {
    throw new LayerError(`its PAX header has ${JSON.stringify(value)} as ${key}`);
  }
  const nanoseconds = Number(fraction.slice(0, 9).padEnd(9, "0"));
  if (sign !== "-") return { seconds, nanoseconds };
  if (nanoseconds === 0) return { seconds: 0 - seconds, nanoseconds };
  return { seconds: -seconds - 1, nanoseconds: 1e9 - nanoseconds };
}

const xattrPrefix = "SCHILY.xattr.";

/** The extended attributes among the records: names, and values as Latin-1. */
export function paxXattrs(records: PaxRecords): Map<string, string> | undefined {
  let found: Map<string, string> | undefined;
  for (const [key, value] of records) {
    if (!key.startsWith(xattrPrefix)) continue;
    found ??= new Map();
    found.set(key.slice(xattrPrefix.length), value);
  }
  return found;
}
