import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { digestOf } from "../../lib/image/digest.ts";
import {
  checkBlob,
  discardBlob,
  hasBlob,
  listBlobs,
  readVerified,
  writeBlob,
} from "../../lib/store/blobs.ts";
import { blobPath } from "../../lib/store/paths.ts";
import { storeBelow } from "../../lib/store/store.ts";
import { workshop } from "./_workshop.ts";

const shop = workshop();
const text = Buffer.from("a manifest");
const digest = digestOf(text);
const blob = { digest, sizeBytes: text.length };

test("writeBlob() stores what readVerified() gives back, for root alone, sha512 too", async () => {
  using store = await shop.open();
  writeBlob(store, digest, text);
  const long = digestOf(text, "sha512");
  writeBlob(store, long, text);
  expect(readVerified(store, blob)).toEqual(text);
  expect(readVerified(store, { digest: long })).toEqual(text);
  expect(statSync(blobPath(shop.paths, digest)).mode & 0o777).toBe(0o600);
  expect(statSync(shop.paths.blobs).mode & 0o777).toBe(0o700);
  expect(statSync(shop.paths.partial).mode & 0o777).toBe(0o700);
  expect(statSync(shop.paths.cache).mode & 0o777).toBe(0o755);
  expect(shop.leftovers()).toEqual([]);
  expect(listBlobs(store).blobs.map((each) => each.digest)).toEqual([digest, long]);
});

test("writeBlob() refuses bytes of another digest", async () => {
  using store = await shop.open();
  expect(() => writeBlob(store, digest, Buffer.from("another"))).toThrow(
    /^Cannot store the blob "sha256:[0-9a-f]{64}": its digest is sha256:[0-9a-f]{64}$/,
  );
  expect(hasBlob(store, { digest })).toBe(false);
});

test("hasBlob() compares the size", async () => {
  using store = await shop.open();
  expect(hasBlob(store, blob)).toBe(false);
  writeBlob(store, digest, text);
  expect(hasBlob(store, blob)).toBe(true);
  expect(hasBlob(store, { digest })).toBe(true);
  expect(hasBlob(store, { ...blob, sizeBytes: 3 })).toBe(false);
  truncateSync(blobPath(shop.paths, digest), 0);
  expect(hasBlob(store, blob)).toBe(false);
});

const damages: readonly (readonly [what: string, damage: (path: string) => void])[] = [
  ["is empty after a power loss", (path) => truncateSync(path, 0)],
  ["has another byte", (path) => writeFileSync(path, "A manifest")],
  ["is longer", (path) => writeFileSync(path, "a manifest.")],
];
test.each(damages)("readVerified() throws out a blob that %s, and says so", async (_, damage) => {
  using store = await shop.open();
  writeBlob(store, digest, text);
  damage(blobPath(shop.paths, digest));
  const reader = storeBelow(shop.root, { onDamage: (line) => shop.damage.push(line) });
  expect(readVerified(reader, blob)).toBeUndefined();
  expect(readdirSync(dirname(blobPath(shop.paths, digest)))).toHaveLength(1);
  expect(readVerified(store, blob)).toBeUndefined();
  expect(readdirSync(dirname(blobPath(shop.paths, digest)))).toEqual([]);
  expect(shop.damage).toEqual([
    `the blob ${digest} is damaged`,
    `the blob ${digest} is damaged: it was removed, and is fetched again when it is needed`,
  ]);
  writeBlob(store, digest, text);
  expect(readVerified(store, blob)).toEqual(text);
});

test("writeBlob() replaces a damaged blob", async () => {
  using store = await shop.open();
  writeBlob(store, digest, text);
  writeFileSync(blobPath(shop.paths, digest), "A manifest");
  writeBlob(store, digest, text);
  expect(readVerified(store, blob)).toEqual(text);
});

test("checkBlob() hashes a blob, tells how far it is, and throws a damaged one out", async () => {
  using store = await shop.open();
  expect(await checkBlob(store, blob)).toBe("missing");
  writeBlob(store, digest, text);
  let read = 0;
  const onBytes = (bytes: number) => {
    read += bytes;
  };
  expect(await checkBlob(store, blob, { onBytes })).toBe("right");
  expect(read).toBe(text.length);
  writeFileSync(blobPath(shop.paths, digest), "A manifest");
  expect(await checkBlob(store, blob)).toBe("damaged");
  expect(await checkBlob(store, blob)).toBe("missing");
});

test("discardBlob() removes a blob; none is no error", async () => {
  using store = await shop.open();
  discardBlob(store, digest);
  writeBlob(store, digest, text);
  discardBlob(store, digest);
  expect(hasBlob(store, { digest })).toBe(false);
});

test("listBlobs() tells strangers from blobs", async () => {
  using store = await shop.open();
  writeBlob(store, digest, text);
  mkdirSync(`${shop.paths.blobs}/md5`);
  for (const name of ["sha256/short", "md5/00", "file"])
    writeFileSync(`${shop.paths.blobs}/${name}`, "");
  const { blobs, strangers } = listBlobs(store);
  expect(blobs.map((each) => each.digest)).toEqual([digest]);
  expect(strangers.map(({ path }) => path.slice(shop.paths.blobs.length + 1))).toEqual([
    "file",
    "md5/00",
    "sha256/short",
  ]);
});
