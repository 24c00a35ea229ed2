/**
 * What man8s-init asks of a busybox: to be static, and to have certain applets.
 *
 * @module
 */

/** The applets that man8s-init calls; `busybox --list` prints what a busybox has, one a line. */
export const REQUIRED_APPLETS: readonly string[] = [
  "cat",
  "chmod",
  "chown",
  "cp",
  "env",
  "ip",
  "mkdir",
  "mkfifo",
  "mount",
  "nsenter",
  "readlink",
  "rm",
  "setsid",
  "sh",
  "sleep",
  "start-stop-daemon",
  "udhcpc",
];

/**
 * The required applets that a busybox lacks.
 *
 * @param list what `busybox --list` printed
 */
export function missingApplets(list: string): string[] {
  const present = new Set(list.split("\n").map((line) => line.trim()));
  return REQUIRED_APPLETS.filter((applet) => !present.has(applet));
}

const PT_INTERP = 3;

/**
 * Whether a file is an ELF program that runs without a dynamic loader: an executable (or static PIE) with
 * program headers, none of them PT_INTERP. Source: elf(5), the System V ABI.
 *
 * @param bytes the beginning of the file, as far as its program headers reach (4096 bytes do for any real linker's output)
 * @returns false too where the headers lie outside of `bytes`
 */
export function isStaticElf(bytes: Uint8Array): boolean {
  if (bytes.length < 52) return false;
  if (bytes[0] !== 0x7f || bytes[1] !== 0x45 || bytes[2] !== 0x4c || bytes[3] !== 0x46) {
    return false;
  }
  const elfClass = bytes[4];
  const encoding = bytes[5];
  if ((elfClass !== 1 && elfClass !== 2) || (encoding !== 1 && encoding !== 2)) return false;
  const is64 = elfClass === 2;
  const isLittle = encoding === 1;
  if (is64 && bytes.length < 64) return false;

  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const type = view.getUint16(16, isLittle);
  if (type !== 2 && type !== 3) return false; // ET_EXEC, ET_DYN
  const offset = is64 ? Number(view.getBigUint64(32, isLittle)) : view.getUint32(28, isLittle);
  const entrySize = view.getUint16(is64 ? 54 : 42, isLittle);
  const count = view.getUint16(is64 ? 56 : 44, isLittle);
  if (count === 0 || entrySize < 4 || offset + count * entrySize > bytes.length) return false;

  for (let index = 0; index < count; index++) {
    if (view.getUint32(offset + index * entrySize, isLittle) === PT_INTERP) return false;
  }
  return true;
}
