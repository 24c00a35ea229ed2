import { expect, test } from "bun:test";
import fc from "fast-check";
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hostSources } from "../../lib/cli/completion_sources.ts";
import { digestOf } from "../../lib/image/digest.ts";
import { parseImageRef } from "../../lib/image/reference.ts";
import { referenceFileName, referenceOfFileName } from "../../lib/store/reference_name.ts";
import {
  listReferences,
  readReference,
  removeReference,
  storedReferences,
  touchUsed,
  writeReference,
} from "../../lib/store/references.ts";
import { platform, workshop } from "./_workshop.ts";

const shop = workshop();
const reference = "docker.io/library/nginx:1";
const ref = parseImageRef(reference);
const named = {
  reference,
  digest: digestOf("index"),
  manifestDigest: digestOf("manifest"),
  platform,
  resolvedMs: Date.parse("2026-01-02T03:04:05.678Z"),
};

test("referenceFileName() is undone by referenceOfFileName(), and is a short plain name", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 40 }), (text) => {
      const whole = `docker.io/${text}:1`;
      const name = referenceFileName(whole);
      expect(name).toMatch(/^[A-Za-z0-9._:@%-]+\.json$/);
      expect(name.length).toBeLessThan(255);
      const back = referenceOfFileName(name);
      if (back !== undefined) expect(back).toBe(whole);
    }),
  );
});

const names: readonly (readonly [reference: string, name: string])[] = [
  [reference, "docker.io%2Flibrary%2Fnginx:1.json"],
  ["[300::1]:5000/a@sha256:00", "%5B300::1%5D:5000%2Fa@sha256:00.json"],
  ["oci:/srv/my images", "oci:%2Fsrv%2Fmy%20images.json"],
];
test.each(names)("the file of %s is %s", (text, name) => {
  expect(referenceFileName(text)).toBe(name);
  expect(referenceOfFileName(name)).toBe(text);
});

test("a reference that is too long for a file name is named by its digest", async () => {
  using store = await shop.open();
  const long = `localhost:5000/${"a/".repeat(120)}b:1`;
  writeReference(store, parseImageRef(long), { ...named, reference: long });
  expect(readdirSync(shop.paths.references)).toEqual([`${digestOf(long).replace(":", "-")}.json`]);
  expect(readReference(store, long)?.digest).toBe(named.digest);
  expect(storedReferences(store)).toEqual([]);
});

test("writeReference() keeps what readReference() gives back; touchUsed() changes the time of use", async () => {
  using store = await shop.open();
  expect(readReference(store, reference)).toBeUndefined();
  const signed = { ...named, verifiedBy: "sigstoreSigned" };
  writeReference(store, ref, signed);
  touchUsed(store, reference, 1_700_000_000_000);
  touchUsed(store, "docker.io/library/other:1", 0);
  const path = join(shop.paths.references, "docker.io%2Flibrary%2Fnginx:1.json");
  expect(readReference(store, reference)).toMatchObject({
    ...signed,
    path,
    usedMs: 1_700_000_000_000,
  });
  expect(statSync(path).mode & 0o777).toBe(0o644);
  expect(statSync(shop.paths.references).mode & 0o777).toBe(0o755);
  removeReference(store, reference);
  removeReference(store, reference);
  expect(listReferences(store)).toEqual({ references: [], damaged: [] });
});

test("a tag that moves leaves its former image a name of its own, with its times", async () => {
  using store = await shop.open();
  writeReference(store, ref, named);
  touchUsed(store, reference, 1_700_000_000_000);
  const moved = { ...named, digest: digestOf("new"), manifestDigest: digestOf("new manifest") };
  writeReference(store, ref, moved);
  const { references } = listReferences(store);
  expect(references.map(({ reference: text, digest, usedMs }) => [text, digest, usedMs])).toEqual([
    [reference, moved.digest, expect.any(Number)],
    [`docker.io/library/nginx@${named.digest}`, named.digest, 1_700_000_000_000],
  ]);
  // Resolved again with the same result: nothing moves.
  writeReference(store, ref, { ...moved, resolvedMs: moved.resolvedMs + 1 });
  expect(listReferences(store).references).toHaveLength(2);
});

test("the image of a file that changed has no name of its own", async () => {
  using store = await shop.open();
  const local = parseImageRef("oci:/srv/image:x");
  const file = { ...named, reference: "oci:/srv/image:x" };
  writeReference(store, local, file);
  writeReference(store, local, { ...file, digest: digestOf("new") });
  expect(storedReferences(store)).toEqual(["oci:/srv/image:x"]);
});

const damages: readonly (readonly [what: string, name: string, text: string])[] = [
  ["is no JSON", "docker.io%2Flibrary%2Fnginx:1.json", ""],
  ["lacks a key", "docker.io%2Flibrary%2Fnginx:1.json", "{}"],
  [
    "speaks of another reference",
    "docker.io%2Flibrary%2Fother:1.json",
    JSON.stringify({ schema: 1, ...named, resolvedAt: new Date().toISOString() }),
  ],
  ["is a stranger", "README", "hello"],
  [
    "has a reference that is not complete",
    "nginx:1.json",
    JSON.stringify({ schema: 1, ...named, reference: "nginx:1", resolvedAt: new Date() }),
  ],
];
test.each(damages)("a file that %s is passed over and listed as damaged", async (_, name, text) => {
  using store = await shop.open();
  mkdirSync(shop.paths.references, { recursive: true });
  writeFileSync(join(shop.paths.references, name), text);
  const { references, damaged } = listReferences(store);
  expect(references).toEqual([]);
  expect(damaged.map(({ path }) => path)).toEqual([join(shop.paths.references, name)]);
  expect(shop.damage).toEqual([
    `the note of a reference in ${join(shop.paths.references, name)} is damaged: it is not used`,
  ]);
});

test("the list of references of version 0.1.0 makes way for the folder", async () => {
  using store = await shop.open();
  mkdirSync(shop.paths.cache, { recursive: true });
  writeFileSync(shop.paths.references, "docker.io/library/nginx:1\n");
  expect([storedReferences(store), listReferences(store).references]).toEqual([[], []]);
  expect(readReference(store, reference)).toBeUndefined();
  writeReference(store, ref, named);
  expect(storedReferences(store)).toEqual([reference]);
});

test("completion finds the references that have a tag or a path, and opens no file", async () => {
  using store = await shop.open();
  for (const text of [reference, "oci:/srv/my images:x", `docker.io/library/a@${named.digest}`]) {
    writeReference(store, parseImageRef(text), { ...named, reference: text });
  }
  for (const name of readdirSync(shop.paths.references))
    chmodSync(join(shop.paths.references, name), 0);
  expect(hostSources.images(shop.root)).toEqual([reference, "oci:/srv/my images:x"]);
  expect(storedReferences(store)).toHaveLength(3);
});
