import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { paddingBytes, renderUstarHeader } from "../../lib/image/ustar.ts";

/** What GNU tar says of an archive, its listing with numbers. */
function listed(archive: Uint8Array): string {
  const { stdout, stderr } = Bun.spawnSync(["tar", "--numeric-owner", "--utc", "-tvf", "-"], {
    stdin: archive,
  });
  return `${stdout}${stderr}`.trim().replaceAll(/ +/g, " ");
}

test("renderUstarHeader() gives what GNU tar reads: name, size, mode, owner, time", () => {
  const body = Buffer.from("12345");
  const archive = Buffer.concat([
    renderUstarHeader("blobs/sha256/abc", body.length),
    body,
    new Uint8Array(paddingBytes(body.length)),
    renderUstarHeader("index.json", 0),
    new Uint8Array(1024),
  ]);
  expect(listed(archive)).toBe(
    "-rw-r--r-- 0/0 5 1970-01-01 00:00 blobs/sha256/abc\n-rw-r--r-- 0/0 0 1970-01-01 00:00 index.json",
  );
});

test.each([0o77777777777, 0o77777777777 + 1, 2 ** 43 + 7])(
  "renderUstarHeader() says a size of %i bytes as GNU tar does",
  (size) => {
    // The body is missing: the listing comes first, the complaint after it.
    expect(listed(renderUstarHeader("big", size))).toStartWith(`-rw-r--r-- 0/0 ${size} `);
  },
);

test.each(["", "a b", "ä", "x".repeat(101), "line\nfeed"])(
  "renderUstarHeader() has no room for the name %j",
  (name) => expect(() => renderUstarHeader(name, 0)).toThrow(RangeError),
);

test("paddingBytes() fills up the last block, and no more", () => {
  fc.assert(
    fc.property(fc.nat(2 ** 31), (size) => {
      const padding = paddingBytes(size);
      expect((size + padding) % 512).toBe(0);
      expect(padding).toBeLessThan(512);
    }),
  );
});
