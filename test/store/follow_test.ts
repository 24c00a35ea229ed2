import { expect, test } from "bun:test";
import { digestOf } from "../../lib/image/digest.ts";
import { follow, RestartedError } from "../../lib/store/follow.ts";
import type { OpenStore } from "../../lib/store/store.ts";
import { bytesOf, stageBlob, workshop } from "./_workshop.ts";

const shop = workshop();
const bytes = bytesOf("blob", 3_000_000);
const blob = { digest: digestOf(bytes), sizeBytes: bytes.length };

const begin = (store: OpenStore) => stageBlob(store, blob);

/** The digest of all that is read, and the sizes of the chunks. */
async function digestOfAll(chunks: AsyncIterable<Uint8Array>) {
  const hasher = new Bun.CryptoHasher("sha256");
  const sizes: number[] = [];
  for await (const chunk of chunks) {
    hasher.update(chunk);
    sizes.push(chunk.length);
  }
  return { digest: `sha256:${hasher.digest("hex")}`, sizes };
}

async function nextTurn(): Promise<void> {
  await new Promise(setImmediate);
}

test.each([
  ["new buffers", undefined],
  ["one buffer", new Uint8Array(700_000)],
])("follow() gives the bytes as they arrive, in %s, up to the commit", async (_, buffer) => {
  using store = await shop.open();
  const partial = await begin(store);
  const all = digestOfAll(follow(partial, { buffer }));
  for (let at = 0; at < bytes.length; at += 70_000) {
    partial.append(bytes.subarray(at, at + 70_000));
    await nextTurn();
  }
  partial.commit();
  const { digest, sizes } = await all;
  expect(digest).toBe(blob.digest);
  // Small chunks would cost more calls than they bring: only the last may be one.
  expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThanOrEqual(512 * 1024);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(buffer?.length ?? 1024 * 1024);
});

test("follow() begins with what an earlier run left", async () => {
  using store = await shop.open();
  {
    using first = await begin(store);
    first.append(bytes.subarray(0, 1_000_000));
  }
  const partial = await begin(store);
  const all = digestOfAll(follow(partial));
  partial.append(bytes.subarray(1_000_000));
  partial.commit();
  expect((await all).digest).toBe(blob.digest);
});

test("follow() reads a blob that is committed before the first byte is asked for", async () => {
  using store = await shop.open();
  const partial = await begin(store);
  const chunks = follow(partial);
  partial.append(bytes);
  partial.commit();
  expect((await digestOfAll(chunks)).digest).toBe(blob.digest);
});

test("several may follow one download", async () => {
  using store = await shop.open();
  const partial = await begin(store);
  const all = Promise.all([digestOfAll(follow(partial)), digestOfAll(follow(partial))]);
  partial.append(bytes);
  await nextTurn();
  partial.commit();
  expect((await all).map(({ digest }) => digest)).toEqual([blob.digest, blob.digest]);
});

test("follow() ends with a RestartedError when the download begins anew", async () => {
  using store = await shop.open();
  using partial = await begin(store);
  partial.append(bytes.subarray(0, 1_000_000));
  const chunks = follow(partial);
  expect((await chunks.next()).value).toHaveLength(1_000_000);
  const next = chunks.next();
  partial.restart();
  partial.append(bytes.subarray(0, 2_000_000));
  await expect(next).rejects.toBeInstanceOf(RestartedError);
});

test("follow() does not give bytes of a run that ended while they were read", async () => {
  using store = await shop.open();
  using partial = await begin(store);
  partial.append(bytes.subarray(0, 1_000_000));
  const next = follow(partial).next();
  partial.restart();
  await expect(next).rejects.toBeInstanceOf(RestartedError);
});

test("follow() ends with the error of the download", async () => {
  using store = await shop.open();
  const partial = await begin(store);
  partial.append(bytes.subarray(0, 1000));
  const next = follow(partial).next();
  const why = new Error("the registry is gone");
  partial.fail(why);
  expect(await next.catch((error: unknown) => error)).toBe(why);
  const given = await begin(store);
  const other = follow(given).next();
  given[Symbol.dispose]();
  expect(await other.catch((error: Error) => error.message)).toMatch(/it was given up$/);
});
