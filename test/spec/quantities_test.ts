/** Sizes, durations, restart policies and devices: each read and written. */

import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { capabilityName, systemdCapability } from "../../lib/spec/capability.ts";
import { parseDevice } from "../../lib/spec/device.ts";
import { formatTimeSpan, parseDuration } from "../../lib/spec/duration.ts";
import { formatMemorySize, parseMemorySize } from "../../lib/spec/memory_size.ts";
import { formatRestartPolicy, parseRestartPolicy } from "../../lib/spec/restart_policy.ts";

describe("sizes", () => {
  test.each([
    ["512M", 512 * 1024 ** 2],
    ["2g", 2 * 1024 ** 3],
    ["1.5G", 1.5 * 1024 ** 3],
    ["4096", 4096],
    ["100b", 100],
    ["64kb", 65536],
    ["1MiB", 1024 ** 2],
  ])("parseMemorySize(%j) is %d", (text, bytes) => expect(parseMemorySize(text)).toBe(bytes));

  test.each(["", "0", "-1", "1e9", "G", "1 G", "1P", "9999999999T", "0x10"])(
    "parseMemorySize(%j) is refused",
    (text) => expect(() => parseMemorySize(text)).toThrow("it is no number of bytes above 0"),
  );

  test("formatMemorySize() is the inverse", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 50 }), (bytes) =>
        expect(parseMemorySize(formatMemorySize(bytes))).toBe(bytes),
      ),
    );
  });
});

describe("durations", () => {
  test.each([
    ["30s", 30_000],
    ["1m30s", 90_000],
    ["500ms", 500],
    ["1h", 3_600_000],
    ["5", 5000],
    ["1.5s", 1500],
    ["0s", 0],
  ])("parseDuration(%j) is %d", (text, ms) => expect(parseDuration(text)).toBe(ms));

  test.each(["", "s", "1d", "-1s", "1s 2", "abc", "1 s"])("parseDuration(%j) is refused", (text) =>
    expect(() => parseDuration(text)).toThrow("it is no time"),
  );

  test("formatTimeSpan() is the inverse", () => {
    fc.assert(
      fc.property(fc.nat(2 ** 31), (ms) => expect(parseDuration(formatTimeSpan(ms))).toBe(ms)),
    );
  });
});

describe("restart policies", () => {
  test.each(["no", "on-failure", "on-failure:3", "always", "unless-stopped"])("%s", (text) =>
    expect(formatRestartPolicy(parseRestartPolicy(text))).toBe(text),
  );
  test("never is podman's other word for no", () =>
    expect(parseRestartPolicy("never")).toEqual({ when: "no" }));
  test.each(["", "on-failure:", "on-failure:0", "always:3", "ALWAYS", "on-failure:1e3"])(
    "parseRestartPolicy(%j) is refused",
    (text) => expect(() => parseRestartPolicy(text)).toThrow("it is none"),
  );
});

describe("devices", () => {
  const node = { access: "rwm", ifAbsent: "fail" } as const;
  test.each([
    ["/dev/fuse", { ...node, source: "/dev/fuse", target: "/dev/fuse" }],
    ["/dev/a:/dev/b", { ...node, source: "/dev/a", target: "/dev/b" }],
    ["/dev/a:r", { ...node, source: "/dev/a", target: "/dev/a", access: "r" }],
    ["/dev/a:/dev/b:rw", { ...node, source: "/dev/a", target: "/dev/b", access: "rw" }],
    ["char-ttyUSB", { ...node, source: "char-ttyUSB", target: undefined }],
  ])("parseDevice(%j)", (text, device) => expect(parseDevice(text)).toEqual(device));

  test.each([
    "",
    "/etc/x",
    "/dev/../x",
    "/dev/a b",
    "/dev/a:/x",
    "char-",
    "/dev/a:b:c:d",
    "/dev/a:rr",
  ])("parseDevice(%j) is refused", (text) =>
    expect(() => parseDevice(text)).toThrow("Cannot use the device"),
  );
});

test("capabilities have one name, whoever writes them", () => {
  for (const text of ["net_admin", "CAP_NET_ADMIN", "NET_ADMIN"]) {
    expect(systemdCapability(capabilityName(text))).toBe("CAP_NET_ADMIN");
  }
  expect(systemdCapability(capabilityName("all"))).toBe("all");
});
