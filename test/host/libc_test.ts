import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  closeSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { $ } from "zx/core";
import { fixedName } from "../../lib/host/libc_at.ts";
import * as libc from "../../lib/host/libc.ts";
import { makeNode, setTimes } from "./_odd_files.ts";

let base = "";
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "mbctl-libc-"));
});
afterAll(() => rmSync(base, { recursive: true }));

/** A new file. */
function file(name: string, text = ""): string {
  const path = join(base, name);
  writeFileSync(path, text);
  return path;
}

function failure(action: () => unknown): libc.SyscallError {
  try {
    action();
  } catch (error) {
    if (error instanceof libc.SyscallError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

describe("extended attributes", () => {
  test("keep every byte, also none, and are seen by getfattr(1)", async () => {
    const path = file("attributes");
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    libc.setXattr(path, "user.bytes", bytes);
    libc.setXattr(path, "user.empty", new Uint8Array());
    libc.setXattr(path, "user.name-ä", Buffer.from("x"));
    expect(libc.listXattrs(path).sort()).toEqual(["user.bytes", "user.empty", "user.name-ä"]);
    expect(Buffer.from(libc.getXattr(path, "user.bytes"))).toEqual(Buffer.from(bytes));
    expect(libc.getXattr(path, "user.empty")).toHaveLength(0);
    const seen = await $({ quiet: true })`getfattr --absolute-names -e hex -n user.bytes ${path}`;
    expect(seen.stdout).toContain(`user.bytes=0x${Buffer.from(bytes).toString("hex")}`);
  });

  test("of a link are its own, not those of what it leads to", () => {
    const target = file("target");
    const link = join(base, "link");
    symlinkSync(target, link);
    // user(7): a symbolic link cannot have user attributes, so setting one must fail.
    expect(failure(() => libc.setXattr(link, "user.a", Buffer.from("1"))).code).toBe("EPERM");
    expect(libc.listXattrs(target)).toEqual([]);
  });

  test("that are not there, and names that are not, are the kernel's error", () => {
    expect(failure(() => libc.getXattr(file("none"), "user.a")).code).toBe("ENODATA");
    const { code, message } = failure(() => libc.listXattrs(join(base, "missing")));
    expect(code).toBe("ENOENT");
    expect(message).toBe(`ENOENT: llistxattr ${JSON.stringify(join(base, "missing"))}`);
  });
});

test("setTimes() keeps nanoseconds, times before 1970 and after 2038, and does not follow links", () => {
  const path = file("times");
  const link = join(base, "times-link");
  symlinkSync(path, link);
  const accessed = { seconds: 5, nanoseconds: 6 };
  for (const [seconds, nanoseconds] of [
    [0, 1],
    [-1, 999_999_999],
    [-2_000_000_000, 123_456_789],
    [8_589_934_592, 1],
  ] as const) {
    setTimes(path, accessed, { seconds, nanoseconds });
    expect(lstatSync(path, { bigint: true }).mtimeNs).toBe(
      BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds),
    );
  }
  const before = lstatSync(path, { bigint: true }).mtimeNs;
  setTimes(link, accessed, { seconds: 7, nanoseconds: 0 });
  expect(lstatSync(path, { bigint: true }).mtimeNs).toBe(before);
  expect(lstatSync(link, { bigint: true }).mtimeNs).toBe(7_000_000_000n);
});

test("makeNode() makes devices with large numbers as stat(1) reads them, and fifos", async () => {
  const device = join(base, "device");
  makeNode(device, 0o020600, [4095, 1_048_575]);
  const seen = await $({ quiet: true })`stat -c '%F %t %T' ${device}`;
  expect(seen.stdout.trim()).toBe("character special file fff fffff");
  makeNode(join(base, "fifo"), 0o010644);
  expect(lstatSync(join(base, "fifo")).isFIFO()).toBe(true);
});

test("a path is its bytes, and none can hold a NUL", () => {
  const bytes = Buffer.concat([Buffer.from(`${base}/`), Buffer.from([0xff, 0xfe])]);
  makeNode(bytes, 0o010644);
  expect(lstatSync(bytes).isFIFO()).toBe(true);
  expect(libc.listXattrs(bytes)).toEqual([]);
  expect(() => libc.listXattrs(`${base}/a\0b`)).toThrow(TypeError);
});

test("tryLock() shares, and refuses what another has exclusively", () => {
  const path = file("lock");
  const [a, b, c] = [openSync(path, "r"), openSync(path, "r"), openSync(path, "r")] as const;
  expect(libc.tryLock(a, "shared")).toBe(true);
  expect(libc.tryLock(b, "shared")).toBe(true);
  expect(libc.tryLock(c, "exclusive")).toBe(false);
  closeSync(a);
  closeSync(b);
  expect(libc.tryLock(c, "exclusive")).toBe(true);
  closeSync(c);
});

test("makePipe() and growPipe() make a pipe that holds a mebibyte", () => {
  const { readEnd, writeEnd } = libc.makePipe();
  expect(libc.growPipe(readEnd, 1 << 20)).toBe(1 << 20);
  const bytes = Buffer.alloc(1 << 20, 7);
  expect(writeSync(writeEnd, bytes)).toBe(1 << 20);
  closeSync(writeEnd);
  const read = Buffer.alloc(1 << 20);
  expect(readSync(readEnd, read)).toBe(1 << 20);
  expect(read.equals(bytes)).toBe(true);
  closeSync(readEnd);
});

test("receiveMessage() gives messages whole, and refuses one that is too long", () => {
  const [ours, theirs] = libc.makeSocketPair();
  expect(libc.receiveMessage(ours, 100)).toBeUndefined();
  writeSync(theirs, "one");
  writeSync(theirs, "two".repeat(100));
  const message = libc.receiveMessage(ours, 100);
  expect(Buffer.from(message?.bytes ?? []).toString()).toBe("one");
  expect(message?.descriptor).toBeUndefined();
  expect(failure(() => libc.receiveMessage(ours, 100)).code).toBe("EMSGSIZE");
  closeSync(theirs);
  expect(libc.receiveMessage(ours, 100)?.bytes).toHaveLength(0);
  closeSync(ours);
});

test("receiveMessage() gives the descriptor that came with a message", async () => {
  const [ours, theirs] = libc.makeSocketPair();
  const path = file("sent", "by descriptor");
  const script = `
import os, socket
with socket.socket(fileno=3) as s, open(${JSON.stringify(path)}) as f:
    socket.send_fds(s, [b"here"], [f.fileno()])`;
  const child = Bun.spawn(["python3", "-c", script], {
    stdio: ["ignore", "inherit", "inherit", theirs],
  });
  expect(await child.exited).toBe(0);
  const message = libc.receiveMessage(ours, 100);
  expect(Buffer.from(message?.bytes ?? []).toString()).toBe("here");
  const text = Buffer.alloc(100);
  const length = readSync(message?.descriptor ?? -1, text);
  expect(text.subarray(0, length).toString()).toBe("by descriptor");
  closeSync(message?.descriptor ?? -1);
  closeSync(ours);
  closeSync(theirs);
});

test("ioctl() gives a structure back changed (FS_IOC_GETFLAGS), and the kernel's refusal", () => {
  const descriptor = openSync(file("flags"), "r");
  const flags = new Uint8Array(8).fill(0xff);
  libc.ioctl(descriptor, 0x80086601, flags);
  expect(flags.subarray(0, 4)).not.toEqual(new Uint8Array(4).fill(0xff));
  // TCGETS: no file is a terminal.
  expect(failure(() => libc.ioctl(descriptor, 0x5401, new Uint8Array(64))).code).toBe("ENOTTY");
  libc.syncFileSystem(descriptor);
  closeSync(descriptor);
});

test("fixedName() is held while calls may read it by its address alone", async () => {
  const made = (() => {
    const memory = fixedName("held");
    return { memory: new WeakRef(memory), bytes: new WeakRef(memory.bytes) };
  })();
  for (let turn = 0; turn < 5; turn++) {
    await new Promise(setImmediate);
    Bun.gc(true);
  }
  expect(Buffer.from(made.bytes.deref() ?? []).toString()).toBe("held\0");
  expect(made.memory.deref()).toBeDefined();
});
