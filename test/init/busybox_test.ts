import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { isStaticElf, missingApplets, REQUIRED_APPLETS } from "../../lib/init/busybox.ts";
import { BUSYBOX } from "./init_root.ts";

/** An ELF header with program headers of the given types, nothing else. */
function elf(
  types: readonly number[],
  { is64 = true, isLittle = true, type = 2 } = {},
): Uint8Array {
  const headerSize = is64 ? 64 : 52;
  const entrySize = is64 ? 56 : 32;
  const bytes = new Uint8Array(headerSize + types.length * entrySize);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, is64 ? 2 : 1, isLittle ? 1 : 2, 1]);
  const view = new DataView(bytes.buffer);
  view.setUint16(16, type, isLittle);
  if (is64) view.setBigUint64(32, BigInt(headerSize), isLittle);
  else view.setUint32(28, headerSize, isLittle);
  view.setUint16(is64 ? 54 : 42, entrySize, isLittle);
  view.setUint16(is64 ? 56 : 44, types.length, isLittle);
  for (const [index, value] of types.entries()) {
    view.setUint32(headerSize + index * entrySize, value, isLittle);
  }
  return bytes;
}

describe("isStaticElf()", () => {
  test("is true for programs without PT_INTERP, of either class and byte order", () => {
    for (const is64 of [true, false]) {
      for (const isLittle of [true, false]) {
        for (const type of [2, 3]) {
          const options = { is64, isLittle, type };
          expect(isStaticElf(elf([1, 1, 6], options))).toBe(true);
          expect(isStaticElf(elf([6, 3, 1], options))).toBe(false);
        }
      }
    }
  });

  test("is true for the busybox of this machine, false for the dynamic program that runs this test", () => {
    expect(isStaticElf(readFileSync(BUSYBOX).subarray(0, 4096))).toBe(true);
    expect(isStaticElf(readFileSync(process.execPath).subarray(0, 4096))).toBe(false);
  });

  test("is false for what is no ELF program", () => {
    const whole = elf([1, 6]);
    for (const bytes of [
      new Uint8Array(),
      new TextEncoder().encode(`#!/bin/sh\n${"#".repeat(100)}`),
      new Uint8Array(4096),
      elf([]),
      elf([1], { type: 1 }),
      whole.subarray(0, 40),
      whole.subarray(0, whole.length - 1),
    ]) {
      expect(isStaticElf(bytes)).toBe(false);
    }
  });

  test("reads a view that does not begin at the start of its buffer", () => {
    const whole = elf([1, 3]);
    const shifted = new Uint8Array(whole.length + 3);
    shifted.set(whole, 3);
    expect(isStaticElf(shifted.subarray(3))).toBe(false);
  });
});

describe("missingApplets()", () => {
  test("finds nothing missing in the busybox of this machine", () => {
    const list = Bun.spawnSync([BUSYBOX, "--list"]).stdout.toString();
    expect(missingApplets(list)).toEqual([]);
  });

  test("names what is missing, and takes no name for part of another", () => {
    const list = `${REQUIRED_APPLETS.filter((name) => name !== "ip").join("\n")}\nipcalc\n`;
    expect(missingApplets(list)).toEqual(["ip"]);
    expect(missingApplets("")).toEqual([...REQUIRED_APPLETS]);
  });
});
