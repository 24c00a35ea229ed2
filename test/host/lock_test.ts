import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MbctlError } from "../../lib/errors.ts";
import { requireUnlocked, takeLock } from "../../lib/host/lock.ts";

let base = "";
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "mbctl-lock-"));
});
afterAll(() => rmSync(base, { recursive: true }));

const holder = (path: string) =>
  Bun.spawn(
    [
      process.execPath,
      "-e",
      `const { takeLock } = await import(${JSON.stringify(join(import.meta.dir, "../../lib/host/lock.ts"))});
       const lock = takeLock(${JSON.stringify(path)}, "x"); console.log(lock.path); await Bun.sleep(60_000);`,
    ],
    { stdout: "pipe", stderr: "inherit" },
  );

test("takeLock() makes folder and file, and writes who holds it", () => {
  const path = join(base, "a/b/one.lock");
  using lock = takeLock(path, "x");
  expect(lock.path).toBe(path);
  expect(readFileSync(path, "utf8")).toBe(`${process.pid}\n`);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("takeLock() refuses what is held, in the same process too, and takes what was given back", () => {
  const path = join(base, "two.lock");
  {
    using _ = takeLock(path, "x");
    expect(() => takeLock(path, "x")).toThrow(MbctlError);
  }
  takeLock(path, "x")[Symbol.dispose]();
});

test("takeLock() names the process that holds it; the lock ends with that process, killed or not", async () => {
  const path = join(base, "three.lock");
  const other = holder(path);
  await other.stdout.getReader().read();
  expect(() => requireUnlocked(path, "x")).toThrow(`another mbctl does (process ${other.pid})`);
  let error: unknown;
  try {
    takeLock(path, 'the machine "web"');
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toMatchObject({
    kind: "conflict",
    message: `Cannot work on the machine "web": another mbctl does (process ${other.pid})`,
    hint: "wait for it to end, then run the command again",
  });
  other.kill("SIGKILL");
  await other.exited;
  requireUnlocked(path, "x");
  using _ = takeLock(path, "x");
  expect(readFileSync(path, "utf8")).toBe(`${process.pid}\n`);
});
