/** A tree with one of everything that a copy has to keep. */

import {
  chmodSync,
  chownSync,
  closeSync,
  lchownSync,
  linkSync,
  mkdirSync,
  openSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { setXattr } from "../../lib/host/libc.ts";
import { makeNode, setTimes } from "../host/_odd_files.ts";
import { close, fixedName, makeDirectoryAt } from "../../lib/host/libc_at.ts";
import { openPath, openRoot } from "../../lib/trees/open_path.ts";

/** vfs_cap_data of revision 2: cap_net_raw+ep. */
const capability = Buffer.from("0100000200200000000000000000000000000000", "hex");
/** posix_acl_xattr of version 2: rwx for the owner, rw- for user 1000, r-x, mask rwx, r--. */
const acl = Buffer.from(
  "0200000001000700ffffffff02000600e803000004000500ffffffff10000700ffffffff20000400ffffffff",
  "hex",
);

const S_IFCHR = 0o020000;
const S_IFBLK = 0o060000;
const S_IFIFO = 0o010000;
const S_IFSOCK = 0o140000;

/** Sizes at the edges of the copy's buffers. */
const edges = [0, 1, 4095, 4096, 4097, 262143, 262144, 262145, 1 << 20, 34 * 2 ** 20 + 1];

export interface RichTreeOptions {
  /** Whether the file system takes user.* attributes. */
  readonly hasUserXattrs?: boolean;
}

/** Fills a folder, which it makes. */
export function makeRichTree(tree: string, { hasUserXattrs = true }: RichTreeOptions = {}): void {
  const at = (...names: string[]) => join(tree, ...names);
  const time = (path: string | Uint8Array, seconds: number, nanoseconds: number) =>
    setTimes(path, { seconds: 5, nanoseconds: 6 }, { seconds, nanoseconds });
  mkdirSync(tree);
  for (const size of edges) writeFileSync(at(`size-${size}`), noise(size));

  for (const mode of [0o4755, 0o2755, 0o1777, 0o6711, 0, 0o7777, 0o640]) {
    const path = at(`mode-${mode.toString(8)}`);
    writeFileSync(path, "x");
    chownSync(path, 1000, 1001);
    chmodSync(path, mode);
    mkdirSync(`${path}.d`);
    writeFileSync(join(`${path}.d`, "inside"), "y");
    chownSync(`${path}.d`, 0, mode);
    chmodSync(`${path}.d`, mode);
  }
  writeFileSync(at("owner"), "");
  chownSync(at("owner"), 4_000_000_000, 65_536);

  writeFileSync(at("capable"), "#!");
  chownSync(at("capable"), 7, 7);
  chmodSync(at("capable"), 0o755);
  setXattr(at("capable"), "security.capability", capability);
  writeFileSync(at("acl"), "");
  chownSync(at("acl"), 8, 8);
  setXattr(at("acl"), "system.posix_acl_access", acl);
  mkdirSync(at("acl.d"));
  writeFileSync(at("acl.d", "inside"), "");
  mkdirSync(at("acl.d", "below"));
  setXattr(at("acl.d"), "system.posix_acl_default", acl);
  if (hasUserXattrs) {
    setXattr(at("acl"), "user.empty", new Uint8Array());
    setXattr(at("acl"), "user.binary", noise(1500));
    setXattr(at("acl.d"), "user.of-directory", Buffer.from("z"));
  }
  setXattr(at("capable"), "trusted.thing", Buffer.from("t"));

  for (const [index, target] of [
    "size-1",
    "/etc/shadow",
    "nothing here",
    "../".repeat(20),
    "x".repeat(1000),
  ].entries()) {
    const path = at(`link-${index}`);
    symlinkSync(target, path);
    lchownSync(path, index, 2000);
    time(path, 1_000_000_000 + index, 987_654_321);
  }
  setXattr(at("link-0"), "trusted.on-link", Buffer.from("l"));

  makeNode(at("char"), S_IFCHR | 0o620, [1, 3]);
  makeNode(at("block"), S_IFBLK | 0o660, [259, 70_000]);
  makeNode(at("fifo"), S_IFIFO | 0o644);
  makeNode(at("socket"), S_IFSOCK | 0o755);
  chownSync(at("char"), 5, 6);
  setXattr(at("fifo"), "system.posix_acl_access", acl);

  mkdirSync(at("hard", "deep", "er"), { recursive: true });
  writeFileSync(at("hard", "first"), "of three");
  linkSync(at("hard", "first"), at("hard", "deep", "er", "second"));
  linkSync(at("hard", "first"), at("third"));
  linkSync(at("link-1"), at("hard", "link"));
  linkSync(at("fifo"), at("hard", "fifo"));
  linkSync(at("size-35651585"), at("hard", "large"));

  const latin1 = Buffer.concat([
    Buffer.from(`${tree}/`),
    Buffer.from("caf\xe9\xff\n -x", "latin1"),
  ]);
  mkdirSync(latin1);
  writeFileSync(Buffer.concat([latin1, Buffer.from("/"), Buffer.from([0x80])]), "bytes");
  writeFileSync(at("n".repeat(255)), "long");

  // More than one frame of the copy.
  for (let folder = 0; folder < 20; folder++) {
    mkdirSync(at("many", String(folder)), { recursive: true });
    for (let i = 0; i < 30; i++) writeFileSync(at("many", String(folder), `${i}`), noise(i * 300));
  }

  writeSparse(at("sparse"), 3_000_000, [0, 1_500_000, 2_999_000]);
  writeSparse(at("sparse-small"), 200_000, [100_000]);
  truncateSync(openEmpty(at("hole")), 300_000);

  time(at("size-1"), -12_345, 999_999_999);
  time(at("size-4096"), 2 ** 33, 1);
  time(at("char"), 77, 88);
  time(at("hard", "deep"), 1_234_567_890, 123_456_789);
  time(at("hard"), 1_234_567_891, 1);
  time(tree, 1_500_000_000, 5);
  chmodSync(tree, 0o751);
}

function openEmpty(path: string): string {
  writeFileSync(path, "");
  return path;
}

/** A file of this size with a little data at each of these places. */
export function writeSparse(path: string, size: number, places: readonly number[]): void {
  const file = openSync(path, "w");
  for (const place of places) writeSync(file, Buffer.from("data"), 0, 4, place);
  closeSync(file);
  truncateSync(path, size);
}

/** Makes directories in each other, with a file in each: deeper than any path can be. */
export function makeDeepTree(tree: string, levels: number, name: string): void {
  const memory = fixedName(name);
  let parent = openRoot(tree);
  for (let level = 0; level < levels; level++) {
    makeDirectoryAt(parent, memory.address, 0o711);
    writeFileSync(`/proc/self/fd/${parent}/${"f".repeat(name.length)}`, String(level));
    const next = openPath(parent, Buffer.from(name));
    close(parent);
    parent = next;
  }
  close(parent);
}

/** Bytes that do not repeat, the same at each call. */
export function noise(size: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(size / 4));
  let state = size + 1;
  for (let at = 0; at < words.length; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    words[at] = state;
  }
  return new Uint8Array(words.buffer, 0, size);
}
