/**
 * Numbers in tar headers: octal text, or base-256 (two's complement, big-endian)
 * where the first bit is set. What Go's archive/tar takes is taken, as it reads
 * the layers of everybody else.
 *
 * @module
 */

import { LayerError } from "./layer_error.ts";

const SPACE = 0x20;

/**
 * Reads the number in `length` bytes at `at`. A blank field is 0.
 *
 * @throws {LayerError} for anything that is no number, or beyond 2^53.
 */
export function parseTarNumber(block: Uint8Array, at: number, length: number): number {
  if (((block[at] ?? 0) & 0x80) !== 0) return parseBase256(block, at, length);
  const end = at + length;
  let index = at;
  while (index < end && (block[index] === SPACE || block[index] === 0)) index++;
  let value = 0;
  let digits = 0;
  for (; index < end; index++, digits++) {
    const digit = (block[index] ?? 0) - 0x30;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  // A NUL ends the text, whatever follows; blanks must be all that follows.
  if (index < end && block[index] !== 0) {
    for (; index < end; index++) {
      if (block[index] !== SPACE && block[index] !== 0) throw noNumber(block, at, length);
    }
    if (digits === 0) throw noNumber(block, at, length);
  }
  return checkRange(value, block, at, length);
}

function parseBase256(block: Uint8Array, at: number, length: number): number {
  const isNegative = ((block[at] ?? 0) & 0x40) !== 0;
  const flip = isNegative ? 0xff : 0;
  let value = 0;
  for (let index = 0; index < length; index++) {
    const byte = ((block[at + index] ?? 0) ^ flip) & (index === 0 ? 0x7f : 0xff);
    value = value * 256 + byte;
  }
  if (isNegative) value = -value - 1;
  return checkRange(value, block, at, length);
}

function checkRange(value: number, block: Uint8Array, at: number, length: number): number {
  if (Number.isSafeInteger(value)) return value;
  throw new LayerError(`its header has a number that is too large: ${shown(block, at, length)}`);
}

function noNumber(block: Uint8Array, at: number, length: number): LayerError {
  return new LayerError(
    `its header has ${shown(block, at, length)} where a number belongs: it is damaged`,
  );
}

function shown(block: Uint8Array, at: number, length: number): string {
  return JSON.stringify(Buffer.from(block.subarray(at, at + length)).toString("latin1"));
}
