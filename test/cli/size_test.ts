import { expect, test } from "bun:test";
import { MbctlError } from "../../lib/errors.ts";
import { parseSize } from "../../lib/cli/size.ts";

const good: readonly (readonly [text: string, bytes: number])[] = [
  ["0", 0],
  ["4096", 4096],
  ["12B", 12],
  ["500M", 500e6],
  ["1.5GB", 1.5e9],
  ["1.5 GB", 1.5e9],
  ["10k", 10_000],
  ["10KB", 10_000],
  ["2GiB", 2 * 1024 ** 3],
  ["1Ti", 1024 ** 4],
  ["0.5K", 500],
];
test.each(good)("parseSize(%j) is %i", (text, bytes) => expect(parseSize(text)).toBe(bytes));

const bad = ["", "-1", "1,5G", "G", "10X", "10 000", "1e9", "99999999T", "5iB", "5i", "1G1", " 1"];
test.each(bad)("parseSize(%j) is refused, with a hint", (text) => {
  expect(() => parseSize(text)).toThrow(MbctlError);
  expect(() => parseSize(text)).toThrow(
    `Cannot read the size ${JSON.stringify(text)}: it is no number of bytes`,
  );
});
