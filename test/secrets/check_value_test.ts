import { expect, test } from "bun:test";
import {
  secretLimitBytes,
  whyNoSecret,
  whyNotUsable,
  whyTooMuch,
} from "../../lib/secrets/check_value.ts";
import { parseSecretName } from "../../lib/spec/secret_use.ts";

const bytes = (length: number) => new Uint8Array(length).fill(0x61);
const name = parseSecretName("key");

test("whyNoSecret() takes any bytes up to the limit, but not none", () => {
  expect(whyNoSecret(bytes(0))).toBe("it is empty");
  expect(whyNoSecret(new Uint8Array([0, 255, 10]))).toBeUndefined();
  expect(whyNoSecret(bytes(secretLimitBytes))).toBeUndefined();
  expect(whyNoSecret(bytes(secretLimitBytes + 1))).toBe("it has 524289 bytes, more than 524288");
});

test("whyNotUsable() knows what a variable cannot hold", () => {
  const nul = new Uint8Array([0x61, 0, 0x62]);
  const refused = (value: Uint8Array, variable?: string) =>
    whyNotUsable(value, variable === undefined ? { name } : { name, variable });
  expect(refused(nul)).toBeUndefined();
  expect(refused(nul, "A")).toMatch(/^a variable \(A\) cannot hold a zero byte/);
  // "A=", the value, and the NUL behind it.
  expect(refused(bytes(128 * 1024 - 3), "A")).toBeUndefined();
  expect(refused(bytes(128 * 1024 - 2), "A")).toMatch(/cannot hold more than 131072 bytes/);
});

test("whyTooMuch() counts whole pages", () => {
  expect(whyTooMuch([secretLimitBytes, 400 * 1024])).toBeUndefined();
  expect(whyTooMuch([secretLimitBytes, secretLimitBytes])).toMatch(/take 1048576 bytes/);
  expect(whyTooMuch(Array.from({ length: 240 }, () => 1))).toBeUndefined();
  expect(whyTooMuch(Array.from({ length: 241 }, () => 1))).toMatch(/more than 983040/);
});
