import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { isLabel } from "../../lib/snapshots/label.ts";
import {
  formatSnapshot,
  parseSnapshot,
  type Snapshot,
  snapshotReasons,
} from "../../lib/snapshots/snapshot_document.ts";
import { name, snapshotOf } from "./_snapshots.ts";

const snapshots: fc.Arbitrary<Snapshot> = fc.record({
  name: fc.constant(name),
  label: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/).filter(isLabel),
  createdMs: fc.integer({ min: 0, max: 4e12 }),
  reason: fc.constantFrom(...snapshotReasons),
  image: fc.record({ reference: fc.string(), digest: fc.string(), manifestDigest: fc.string() }),
  hasData: fc.boolean(),
});

test("parseSnapshot() is the inverse of formatSnapshot()", () => {
  fc.assert(
    fc.property(snapshots, (snapshot) => {
      expect(parseSnapshot(formatSnapshot(snapshot), "/f")).toEqual(snapshot);
    }),
  );
});

test("formatSnapshot() writes a document that people can read", () => {
  expect(formatSnapshot(snapshotOf("one", { hasData: true }))).toBe(`{
  "version": 1,
  "name": "web",
  "label": "one",
  "reason": "manual",
  "image": {
    "reference": "docker.io/library/x:1",
    "digest": "sha256:a",
    "manifestDigest": "sha256:b"
  },
  "hasData": true,
  "created": "2026-11-22T00:00:00.000Z"
}
`);
});

const text = formatSnapshot(snapshotOf("one"));
test.each([
  ["nothing", ""],
  ["half of it", text.slice(0, 40)],
  ["a later version", text.replace('"version": 1', '"version": 2')],
  ["another reason", text.replace("manual", "whim")],
  ["no time", text.replace(/"created".*/, '"created": "now"')],
])("parseSnapshot() refuses %s", (_, damaged) => {
  expect(() => parseSnapshot(damaged, "/f/snapshot.json")).toThrow(
    'Cannot read "/f/snapshot.json": it is no snapshot of this mbctl',
  );
});
