/**
 * A small tar writer for layers: ustar with pax records where ustar is too small
 * (POSIX.1-2017, pax, "ustar Interchange Format"; OCI image-spec, layer.md). Nothing is
 * checked or made pretty: a hostile entry goes out as it was given.
 *
 * @module
 */

/** One entry of an archive. */
export interface TarEntry {
  /** Path in the archive, verbatim: `etc/passwd`, but also `/abs` or `../up`. */
  readonly path: string;
  /** A plain file by default. */
  readonly type?: keyof typeof typeFlags;
  /** Permission bits; 0o755 for folders, 0o644 for all else by default. */
  readonly mode?: number;
  /** Owner, 0 by default. */
  readonly uid?: number;
  /** Group, 0 by default. */
  readonly gid?: number;
  /** Seconds since the epoch; the lab's fixed day by default. */
  readonly mtime?: number;
  /** What a file holds. */
  readonly content?: string | Uint8Array;
  /** Target of a symlink or hard link, verbatim. */
  readonly linkTarget?: string;
  /** Major and minor number of a device node. */
  readonly device?: readonly [number, number];
  /** Extended attributes by full name, `user.note`, as GNU tar and Go write them (SCHILY.xattr). */
  readonly xattrs?: Readonly<Record<string, string | Uint8Array>>;
}

const typeFlags = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  char: "3",
  block: "4",
  dir: "5",
  fifo: "6",
} as const;

/** The date of everything that the lab makes itself: 2024-01-01. */
export const labMtime = 1_704_067_200;

const encoder = new TextEncoder();

/** Returns the archive, end marker included. Same entries, same bytes. */
export function renderTar(entries: readonly TarEntry[]): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (const entry of entries) {
    const records = paxRecords(entry);
    if (records.length > 0) {
      const body = Buffer.concat(records);
      blocks.push(header({ path: "pax", mode: 0o644 }, "x", body.length), padded(body));
    }
    const content =
      typeof entry.content === "string" ? encoder.encode(entry.content) : entry.content;
    const body = content ?? new Uint8Array();
    blocks.push(header(entry, typeFlags[entry.type ?? "file"], body.length), padded(body));
  }
  blocks.push(new Uint8Array(1024));
  return Buffer.concat(blocks);
}

/** What does not fit into the ustar header, as `LENGTH KEY=VALUE\n` records. */
function paxRecords(entry: TarEntry): Uint8Array[] {
  const records: Uint8Array[] = [];
  const text = (key: string, value: string, limit: number) => {
    const bytes = encoder.encode(value);
    if (bytes.length > limit || bytes.some((byte) => byte > 126))
      records.push(paxRecord(key, bytes));
  };
  text("path", entry.path, 100);
  text("linkpath", entry.linkTarget ?? "", 100);
  for (const key of ["uid", "gid"] as const) {
    const id = entry[key] ?? 0;
    if (id > 0o7777777) records.push(paxRecord(key, encoder.encode(String(id))));
  }
  for (const [name, value] of Object.entries(entry.xattrs ?? {})) {
    records.push(
      paxRecord(`SCHILY.xattr.${name}`, typeof value === "string" ? encoder.encode(value) : value),
    );
  }
  return records;
}

function paxRecord(key: string, value: Uint8Array): Uint8Array {
  const rest = encoder.encode(` ${key}=`).length + value.length + 1;
  // The length counts its own digits.
  let length = rest + String(rest).length;
  length = rest + String(length).length;
  return Buffer.concat([encoder.encode(`${length} ${key}=`), value, encoder.encode("\n")]);
}

function header(entry: TarEntry, typeFlag: string, sizeBytes: number): Uint8Array {
  const block = new Uint8Array(512);
  const put = (offset: number, width: number, value: string) => {
    block.set(encoder.encode(value).subarray(0, width), offset);
  };
  const octal = (offset: number, width: number, value: number) => {
    put(offset, width, value.toString(8).padStart(width - 1, "0"));
  };
  const fits = (id: number) => (id > 0o7777777 ? 0 : id);
  put(0, 100, entry.path);
  octal(100, 8, entry.mode ?? (typeFlag === "5" ? 0o755 : 0o644));
  octal(108, 8, fits(entry.uid ?? 0));
  octal(116, 8, fits(entry.gid ?? 0));
  octal(124, 12, sizeBytes);
  octal(136, 12, entry.mtime ?? labMtime);
  put(148, 8, "        ");
  put(156, 1, typeFlag);
  put(157, 100, entry.linkTarget ?? "");
  put(257, 8, "ustar\x0000");
  octal(329, 8, entry.device?.[0] ?? 0);
  octal(337, 8, entry.device?.[1] ?? 0);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(148, 8, `${sum.toString(8).padStart(6, "0")}\x00 `);
  return block;
}

function padded(body: Uint8Array): Uint8Array {
  const rest = body.length % 512;
  return rest === 0 ? body : Buffer.concat([body, new Uint8Array(512 - rest)]);
}
