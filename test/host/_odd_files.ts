/** What Bun's file API cannot make: nodes, and times to the nanosecond; by the calls that mbctl makes itself. */

import {
  AT_FDCWD,
  fixedMemory,
  fixedName,
  makeNodeAt,
  setTimesAt,
} from "../../lib/host/libc_at.ts";
import type { Timespec } from "../../lib/host/libc.ts";

/** Makes a device node, a fifo or a socket; `mode` has type and permission bits. */
export function makeNode(
  path: string | Uint8Array,
  mode: number,
  device: readonly [major: number, minor: number] = [0, 0],
): void {
  makeNodeAt(AT_FDCWD, fixedName(path).address, mode, device);
}

/** Sets the times of a name, of a link itself. */
export function setTimes(path: string | Uint8Array, accessed: Timespec, modified: Timespec): void {
  const times = fixedMemory(32);
  for (const [place, { seconds, nanoseconds }] of [accessed, modified].entries()) {
    times.view.setBigInt64(place * 16, BigInt(seconds), true);
    times.view.setBigInt64(place * 16 + 8, BigInt(nanoseconds), true);
  }
  setTimesAt(AT_FDCWD, fixedName(path).address, times.address);
}
