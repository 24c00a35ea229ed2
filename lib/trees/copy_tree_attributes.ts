/**
 * Copies owner, mode, extended attributes and times of an entry, in the order in
 * which none undoes another: a new owner clears setuid and capabilities, a
 * new mode changes an ACL's mask, and the time comes last.
 *
 * @module
 */

import { getXattr, listXattrs, setXattr, SyscallError } from "../host/libc.ts";
import {
  type Address,
  fixedMemory,
  type FixedMemory,
  setModeAt,
  setOwnerAt,
  setTimesAt,
} from "../host/libc_at.ts";
import {
  getFileXattr,
  listFileXattrs,
  setFileMode,
  setFileOwner,
  setFileTimes,
  setFileXattr,
  type Stat,
} from "../host/libc_open.ts";

/** XATTR_LIST_MAX and XATTR_SIZE_MAX of linux/limits.h. */
const xattrBytes = 64 * 1024;

/** setuid, setgid, sticky. */
const specialBits = 0o7000;

/** Copies what an entry has besides its content. */
export class AttributeCopier {
  private readonly bornToRoot: boolean;
  private readonly onLoss: (text: string) => void;
  private readonly times = fixedMemory(32);
  private readonly names = fixedMemory(xattrBytes);
  private readonly value = fixedMemory(xattrBytes);
  private readonly lost = new Set<string>();

  /**
   * @param bornToRoot whether new entries belong to root, without being told.
   * @param onLoss told once of each attribute that the target cannot hold.
   */
  constructor(bornToRoot: boolean, onLoss: (text: string) => void) {
    this.bornToRoot = bornToRoot;
    this.onLoss = onLoss;
  }

  /**
   * Of an open file or directory.
   *
   * @param hasMode whether it was made with its permission bits, all but the special ones.
   */
  ofFile(from: number, to: number, stat: Stat, hasMode: boolean): void {
    const { uid, gid } = stat;
    const isRoots = uid === 0 && gid === 0 && this.bornToRoot;
    if (!isRoots) setFileOwner(to, uid, gid);
    const mode = stat.mode & 0o7777;
    if (!hasMode || (mode & specialBits) !== 0) setFileMode(to, mode);
    const length = listFileXattrs(from, this.names);
    for (let at = 0; at < length; at = this.names.bytes.indexOf(0, at) + 1) {
      const name = this.names.address + at;
      const size = getFileXattr(from, name, this.value);
      this.keep(() => setFileXattr(to, name, this.value.address, size), this.names, at);
    }
    stat.copyTimes(this.times);
    setFileTimes(to, this.times.address);
  }

  /** Of a link, a device, a fifo or a socket: of the name itself, never of what a link leads to. */
  ofName(
    from: number,
    to: number,
    address: Address,
    name: Uint8Array,
    stat: Stat,
    isLink: boolean,
  ): void {
    setOwnerAt(to, address, stat.uid, stat.gid);
    // A link has no mode, and the others are no links: nothing is followed.
    if (!isLink) setModeAt(to, address, stat.mode & 0o7777);
    const source = throughDescriptor(from, name);
    for (const xattr of listXattrsIfAny(source)) {
      const bytes = Buffer.from(`${xattr}\0`);
      const value = getXattr(source, xattr);
      this.keep(() => setXattr(throughDescriptor(to, name), xattr, value), { bytes }, 0);
    }
    stat.copyTimes(this.times);
    setTimesAt(to, address, this.times.address);
  }

  /** What the target cannot hold is told once, and is no failure: cp(1) does likewise. */
  private keep(
    set: () => void,
    { bytes }: Pick<FixedMemory, "bytes"> | { bytes: Buffer },
    at: number,
  ): void {
    try {
      set();
    } catch (error) {
      const { code } = error as SyscallError;
      if (!(error instanceof SyscallError) || !cannotHold.includes(code)) throw error;
      const name = Buffer.from(bytes.subarray(at, bytes.indexOf(0, at))).toString();
      if (this.lost.has(name)) return;
      this.lost.add(name);
      this.onLoss(`the extended attribute ${name} was not kept: ${code}`);
    }
  }
}

const cannotHold = ["ENOTSUP", "EPERM", "EACCES", "EINVAL"];

/** proc_pid_fd(5): a name in an open directory as one short path, whatever the directory's own is. */
function throughDescriptor(directory: number, name: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`/proc/self/fd/${directory}/`), name]);
}

function listXattrsIfAny(path: Uint8Array): string[] {
  try {
    return listXattrs(path);
  } catch (error) {
    if (error instanceof SyscallError && error.code === "ENOTSUP") return [];
    throw error;
  }
}
