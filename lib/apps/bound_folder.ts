/**
 * Folders that a running machine may write to: its tree, its storage, the folder of its applications' configuration. Its
 * root may put a link in the place of any directory at any moment, so nothing below them is reached by its path: each
 * directory is opened from the one above it, following no link (openat2(2), RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS),
 * and held.
 *
 * What is made for an application is made in a directory that belongs to a user whom no machine has. A machine's root has
 * no power over what belongs to such a user: it cannot look into it, nor change anything in it (user_namespaces(7), "Interaction
 * of capabilities with inodes"). Until it is given to the machine's root, nobody but us changes it.
 *
 * @module
 */

import { closeSync, readdirSync } from "node:fs";
import { MbctlError } from "../errors.ts";
import { isErrno } from "../host/files.ts";
import { SyscallError } from "../host/libc.ts";
import {
  AT_EMPTY_PATH,
  AT_REMOVEDIR,
  fixedName,
  makeDirectoryAt,
  O_DIRECTORY,
  O_RDONLY,
  openBeneath,
  renameAt,
  unlinkAt,
} from "../host/libc_at.ts";
import { setFileMode, setFileOwner, Stat } from "../host/libc_open.ts";
import { openRoot } from "../trees/open_path.ts";
import { removeTree } from "../trees/remove_tree.ts";

/** On the disk. Machines have 0 to 65535 of their own, and no other user of a host has this number either. */
const stagingOwner = 2_000_000_111;

/** An open directory; disposing of it closes it. */
export class BoundFolder implements Disposable {
  readonly file: number;
  /** For messages: as the machine names it. */
  readonly shown: string;

  private constructor(file: number, shown: string) {
    this.file = file;
    this.shown = shown;
  }

  /** Opens a folder by its path on the host: one that no machine can rename. */
  static open(path: string, shown: string): BoundFolder {
    return new BoundFolder(openRoot(path), shown);
  }

  /** A path by which programs of the host reach it, for as long as it is open. */
  get path(): string {
    return `/proc/${process.pid}/fd/${this.file}`;
  }

  /**
   * Opens a folder below it.
   *
   * @throws {MbctlError} (conflict) where something else, or a link, is in the way; undefined where there is nothing.
   */
  find(path: string): BoundFolder | undefined {
    const shown = path === "" ? this.shown : `${this.shown}/${path}`;
    try {
      const name = fixedName(path === "" ? "." : path).address;
      return new BoundFolder(openBeneath(this.file, name, O_RDONLY | O_DIRECTORY), shown);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      if (error.code === "ENOENT") return undefined;
      throw inTheWay(shown, error);
    }
  }

  /** Opens a folder below it, and makes what is missing on the way: 0755, of root. */
  make(path: string): BoundFolder {
    let folder = this.find("") ?? this.gone();
    for (const part of path.split("/").filter((name) => name !== "")) {
      const outer = folder;
      try {
        folder = outer.find(part) ?? outer.makeOne(part);
      } finally {
        outer[Symbol.dispose]();
      }
    }
    return folder;
  }

  /** Moves an entry to another folder, in the place of what is there but for a directory that is not empty. */
  move(name: string, to: BoundFolder, newName: string): void {
    try {
      renameAt(this.file, fixedName(name).address, to.file, fixedName(newName).address);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      throw inTheWay(`${to.shown}/${newName}`, error);
    }
  }

  /** Whether there is an entry of that name, a link that leads nowhere too. */
  has(name: string): boolean {
    return readdirSync(this.path).includes(name);
  }

  /** Removes an entry that is no directory; none is no error. */
  unlink(name: string): void {
    try {
      unlinkAt(this.file, fixedName(name).address);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      if (error.code !== "ENOENT") throw inTheWay(`${this.shown}/${name}`, error);
    }
  }

  /** Removes a folder, and those on the way to it, as far as they are empty. */
  prune(path: string): void {
    const parts = path.split("/");
    for (let count = parts.length; count > 0; count--) {
      using parent = this.find(parts.slice(0, count - 1).join("/"));
      const name = fixedName(parts[count - 1] ?? "").address;
      try {
        if (parent !== undefined) unlinkAt(parent.file, name, AT_REMOVEDIR);
      } catch (error) {
        // Something is in it, or it is no folder: it stays.
        if (error instanceof SyscallError) return;
        throw error;
      }
    }
  }

  /** Removes an entry with all that is in it; none is no error. */
  remove(name: string): void {
    removeTree(`${this.path}/${name}`);
  }

  /**
   * Makes an empty folder that the machine cannot look into or change.
   *
   * @throws {MbctlError} (conflict) while the machine puts something into it first.
   */
  stage(name: string): BoundFolder {
    this.remove(name);
    const folder = this.makeOne(name);
    setFileOwner(folder.file, stagingOwner, stagingOwner);
    setFileMode(folder.file, 0o700);
    if (readdirSync(folder.path).length === 0) return folder;
    folder[Symbol.dispose]();
    throw inTheWay(`${this.shown}/${name}`);
  }

  /** Opens what was staged; undefined where nothing was, or it is not ours. */
  findStaged(name: string): BoundFolder | undefined {
    const folder = this.find(name);
    if (folder === undefined || folder.isStaged()) return folder;
    folder[Symbol.dispose]();
    return undefined;
  }

  /** Gives a staged folder to the machine's root. */
  release(): void {
    setFileMode(this.file, 0o755);
    setFileOwner(this.file, 0, 0);
  }

  [Symbol.dispose](): void {
    closeSync(this.file);
  }

  private isStaged(): boolean {
    return new Stat().read(this.file, fixedName("").address, AT_EMPTY_PATH).uid === stagingOwner;
  }

  private makeOne(name: string): BoundFolder {
    try {
      makeDirectoryAt(this.file, fixedName(name).address, 0o755);
    } catch (error) {
      if (!isErrno(error, "EEXIST") && !(error instanceof SyscallError && error.code === "EEXIST"))
        throw error;
    }
    return this.find(name) ?? this.gone(name);
  }

  private gone(name = ""): never {
    throw inTheWay(`${this.shown}/${name}`);
  }
}

function inTheWay(shown: string, cause?: Error): MbctlError {
  return new MbctlError(
    "conflict",
    `Cannot change ${JSON.stringify(shown)} of the machine: a link is there, or something else that is no folder`,
    { cause, hint: "look at it in the machine; it is not mbctl's" },
  );
}
