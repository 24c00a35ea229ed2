import { expect, test } from "bun:test";
import { backoffMs, parseRetryAfter } from "../../lib/registry/retry_delay.ts";

const now = Date.parse("2026-01-02T03:04:05Z");

test.each([
  [null, undefined],
  ["", undefined],
  ["0", 0],
  [" 120 ", 120_000],
  ["-5", undefined],
  ["1.5", undefined],
  ["soon", undefined],
  ["99999999999999999999", 1e23],
  ["Fri, 02 Jan 2026 03:04:15 GMT", 10_000],
  ["Friday, 02-Jan-26 03:04:15 GMT", 10_000],
  ["Fri, 02 Jan 2026 03:04:05 GMT", undefined],
  ["Thu, 01 Jan 2026 00:00:00 GMT", undefined],
  ["Fri, 32 Foo 2026", undefined],
])("parseRetryAfter() reads %p", (value, expected) => {
  expect(parseRetryAfter(value, now)).toBe(expected as number);
});

test("backoffMs() doubles up to its limit, less up to a half", () => {
  expect([1, 2, 3, 4, 500].map((count) => backoffMs(count, 100, 500, 0))).toEqual([
    100, 200, 400, 500, 500,
  ]);
  expect(backoffMs(2, 100, 500, 1)).toBe(100);
});
