import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { renewClientFolder } from "../../lib/connector/client_folder.ts";
import { readInterpreter } from "../../lib/connector/elf_interpreter.ts";
import { openHost } from "../../lib/host/host.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "mbctl-client-folder-"));
});
afterEach(() => rmSync(root, { recursive: true }));

const loader = readInterpreter(readFileSync("/bin/true"))?.path ?? "";
const folder = () => join(root, "var/lib/mbctl/connector-client");
const renew = async () => await renewClientFolder(openHost({ root, log: { command() {} } }));

/** A host with a program in the place of mbctl, and a C library in `libraries`, to which the loader's name leads. */
function furnish(libraries: string): void {
  const put = (from: string, to: string) => {
    mkdirSync(dirname(join(root, to)), { recursive: true });
    copyFileSync(realpathSync(from), join(root, to));
    chmodSync(join(root, to), 0o755);
  };
  put("/bin/true", "usr/local/bin/mbctl");
  put(Bun.which("busybox") ?? "", "bin/busybox");
  for (const name of ["libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0"]) {
    put(join(dirname(realpathSync(loader)), name), join(libraries, name));
  }
  put(loader, join(libraries, basename(loader)));
  if (dirname(loader) === libraries) return;
  mkdirSync(join(root, dirname(loader)), { recursive: true });
  // Absolute, as a link of the host's: it leads nowhere outside of its root.
  symlinkSync(join(libraries, basename(loader)), join(root, loader));
}

describe("renewClientFolder()", () => {
  test("has what the program needs, wherever a distribution keeps its C library", async () => {
    for (const libraries of [
      "/usr/lib/some-linux-gnu",
      "/usr/lib64",
      "/usr/lib",
      dirname(loader),
    ]) {
      rmSync(root, { recursive: true });
      furnish(libraries);
      await renew();
      expect(readdirSync(folder()).sort()).toEqual([...["a", "busybox", "call", "made-of.json"]]);
      expect(readdirSync(join(folder(), "a")).sort()).toEqual([
        ...["ld", "libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0", "mbctl"],
      ]);
      const program = readFileSync(join(folder(), "a/mbctl"));
      expect(readInterpreter(program)?.path).toBe("/connectors/.client/a/ld");
      expect(readFileSync(join(folder(), "call"), "utf8")).toContain("/connectors/.client/a/mbctl");
    }
  });

  test("runs in a root where there is nothing else", async () => {
    furnish("/usr/lib64");
    await renew();
    const machine = join(root, "machine");
    mkdirSync(join(machine, "connectors"), { recursive: true });
    const client = join(machine, "connectors/.client");
    await Bun.$`cp -a ${folder()} ${client}`.quiet();
    const run = (...words: string[]) =>
      Bun.spawnSync([Bun.which("chroot") ?? "", machine, ...words], {
        env: { LD_LIBRARY_PATH: "/connectors/.client/a" },
      }).exitCode;
    expect(run("/connectors/.client/a/mbctl")).toBe(0);
    expect(run("/connectors/.client/busybox", "false")).toBe(1);
  });

  test("stays as it is while the host does, and is renewed beside the old one", async () => {
    furnish("/usr/lib64");
    await renew();
    const written = () => statSync(join(folder(), "call")).mtimeMs;
    const first = written();
    await renew();
    expect(written()).toBe(first);
    utimesSync(join(root, "usr/local/bin/mbctl"), 1, 1);
    await renew();
    // Who calls at this moment still has all of the old one.
    expect(
      readdirSync(folder())
        .filter((name) => name.length === 1)
        .sort(),
    ).toEqual(["a", "b"]);
    expect(readFileSync(join(folder(), "call"), "utf8")).toContain("/connectors/.client/b/mbctl");
    expect(readInterpreter(readFileSync(join(folder(), "b/mbctl")))?.path).toEndWith("/b/ld");
    writeFileSync(join(folder(), "made-of.json"), "{");
    await renew();
    expect(readInterpreter(readFileSync(join(folder(), "a/mbctl")))?.path).toEndWith("/a/ld");
  });

  test("says what is missing", async () => {
    await expect(renew()).rejects.toThrow("mbctl is not installed, and runs from its source");
    furnish("/usr/lib64");
    rmSync(join(root, "usr/lib64/libm.so.6"));
    await expect(renew()).rejects.toThrow("there is no libm.so.6 in /usr/lib64");
    rmSync(join(root, loader));
    await expect(renew()).rejects.toThrow("has no loader here");
  });
});
