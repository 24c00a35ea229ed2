/**
 * Headers of a tar archive for plain files (POSIX.1-2017, pax, "ustar
 * Interchange Format"): what an OCI archive consists of.
 *
 * @module
 */

/** tar's unit, in bytes. */
export const BLOCK_BYTES = 512;

/** The largest size that eleven octal digits can say; above it GNU's base-256 form is used. */
const largestOctal = 0o77777777777;

/**
 * The header of a file that is root's, 0644, of 1970: the same content gives the
 * same archive.
 *
 * @param name up to 100 bytes of ASCII.
 */
export function renderUstarHeader(name: string, sizeBytes: number): Uint8Array {
  if (!/^[\x21-\x7e]{1,100}$/.test(name)) {
    throw new RangeError(`A tar header has no room for the name ${JSON.stringify(name)}`);
  }
  const block = Buffer.alloc(BLOCK_BYTES);
  const put = (at: number, text: string) => void block.write(text, at, "latin1");
  put(0, name);
  put(100, "0000644\0");
  put(108, "0000000\0");
  put(116, "0000000\0");
  if (sizeBytes <= largestOctal) {
    put(124, `${sizeBytes.toString(8).padStart(11, "0")}\0`);
  } else {
    block.writeUInt8(0x80, 124);
    block.writeBigUInt64BE(BigInt(sizeBytes), 128);
  }
  put(136, "00000000000\0");
  put(148, " ".repeat(8));
  put(156, "0");
  put(257, "ustar\x0000");
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  return block;
}

/** How many zeros follow a file of this size, up to the next block. */
export function paddingBytes(sizeBytes: number): number {
  return (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES;
}
