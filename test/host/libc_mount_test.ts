import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, readlinkSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tryIdMappedMount } from "../../lib/host/libc_mount.ts";
import { waitFor } from "../lab/wait_for.ts";

let folder = "";
let child: Bun.Subprocess;
const namespace = () => `/proc/${child.pid}/ns/user`;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "mbctl-mount-"));
  child = Bun.spawn(["unshare", "--user", "--map-root-user", "--", "sleep", "60"]);
  await waitFor(
    () =>
      readlinkSync(namespace()) !== readlinkSync("/proc/self/ns/user") &&
      readFileSync(`/proc/${child.pid}/uid_map`, "utf8") !== "",
    { what: "a user namespace with a mapping" },
  );
}, 10_000);
afterAll(async () => {
  child.kill();
  await child.exited;
  rmdirSync(folder);
});

test("tryIdMappedMount() makes an id-mapped mount that nobody sees", () => {
  const before = readFileSync("/proc/self/mountinfo", "utf8");
  tryIdMappedMount(folder, namespace());
  expect(readFileSync("/proc/self/mountinfo", "utf8")).toBe(before);
});

test.each([
  ["a file system that knows no id-mapping", "/proc", /^EINVAL: mount_setattr/],
  ["a folder that is not there", "/nowhere", /^ENOENT: open_tree/],
] as const)("tryIdMappedMount() throws the kernel's error for %s", (_, path, message) => {
  expect(() => tryIdMappedMount(path, namespace())).toThrow(message);
});

test("tryIdMappedMount() throws for the namespace of the host itself", () => {
  expect(() => tryIdMappedMount(folder, "/proc/self/ns/user")).toThrow(/^E\w+: mount_setattr/);
});
