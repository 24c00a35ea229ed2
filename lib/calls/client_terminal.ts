/**
 * The terminal of whoever calls, joined to one of the machine that serves: what is typed goes there, what is written
 * there comes here. The machine gets nothing of it but bytes.
 *
 * @module
 */

import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import process from "node:process";
import { isErrno } from "../host/files.ts";
import { EPOLLIN } from "../host/libc_socket.ts";
import {
  rawModes,
  readForegroundGroup,
  readTerminalModes,
  readTerminalSize,
  setTerminalModes,
  type TerminalModes,
  type TerminalSize,
} from "../host/libc_terminal.ts";
import { processGroup } from "./command_processes.ts";
import { isInputShared, isTerminal } from "./descriptor_kinds.ts";
import type { Readiness } from "./readiness.ts";

/** The most that is taken when the command has ended: who still writes then is none of ours. */
const drainLimit = 1024 * 1024;
const buffer = new Uint8Array(64 * 1024);
/** When what a command has not read yet is offered again: the kernel's word that there is room can come too early. */
const offerMs = 20;
/** How often it is looked whether we have come to the foreground. */
const foregroundMs = 300;

/** Our side of a call's terminal. */
export class ClientTerminal {
  readonly #master: number;
  readonly #readiness: Readiness;
  readonly #tell: (size: TerminalSize) => void;
  /** Where its output is shown: written to as any program writes to its terminal, which may have to wait. */
  readonly #screen: number;
  /**
   * Where it is typed, opened for ourselves: that it never waits, and signals, is nobody else's business. Undefined:
   * nothing that is typed is for the command.
   */
  readonly #keys: { readonly descriptor: number; readonly modes: TerminalModes } | undefined;
  readonly #restore = () => this.#setRaw(false);
  /** Typed, and not yet taken. */
  #typed = new Uint8Array();
  #offer: ReturnType<typeof setTimeout> | undefined;
  #lookAgain: ReturnType<typeof setTimeout> | undefined;
  #isRaw = false;
  #isEnded = false;

  /** @param master ours to close. */
  constructor(master: number, readiness: Readiness, tell: (size: TerminalSize) => void) {
    this.#master = master;
    this.#readiness = readiness;
    this.#tell = tell;
    this.#screen = [1, 2, 0].find(isTerminal) ?? 1;
    const modes = isInputShared() ? undefined : readTerminalModes(0);
    this.#keys = modes && { descriptor: openAgain(0), modes };
    process.on("exit", this.#restore);
    readiness.watch(master, EPOLLIN, () => this.#show());
    this.resume();
  }

  /** Our size has changed. */
  tellSize(): void {
    const size = readTerminalSize(this.#screen);
    if (size !== undefined) this.#tell(size);
  }

  /** Gives the terminal back for a while. */
  suspend(): void {
    this.#setRaw(false);
  }

  /** Takes it again, where we are in its foreground: who is not must neither read from it nor set it. */
  resume(): void {
    clearTimeout(this.#lookAgain);
    this.#setRaw(true);
    this.tellSize();
    // Nobody tells whom the shell brings to the foreground while he runs (fg, bash 5.2).
    const isWaiting = this.#keys !== undefined && !this.#isRaw;
    if (isWaiting) this.#lookAgain = setTimeout(() => this.resume(), foregroundMs);
  }

  /** The command has ended: what it wrote is still shown, and the terminal is as it was. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#readiness.unwatch(this.#master);
    for (let shown = 0, length = 1; shown < drainLimit && length > 0; shown += length) {
      length = this.#show();
    }
    this.#setRaw(false);
    clearTimeout(this.#offer);
    clearTimeout(this.#lookAgain);
    process.removeListener("exit", this.#restore);
    if (this.#keys !== undefined) closeSync(this.#keys.descriptor);
    closeSync(this.#master);
  }

  #setRaw(isRaw: boolean): void {
    if (this.#keys === undefined || isRaw === this.#isRaw) return;
    const { descriptor, modes } = this.#keys;
    const group = readForegroundGroup(descriptor);
    if (group !== undefined && group !== processGroup(process.pid)) return;
    if (isRaw) {
      setTerminalModes(descriptor, rawModes(modes));
      this.#listen(descriptor);
    } else {
      this.#readiness.unwatch(descriptor);
      // Flushed: an answer of the terminal to what a command asked it must not become the next command line.
      setTerminalModes(descriptor, modes, "flushed");
    }
    this.#isRaw = isRaw;
  }

  #listen(descriptor: number): void {
    this.#readiness.watch(descriptor, EPOLLIN, () => this.#type(descriptor));
  }

  /** @returns how many bytes there were to be shown. */
  #show(): number {
    const length = readNow(this.#master);
    // EIO: nobody has the other side any more.
    if (length === undefined) this.#readiness.unwatch(this.#master);
    else writeAll(this.#screen, buffer.subarray(0, length));
    return length ?? 0;
  }

  #type(keys: number): void {
    if (this.#typed.length === 0) {
      const length = readNow(keys);
      if (length === undefined) {
        this.#readiness.unwatch(keys);
        return;
      }
      this.#typed = buffer.slice(0, length);
    }
    this.#typed = this.#typed.subarray(writeNow(this.#master, this.#typed));
    if (this.#typed.length > 0) {
      this.#readiness.unwatch(keys);
      this.#offer = setTimeout(() => this.#type(keys), offerMs);
    } else if (this.#offer !== undefined) {
      this.#offer = undefined;
      if (this.#isRaw) this.#listen(keys);
    }
  }
}

/** @returns how many bytes are in the buffer; undefined at the end. */
function readNow(descriptor: number): number | undefined {
  try {
    return readSync(descriptor, buffer, 0, buffer.length, null) || undefined;
  } catch (error) {
    return isErrno(error, "EAGAIN") ? 0 : undefined;
  }
}

/** @returns how many bytes went. */
function writeNow(descriptor: number, bytes: Uint8Array): number {
  try {
    return bytes.length === 0 ? 0 : writeSync(descriptor, bytes);
  } catch (error) {
    // Where nobody is there to take it, it is of no use.
    return isErrno(error, "EAGAIN") ? 0 : bytes.length;
  }
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
  } catch {
    // There is nobody to see it.
  }
}

/** The same terminal, opened for ourselves; by its name where it was another user's when he opened it. */
function openAgain(descriptor: number): number {
  const flags = constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK;
  try {
    return openSync(`/proc/self/fd/${descriptor}`, flags);
  } catch (error) {
    if (!isErrno(error, "EACCES", "ENOENT")) throw error;
    const ours = openSync("/dev/tty", flags);
    if (readTerminalModes(ours) !== undefined) return ours;
    closeSync(ours);
    throw error;
  }
}
