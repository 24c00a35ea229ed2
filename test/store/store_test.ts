import { expect, test } from "bun:test";
import { closeSync, openSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { openStore } from "../../lib/store/store.ts";
import { hasName, holdersOf, namePids, tryToTake } from "../../lib/host/waiting_lock.ts";
import { workshop } from "./_workshop.ts";

const shop = workshop();

test("openStore() touches nothing but its lock", async () => {
  using _ = await shop.open();
  expect(readdirSync(shop.root, { recursive: true, encoding: "utf8" }).sort()).toEqual([
    ...["run", "run/mbctl", "run/mbctl/lock", "run/mbctl/lock/.store.lock"],
  ]);
});

test("a store is used by many at once, and pruned by one alone", async () => {
  const first = await shop.open();
  const second = await shop.open();
  const waits: string[] = [];
  const alone = openStore(shop.root, "exclusive", { onWait: (text) => waits.push(text) });
  let isOpen = false;
  void alone.then(() => {
    isOpen = true;
  });
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  await new Promise(setImmediate);
  expect(isOpen).toBe(false);
  second[Symbol.dispose]();
  using store = await alone;
  expect(store.lock).toBe("exclusive");
  expect(waits).toEqual([
    `waiting for the image store: another mbctl is at work on it (process ${process.pid})`,
  ]);
  await expect(openStore(shop.root, "shared", { timeoutMs: 5 })).rejects.toMatchObject({
    kind: "conflict",
    message: `Cannot use the image store: another mbctl (process ${process.pid}) has not given it back for 0 s`,
  });
  await expect(
    openStore(shop.root, "shared", { signal: AbortSignal.abort() }),
  ).rejects.toMatchObject({
    kind: "interrupted",
  });
});

test("hasName() tells an open file from another that has its name now", () => {
  const path = `${shop.root}/file`;
  const file = openSync(path, "w");
  expect(hasName(file, path)).toBe(true);
  renameSync(path, `${path}.moved`);
  expect(hasName(file, path)).toBe(false);
  writeFileSync(path, "");
  expect(hasName(file, path)).toBe(false);
  closeSync(file);
});

test("tryToTake() takes a lock, or says that it is held; holdersOf() says by whom", () => {
  const path = `${shop.root}/lock`;
  expect(holdersOf(path)).toEqual([]);
  using lock = tryToTake(path, "shared");
  expect(lock?.path).toBe(path);
  using other = tryToTake(path, "shared");
  expect(other).toBeDefined();
  expect(tryToTake(path, "exclusive")).toBeUndefined();
  expect(holdersOf(path)).toEqual([process.pid]);
  expect([[], [1], [1, 2]].map(namePids)).toEqual(["", "process 1", "processes 1, 2"]);
});
