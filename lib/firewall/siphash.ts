/**
 * SipHash-2-4 (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012).
 *
 * @module
 */

const mask = (1n << 64n) - 1n;

/** The 64 bits for a message, under a key of 16 bytes. */
export function siphash24(message: Uint8Array, key: Uint8Array): bigint {
  const [k0, k1] = [wordAt(key, 0), wordAt(key, 8)];
  const state: State = [
    k0 ^ 0x736f6d6570736575n,
    k1 ^ 0x646f72616e646f6dn,
    k0 ^ 0x6c7967656e657261n,
    k1 ^ 0x7465646279746573n,
  ];
  // The last word holds the bytes that are left over, and the length in its highest byte.
  const padded = new Uint8Array((Math.floor(message.length / 8) + 1) * 8);
  padded.set(message);
  padded[padded.length - 1] = message.length & 255;
  for (let at = 0; at < padded.length; at += 8) {
    const word = wordAt(padded, at);
    state[3] ^= word;
    mix(state, 2);
    state[0] ^= word;
  }
  state[2] ^= 0xffn;
  mix(state, 4);
  return state[0] ^ state[1] ^ state[2] ^ state[3];
}

type State = [bigint, bigint, bigint, bigint];

function mix(state: State, rounds: number): void {
  let [a, b, c, d] = state;
  for (let round = 0; round < rounds; round++) {
    a = (a + b) & mask;
    b = rotate(b, 13n) ^ a;
    a = rotate(a, 32n);
    c = (c + d) & mask;
    d = rotate(d, 16n) ^ c;
    a = (a + d) & mask;
    d = rotate(d, 21n) ^ a;
    c = (c + b) & mask;
    b = rotate(b, 17n) ^ c;
    c = rotate(c, 32n);
  }
  state.splice(0, 4, a, b, c, d);
}

function rotate(word: bigint, bits: bigint): bigint {
  return ((word << bits) | (word >> (64n - bits))) & mask;
}

/** Eight bytes as a number, the lowest first. */
function wordAt(bytes: Uint8Array, at: number): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(at, true);
}
