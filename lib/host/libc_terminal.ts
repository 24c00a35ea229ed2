/**
 * Terminals and pseudo-terminals by ioctl_tty(2). The numbers are those of asm-generic/ioctls.h, of x86-64 and arm64.
 *
 * @module
 */

import { ioctl, SyscallError } from "./libc.ts";

const TCGETS = 0x5401;
const TCSETS = 0x5402;
const TCSETSF = 0x5404;
const TIOCGPGRP = 0x540f;
const TIOCGWINSZ = 0x5413;
const TIOCSWINSZ = 0x5414;
/** _IOW('T', 0x31, int) */
const TIOCSPTLCK = 0x40045431;
/** _IO('T', 0x41) */
const TIOCGPTPEER = 0x5441;

/** `struct termios` of the kernel: four words of flags, the line discipline, 19 characters. */
export type TerminalModes = Uint8Array;
const modesBytes = 36;

/** A terminal's size in characters. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** How a terminal treats what comes in and goes out; undefined: it is none (isatty(3)). */
export function readTerminalModes(descriptor: number): TerminalModes | undefined {
  const modes = new Uint8Array(modesBytes);
  try {
    ioctl(descriptor, TCGETS, modes);
    return modes;
  } catch (error) {
    if (error instanceof SyscallError) return undefined;
    throw error;
  }
}

/** Sets them at once; or when all output has gone, and throws away what was typed and not yet read. */
export function setTerminalModes(
  descriptor: number,
  modes: TerminalModes,
  when: "now" | "flushed" = "now",
): void {
  ioctl(descriptor, when === "now" ? TCSETS : TCSETSF, modes.slice());
}

/** Bytes pass as they are, and no key makes a signal (cfmakeraw(3)). */
export function rawModes(modes: TerminalModes): TerminalModes {
  const raw = modes.slice();
  const view = new DataView(raw.buffer);
  const clear = (at: number, flags: number) =>
    view.setUint32(at, view.getUint32(at, true) & ~flags, true);
  // IGNBRK BRKINT PARMRK ISTRIP INLCR IGNCR ICRNL IXON; OPOST; CSIZE PARENB; ECHO ECHONL ICANON ISIG IEXTEN
  clear(0, 0o1 | 0o2 | 0o10 | 0o40 | 0o100 | 0o200 | 0o400 | 0o2000);
  clear(4, 0o1);
  clear(8, 0o60 | 0o400);
  clear(12, 0o10 | 0o100 | 0o2 | 0o1 | 0o100000);
  view.setUint32(8, view.getUint32(8, true) | 0o60, true);
  // VMIN 1, VTIME 0
  raw[17 + 6] = 1;
  raw[17 + 5] = 0;
  return raw;
}

/** What is written goes out as it is (OPOST). */
export function unprocessed(modes: TerminalModes): TerminalModes {
  const copy = modes.slice();
  copy[4] = (copy[4] ?? 0) & ~0o1;
  return copy;
}

/** Its size; undefined where it says none. */
export function readTerminalSize(descriptor: number): TerminalSize | undefined {
  const size = new Uint8Array(8);
  try {
    ioctl(descriptor, TIOCGWINSZ, size);
  } catch (error) {
    if (error instanceof SyscallError) return undefined;
    throw error;
  }
  const view = new DataView(size.buffer);
  return { rows: view.getUint16(0, true), columns: view.getUint16(2, true) };
}

/** Sets its size; the processes in its foreground are told (SIGWINCH). */
export function setTerminalSize(descriptor: number, { rows, columns }: TerminalSize): void {
  const size = new Uint8Array(8);
  const view = new DataView(size.buffer);
  view.setUint16(0, rows, true);
  view.setUint16(2, columns, true);
  ioctl(descriptor, TIOCSWINSZ, size);
}

/** The process group in its foreground; undefined where it is not our controlling terminal. */
export function readForegroundGroup(descriptor: number): number | undefined {
  const group = new Uint8Array(4);
  try {
    ioctl(descriptor, TIOCGPGRP, group);
    return new DataView(group.buffer).getInt32(0, true);
  } catch (error) {
    if (error instanceof SyscallError) return undefined;
    throw error;
  }
}

const O_RDWR = 2;
const O_NOCTTY = 0o400;
const O_CLOEXEC = 0o2000000;

/** The other end of a pseudo-terminal's master, made ready for use (pty(7)); by the master alone, no name is looked up. */
export function openTerminalEnd(master: number): number {
  ioctl(master, TIOCSPTLCK, new Uint8Array(4));
  return ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
}
