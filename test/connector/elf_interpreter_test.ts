import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatInterpreter, readInterpreter } from "../../lib/connector/elf_interpreter.ts";

const program = "/bin/true";
const bytes = readFileSync(program);

describe("readInterpreter()", () => {
  test("finds the loader of a program of this machine, where it stands in the file", () => {
    const found = readInterpreter(bytes);
    expect(found?.path).toMatch(/^\/lib.*\/ld-linux.*\.so\.\d$/);
    const { offset = 0, size = 0 } = found ?? {};
    expect(bytes.subarray(offset, offset + size).toString()).toBe(`${found?.path}\0`);
    // Its headers are enough.
    expect(readInterpreter(bytes.subarray(0, 4096))).toEqual(found);
  });

  test("finds none in what is no such program, and never reads outside of it", () => {
    expect(readInterpreter(readFileSync(Bun.which("busybox") ?? ""))).toBeUndefined();
    expect(readInterpreter(Buffer.from("#!/bin/sh\n"))).toBeUndefined();
    for (let length = 0; length < 1024; length++) {
      const cut = readInterpreter(bytes.subarray(0, length));
      if (cut !== undefined) expect(cut.offset + cut.size).toBeLessThanOrEqual(length);
    }
    // A name that is not all there is no name.
    const { offset = 0, size = 0 } = readInterpreter(bytes) ?? {};
    expect(readInterpreter(bytes.subarray(0, offset + size - 2))).toBeUndefined();
    // Program headers, or a name, where there is nothing.
    for (const at of [32, 54, 56]) {
      const broken = Buffer.from(bytes);
      broken.writeUInt16LE(0xffff, at);
      expect(() => readInterpreter(broken)).not.toThrow();
    }
    const big = Buffer.from(bytes);
    big[4] = 1;
    expect(readInterpreter(big)).toBeUndefined();
  });
});

describe("formatInterpreter()", () => {
  test("fills the room that there is, and the kernel takes the loader that it names", () => {
    const found = readInterpreter(bytes);
    if (found === undefined) throw new Error(`${program} has no loader`);
    const patched = Buffer.from(bytes);
    patched.set(formatInterpreter("/no/such/ld", found), found.offset);
    expect(patched).toHaveLength(bytes.length);
    expect(readInterpreter(patched)).toEqual({ ...found, path: "/no/such/ld" });
    const folder = mkdtempSync(join(tmpdir(), "mbctl-elf-"));
    try {
      const run = (file: Buffer) => {
        const path = join(folder, "program");
        rmSync(path, { force: true });
        writeFileSync(path, file, { mode: 0o755 });
        return Bun.spawnSync(["/bin/sh", "-c", path], { stderr: "ignore" }).exitCode;
      };
      expect(run(bytes)).toBe(0);
      // ENOENT, which is about the loader.
      expect(run(patched)).toBe(127);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("refuses a name that is longer than the one that is there", () => {
    const interpreter = { path: "/lib/ld", offset: 0, size: 8 };
    expect(formatInterpreter("/lib/ab", interpreter)).toHaveLength(8);
    expect(() => formatInterpreter("/lib/abc", interpreter)).toThrow("it is longer");
    // x86-64, and arm64: the shortest there is.
    for (const path of ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"]) {
      const room = { path, offset: 0, size: path.length + 1 };
      expect(formatInterpreter("/connectors/.client/a/ld", room)).toHaveLength(room.size);
    }
  });
});
