/**
 * Names where system calls find them: Latin-1 text, one character for each byte,
 * so that no name is ever decoded, put into memory that is used again and again.
 *
 * @module
 */

import { type Address, type FixedMemory, fixedMemory } from "../host/libc_at.ts";
import { LayerError } from "./layer_error.ts";

/** PATH_MAX, the NUL among them. */
const room = 4096;

/** Room for one name. A call of two names takes two of these. */
export class NameMemory {
  readonly #memory: FixedMemory = fixedMemory(room);
  readonly #bytes = Buffer.from(this.#memory.bytes.buffer);

  /**
   * @param name without a NUL: the kernel would read another name.
   * @returns its address, good until the next name is put there.
   * @throws {LayerError} for a name that no system call takes.
   */
  put(name: string): Address {
    if (name.length >= room) {
      throw new LayerError(`a name of ${name.length} bytes is longer than ${room - 1}`);
    }
    this.#bytes.write(name, 0, "latin1");
    this.#bytes[name.length] = 0;
    return this.#memory.address;
  }
}
