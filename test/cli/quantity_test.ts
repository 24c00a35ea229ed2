import { describe, expect, test } from "bun:test";
import { formatBytes, formatDuration, formatSpeed } from "../../lib/cli/quantity.ts";

describe("formatBytes()", () => {
  test.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [99_949, "99.9 kB"],
    [99_950, "100 kB"],
    [999_499, "999 kB"],
    [999_500, "1.0 MB"],
    [12_345_678, "12.3 MB"],
    [5e12, "5.0 TB"],
    [5e15, "5000 TB"],
  ])("%d is %s", (bytes, expected) => {
    expect(formatBytes(bytes)).toBe(expected);
  });
});

describe("formatSpeed()", () => {
  test.each([
    [0.2, "0 B/s"],
    [1_250_000, "1.3 MB/s"],
    [110e6, "110 MB/s"],
  ])("%d is %s", (bytesPerSecond, expected) => {
    expect(formatSpeed(bytesPerSecond)).toBe(expected);
  });
});

describe("formatDuration()", () => {
  test.each([
    [-1, "0s"],
    [0, "0s"],
    [0.1, "1s"],
    [12, "12s"],
    [59, "59s"],
    [59.5, "1m 00s"],
    [185, "3m 05s"],
    [3599, "59m 59s"],
    [3599.5, "1h 00m"],
    [3601, "1h 01m"],
    [7199, "2h 00m"],
    [94_000, "26h 07m"],
  ])("%d is %s", (seconds, expected) => {
    expect(formatDuration(seconds)).toBe(expected);
  });
});
