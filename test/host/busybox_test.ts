import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findBusybox } from "../../lib/host/busybox.ts";
import type { Host } from "../../lib/host/host.ts";
import type { Run } from "../../lib/host/run.ts";
import { makeSpawn } from "../../lib/host/spawn.ts";
import { REQUIRED_APPLETS } from "../../lib/init/busybox.ts";
import { defaultHostConfig } from "../../lib/config/host_config.ts";

let base = "";
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "mbctl-busybox-"));
  writeFileSync(join(base, "static"), elf(1));
  writeFileSync(join(base, "dynamic"), elf(3));
  writeFileSync(join(base, "script"), "#!/bin/sh\n");
  symlinkSync("static", join(base, "link"));
});
afterAll(() => rmSync(base, { recursive: true }));

/** A 64-bit little-endian executable with one program header: PT_LOAD is 1, PT_INTERP 3 (elf(5)). */
function elf(headerType: number): Uint8Array {
  const bytes = new Uint8Array(120);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  const view = new DataView(bytes.buffer);
  view.setUint16(16, 2, true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 1, true);
  view.setUint32(64, headerType, true);
  return bytes;
}

function host(name: string, applets: readonly string[] = REQUIRED_APPLETS): Host {
  const run: Run = async () => ({ stdout: applets.join("\n"), stderr: "", exitCode: 0 });
  return {
    root: "/",
    isLive: false,
    run,
    spawn: makeSpawn(),
    name: "hosta",
    config: { ...defaultHostConfig, busybox: join(base, name) },
  };
}

test("findBusybox() takes a static one, and follows its link", async () => {
  expect(await findBusybox(host("static"))).toBe(realpathSync(join(base, "static")));
  expect(await findBusybox(host("link"))).toBe(realpathSync(join(base, "static")));
});

const bad: readonly (readonly [name: string, state: string])[] = [
  ["none", "Cannot find busybox at BASE/none: it is not installed"],
  ["", "Cannot find busybox at BASE: it is not installed"],
  [
    "dynamic",
    "Cannot use BASE/dynamic: it is linked dynamically, and would not run in every image",
  ],
  ["script", "Cannot use BASE/script: it is linked dynamically, and would not run in every image"],
];
test.each(bad)("findBusybox() refuses %j", async (name, message) => {
  await expect(findBusybox(host(name))).rejects.toThrow(message.replace("BASE", base));
});

test("findBusybox() names the applets that are missing", async () => {
  await expect(findBusybox(host("static", REQUIRED_APPLETS.slice(2)))).rejects.toThrow(
    `it lacks the applets ${REQUIRED_APPLETS.slice(0, 2).join(", ")}`,
  );
});
