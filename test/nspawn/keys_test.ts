import { describe, expect, test } from "bun:test";
import { isKnownNspawnKey, NSPAWN_KEYS, nspawnKey } from "../../lib/nspawn/keys.ts";

describe("NSPAWN_KEYS", () => {
  test("names each key once", () => {
    const names = NSPAWN_KEYS.map((row) => `${row.section}.${row.key}`);
    expect(new Set(names).size).toBe(names.length);
  });

  // The counts are those of the key tables in the systemd-nspawn binaries (`strings | grep -E '^(Exec|Files|Network)\.'`).
  test.each([
    [252, 61],
    [257, 61],
    [262, 65],
  ])("systemd %d knows %d of them", (version, count) => {
    expect(
      NSPAWN_KEYS.filter((row) => isKnownNspawnKey(row.section, row.key, version)).length,
    ).toBe(count);
  });
});

describe("nspawnKey()", () => {
  test("finds a key in its section only", () => {
    expect(nspawnKey("Files", "Bind")).toEqual({
      section: "Files",
      key: "Bind",
      since: 226,
      kind: "fields",
      isRepeatable: true,
    });
    expect(nspawnKey("Exec", "Bind")).toBeUndefined();
  });
});

describe("isKnownNspawnKey()", () => {
  test("goes by the version", () => {
    expect(
      [260, 261].map((version) => isKnownNspawnKey("Exec", "RestrictAddressFamilies", version)),
    ).toEqual([false, true]);
  });
});
