import { expect, test } from "bun:test";
import { closeSync, existsSync, openSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { MbctlError } from "../../lib/errors.ts";
import { digestOf } from "../../lib/image/digest.ts";
import { hasBlob, makeBlobFolders } from "../../lib/store/blobs.ts";
import { beginBlob, PartialBlob } from "../../lib/store/partial_blob.ts";
import { blobPath, partialPath } from "../../lib/store/paths.ts";
import type { LockOptions, OpenStore } from "../../lib/store/store.ts";
import { bytesOf, stageBlob, workshop } from "./_workshop.ts";

const shop = workshop();
const bytes = bytesOf("blob", 3000);
const blob = { digest: digestOf(bytes), sizeBytes: bytes.length };

const begin = (store: OpenStore, options: LockOptions = {}) => stageBlob(store, blob, options);

async function failure(promise: Promise<unknown>): Promise<MbctlError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof MbctlError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

test("beginBlob() gives a sink; commit() makes it a blob", async () => {
  using store = await shop.open();
  const partial = await begin(store);
  expect(partial.sizeBytes).toBe(0);
  partial.append(bytes.subarray(0, 1000));
  partial.append(bytes.subarray(1000));
  expect(partial.sizeBytes).toBe(3000);
  expect(hasBlob(store, blob)).toBe(false);
  partial.commit();
  expect(readFileSync(blobPath(shop.paths, blob.digest))).toEqual(Buffer.from(bytes));
  expect(shop.leftovers()).toEqual([]);
  expect(await beginBlob(store, blob)).toBe("present");
});

test("what was downloaded is kept when it is given up, and taken over", async () => {
  using store = await shop.open();
  {
    using first = await begin(store);
    first.append(bytes.subarray(0, 1000));
  }
  const second = await begin(store);
  expect(second.sizeBytes).toBe(1000);
  second.append(bytes.subarray(1000));
  second.commit();
  expect(readFileSync(blobPath(shop.paths, blob.digest))).toEqual(Buffer.from(bytes));
});

test("nothing is left of a download in which nothing arrived", async () => {
  using store = await shop.open();
  (await begin(store))[Symbol.dispose]();
  expect(shop.leftovers()).toEqual([]);
});

test("restart() throws away what is there", async () => {
  using store = await shop.open();
  const partial = await begin(store);
  partial.append(bytesOf("wrong", 2000));
  partial.restart();
  expect(partial.sizeBytes).toBe(0);
  partial.append(bytes);
  partial.commit();
  expect(readFileSync(blobPath(shop.paths, blob.digest))).toEqual(Buffer.from(bytes));
});

test("a partial file that is longer than its blob is begun anew", async () => {
  using store = await shop.open();
  makeBlobFolders(store, blob.digest);
  writeFileSync(partialPath(shop.paths, blob.digest), bytesOf("x", 3001));
  using partial = await begin(store);
  expect(partial.sizeBytes).toBe(0);
});

test("append() takes no more bytes than the blob has, commit() no fewer", async () => {
  using store = await shop.open();
  using partial = await begin(store);
  expect(() => partial.append(bytesOf("x", 3001))).toThrow("it has more than its 3000 bytes");
  partial.append(bytes.subarray(0, 2999));
  expect(() => partial.commit()).toThrow("it has 2999 of 3000 bytes");
  expect(hasBlob(store, blob)).toBe(false);
});

test("commit() does not take another file for its own", async () => {
  using store = await shop.open();
  using partial = await begin(store);
  partial.append(bytes);
  unlinkSync(partial.path);
  writeFileSync(partial.path, "another");
  expect(() => partial.commit()).toThrow(/somebody removed/);
  expect(existsSync(blobPath(shop.paths, blob.digest))).toBe(false);
});

test("a second download of a blob waits for the first, and finds it done", async () => {
  using store = await shop.open();
  const first = await begin(store);
  const waits: string[] = [];
  const second = beginBlob(store, blob, { onWait: (text) => waits.push(text) });
  first.append(bytes);
  first.commit();
  expect(await second).toBe("present");
  expect(waits).toEqual([
    `waiting for the blob "${blob.digest}": another mbctl is at work on it (process ${process.pid})`,
  ]);
  expect(shop.leftovers()).toEqual([]);
});

test("a second download takes over when the first is given up", async () => {
  using store = await shop.open();
  const first = await begin(store);
  const second = begin(store);
  first.append(bytes.subarray(0, 1000));
  first[Symbol.dispose]();
  using partial = await second;
  expect(partial.sizeBytes).toBe(1000);
});

test("a second download takes over when the first left nothing", async () => {
  using store = await shop.open();
  const first = await begin(store);
  const second = begin(store);
  first[Symbol.dispose]();
  const partial = await second;
  partial.append(bytes);
  partial.commit();
  expect(hasBlob(store, blob)).toBe(true);
});

test("waiting ends when the user stops it, and when the other makes no progress", async () => {
  using store = await shop.open();
  using first = await begin(store);
  first.append(bytes.subarray(0, 10));
  const stop = new AbortController();
  const onWait = () => stop.abort();
  expect((await failure(beginBlob(store, blob, { signal: stop.signal, onWait }))).kind).toBe(
    "interrupted",
  );
  const late = await failure(beginBlob(store, blob, { timeoutMs: 20 }));
  expect([late.kind, late.message]).toEqual([
    "conflict",
    `Cannot use the blob "${blob.digest}": another mbctl (process ${process.pid}) has not given it back for 0 s`,
  ]);
});

test("a full disk is explained", async () => {
  using store = await shop.open();
  const descriptor = openSync("/dev/full", "r+");
  const path = "/dev/full";
  const lock = { path, descriptor, [Symbol.dispose]: () => closeSync(descriptor) };
  const partial = new PartialBlob(store, blob, lock);
  expect(() => partial.append(bytes)).toThrow('Cannot write "/dev/full": no space is left');
  lock[Symbol.dispose]();
});
