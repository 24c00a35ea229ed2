/**
 * A tar writer that can write anything: every header field may be a number, or bytes
 * as they are; any format, any checksum, any end. Nothing is checked (POSIX.1-2017, pax,
 * "ustar Interchange Format"; GNU tar, "Basic Tar Format"; v7).
 *
 * The layers of the lab's images come from test/lab/images/tar.ts, which writes what is well-formed.
 *
 * @module
 */

/** Text goes out as UTF-8, bytes as they are. */
export type Bytes = string | Uint8Array;

/** A header's number: octal digits, or the field's very bytes. */
export type Field = number | Bytes;

export interface RawHeader {
  /** The path, cut at 100 bytes; see {@linkcode longName} and {@linkcode pax} for more. */
  readonly name?: Bytes;
  /** Type flag: `0` by default, `\0` for none. */
  readonly type?: Bytes;
  readonly mode?: Field;
  readonly uid?: Field;
  readonly gid?: Field;
  readonly uname?: Bytes;
  readonly gname?: Bytes;
  /** Seconds; {@linkcode day} by default. */
  readonly mtime?: Field;
  readonly link?: Bytes;
  readonly device?: readonly [major: Field, minor: Field];
  /** The `prefix` field of ustar. */
  readonly prefix?: Bytes;
  /** What the header says; the length of `body` by default. */
  readonly size?: Field;
  readonly body?: Bytes;
  /** Magic and version: `ustar` by default; GNU's, or none at all. */
  readonly format?: "ustar" | "gnu" | "v7";
  /** `right` by default; `signed` sums signed bytes, as ancient tars did. */
  readonly checksum?: "right" | "signed" | "wrong" | Bytes;
  /** Bytes laid over the header before it is summed, by offset. */
  readonly patch?: Readonly<Record<number, Bytes>>;
  /** Bytes between body and the next header; zeros up to a block by default. */
  readonly padding?: Bytes;
}

/** The date of everything that sets none: 2024-01-01. */
export const day = 1_704_067_200;

/** The bytes of a text that stands for bytes: each character one byte. */
export function latin1(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

/** A layer of entries, with the two zero blocks of the end. */
export function tar(...entries: readonly (RawHeader | Uint8Array)[]): Uint8Array {
  return Buffer.concat([unended(...entries), zeros(1024)]);
}

/** A layer that stops after its last entry. */
export function unended(...entries: readonly (RawHeader | Uint8Array)[]): Uint8Array {
  return Buffer.concat(
    entries.map((entry) => (entry instanceof Uint8Array ? entry : renderEntry(entry))),
  );
}

/** Zero bytes. */
export function zeros(length: number): Uint8Array {
  return new Uint8Array(length);
}

/** One entry: header, body, padding. */
export function renderEntry(entry: RawHeader): Uint8Array {
  const body = bytesOf(entry.body ?? "");
  const padding = bytesOf(entry.padding ?? zeros((512 - (body.length % 512)) % 512));
  return Buffer.concat([renderHeader(entry, body.length), body, padding]);
}

const magics = { ustar: "ustar\x0000", gnu: "ustar  \0", v7: "" };

function renderHeader(entry: RawHeader, length: number): Uint8Array {
  const block = new Uint8Array(512);
  const put = (offset: number, width: number, value: Bytes) => {
    block.set(bytesOf(value).subarray(0, width), offset);
  };
  const number = (offset: number, width: number, value: Field) => {
    put(offset, width, typeof value === "number" ? octal(value, width) : value);
  };
  const type = entry.type ?? "0";
  put(0, 100, entry.name ?? "");
  number(100, 8, entry.mode ?? (type === "5" ? 0o755 : 0o644));
  number(108, 8, entry.uid ?? 0);
  number(116, 8, entry.gid ?? 0);
  number(124, 12, entry.size ?? length);
  number(136, 12, entry.mtime ?? day);
  put(156, 1, type);
  put(157, 100, entry.link ?? "");
  const format = entry.format ?? "ustar";
  put(257, 8, magics[format]);
  if (format !== "v7") {
    put(265, 32, entry.uname ?? "");
    put(297, 32, entry.gname ?? "");
    number(329, 8, entry.device?.[0] ?? 0);
    number(337, 8, entry.device?.[1] ?? 0);
    put(345, 155, entry.prefix ?? "");
  }
  for (const [offset, value] of Object.entries(entry.patch ?? {})) {
    put(Number(offset), 512 - Number(offset), value);
  }
  put(148, 8, checksum(block, entry.checksum ?? "right"));
  return block;
}

function checksum(block: Uint8Array, kind: NonNullable<RawHeader["checksum"]>): Bytes {
  if (kind instanceof Uint8Array) return kind;
  const summed = block.slice().fill(0x20, 148, 156);
  const values = kind === "signed" ? new Int8Array(summed.buffer) : summed;
  const sum = (values as Uint8Array).reduce((total, byte) => total + byte, 0);
  if (kind === "right" || kind === "signed") return `${octal(sum, 7)} `;
  return kind === "wrong" ? `${octal(sum + 1, 7)} ` : kind;
}

/** Octal digits that fill a field but for the NUL at its end. */
export function octal(value: number, width: number): string {
  return `${value.toString(8).padStart(width - 1, "0")}\0`;
}

/** GNU's base-256: the first bit set, then the number, big-endian, in two's complement. */
export function base256(value: number | bigint, width: number): Uint8Array {
  const field = new Uint8Array(width);
  let rest = BigInt(value);
  for (let at = width - 1; at >= 0; at--) {
    field[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  field[0] = (field[0] ?? 0) | 0x80;
  return field;
}

/** A record of a PAX header, `LENGTH KEY=VALUE\n`: the length counts its own digits. */
export function paxRecord(key: Bytes, value: Bytes): Uint8Array {
  const rest = Buffer.concat([
    latin1(" "),
    bytesOf(key),
    latin1("="),
    bytesOf(value),
    latin1("\n"),
  ]);
  let length = rest.length + String(rest.length).length;
  length = rest.length + String(length).length;
  return Buffer.concat([latin1(String(length)), rest]);
}

/** A PAX header for the next entry; `[key, value]` pairs where a key comes twice, bytes as they are. */
export function pax(
  records: Readonly<Record<string, Bytes>> | readonly (readonly [Bytes, Bytes])[] | Uint8Array,
  more: RawHeader = {},
): Uint8Array {
  const pairs = Array.isArray(records) ? records : Object.entries(records);
  const body =
    records instanceof Uint8Array
      ? records
      : Buffer.concat(pairs.map(([key, value]) => paxRecord(key, value)));
  return renderEntry({ name: "PaxHeaders/x", type: "x", body, ...more });
}

/** GNU's header for a long name of the next entry. */
export function longName(name: Bytes): Uint8Array {
  return gnuLong("L", name);
}

/** GNU's header for a long link target of the next entry. */
export function longLink(target: Bytes): Uint8Array {
  return gnuLong("K", target);
}

function gnuLong(type: string, text: Bytes): Uint8Array {
  const body = Buffer.concat([bytesOf(text), zeros(1)]);
  return renderEntry({ name: "././@LongLink", type, body, format: "gnu", mtime: 0, mode: 0 });
}

function bytesOf(text: Bytes): Uint8Array {
  return typeof text === "string" ? Buffer.from(text) : text;
}

// The words in which cases are written.

export function file(name: Bytes, body: Bytes = "", more: RawHeader = {}): RawHeader {
  return { name, body, ...more };
}

export function dir(name: Bytes, mode = 0o755, more: RawHeader = {}): RawHeader {
  return { name, type: "5", mode, ...more };
}

export function symlink(name: Bytes, link: Bytes, more: RawHeader = {}): RawHeader {
  return { name, type: "2", mode: 0o777, link, ...more };
}

export function hardlink(name: Bytes, link: Bytes, more: RawHeader = {}): RawHeader {
  return { name, type: "1", link, ...more };
}

export function fifo(name: Bytes, more: RawHeader = {}): RawHeader {
  return { name, type: "6", ...more };
}

export function device(
  name: Bytes,
  type: "char" | "block",
  numbers: readonly [Field, Field],
  more: RawHeader = {},
): RawHeader {
  return { name, type: type === "char" ? "3" : "4", device: numbers, ...more };
}

/** A whiteout is an empty file (OCI image-spec, layer.md, "Whiteouts"). */
export function whiteout(path: string): RawHeader {
  const slash = path.lastIndexOf("/") + 1;
  return file(`${path.slice(0, slash)}.wh.${path.slice(slash)}`);
}

/** Hides what lower layers left in a directory, "" for the root. */
export function opaque(directory = ""): RawHeader {
  return file(`${directory === "" ? "" : `${directory}/`}.wh..wh..opq`);
}
