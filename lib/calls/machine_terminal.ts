/**
 * A pseudo-terminal of the machine that serves (pty(7)): the command finds its name, and may open it. The terminal of
 * whoever called never gets there.
 *
 * @module
 */

import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  openSync,
  statfsSync,
} from "node:fs";
import {
  AT_FDCWD,
  close,
  fixedName,
  O_DIRECTORY,
  O_NOFOLLOW,
  openAt,
  openBeneath,
} from "../host/libc_at.ts";
import {
  openTerminalEnd,
  readTerminalModes,
  readTerminalSize,
  setTerminalModes,
  setTerminalSize,
  unprocessed,
} from "../host/libc_terminal.ts";
import { CallError } from "./call_error.ts";

const O_PATH = 0o10000000;
/** statfs(2): DEVPTS_SUPER_MAGIC */
const devpts = 0x1cd1;
/** ptmx(4): 5:2 */
const ptmxDevice = 5 * 256 + 2;

/** Both ends of a pseudo-terminal; whoever made it closes them. */
export interface MachineTerminal {
  /** What a terminal emulator would have. */
  readonly master: number;
  /** What the command gets. */
  readonly end: number;
}

/**
 * Makes one, like another terminal in modes and size.
 *
 * @param isTyped whether there is input for it: whoever types has made the other one pass all bytes as they are. If not,
 * that one goes on to put a return before each new line, and this one must not.
 * @param root the machine's files, which it may change meanwhile.
 * @param owner whose it is, as the host counts.
 * @throws {CallError} where the machine has no such device.
 */
export function openMachineTerminal(
  root: string,
  owner: { readonly uid: number; readonly gid: number } | undefined,
  like: number,
  isTyped: boolean,
): MachineTerminal {
  const master = openMaster(root);
  try {
    const end = openTerminalEnd(master);
    if (owner !== undefined) {
      // Both: the kernel refuses where one of them stays without a number in the machine.
      fchownSync(end, owner.uid, owner.gid);
      fchmodSync(end, 0o600);
    }
    const modes = readTerminalModes(like);
    if (modes !== undefined) setTerminalModes(end, isTyped ? modes : unprocessed(modes));
    const size = readTerminalSize(like);
    if (size !== undefined) setTerminalSize(end, size);
    return { master, end };
  } catch (error) {
    closeSync(master);
    throw error;
  }
}

function openMaster(root: string): number {
  const directory = openAt(AT_FDCWD, fixedName(root).address, O_DIRECTORY);
  let device: number | undefined;
  try {
    device = openBeneath(directory, fixedName("dev/pts/ptmx").address, O_PATH | O_NOFOLLOW);
    const path = `/proc/self/fd/${device}`;
    const stat = fstatSync(device);
    if (!stat.isCharacterDevice() || stat.rdev !== ptmxDevice || statfsSync(path).type !== devpts) {
      throw new CallError(125, "Cannot make a terminal: /dev/pts/ptmx of the machine is none");
    }
    return openSync(path, constants.O_RDWR | constants.O_NOCTTY);
  } finally {
    if (device !== undefined) close(device);
    close(directory);
  }
}
