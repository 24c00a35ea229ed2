/** Kills mbctl at every step of adding an application, replacing and removing one: it is there or not, and nothing else. */

import { afterAll, beforeAll, describe, test } from "bun:test";
import { join } from "node:path";
import { expectOldOrNew } from "../change/_killed.ts";
import { writeImage } from "../lab/images/layout.ts";
import type { TarEntry } from "../lab/images/tar.ts";
import { canPull, OuterHost } from "../machine/_outer_host.ts";

/** What mbctl takes for a system that boots. */
const system: readonly TarEntry[] = [
  "systemd",
  ...["networkd", "resolved", "logind"].map((name) => `systemd-${name}`),
  "libsystemd-shared-257.so",
]
  .map((name) => `usr/lib/systemd/${name}`)
  .concat("usr/bin/dbus-daemon", "usr/lib/security/pam_systemd.so")
  .map((path) => ({ path, mode: 0o755, content: "no program" }));

const osRelease = { path: "etc/os-release", content: "ID=debian\nVERSION_CODENAME=bookworm\n" };

describe.skipIf(!canPull)("killed", () => {
  let host: OuterHost;

  beforeAll(async () => {
    host = await OuterHost.create();
    const base = join(host.dir, "base");
    await writeImage(base, { config: { config: {} }, layers: [[...system, osRelease]] });
    await host.succeed(["machines", "pull", `oci:${base}:latest`, "web", "--mode=base"]);
    host.keep("system");
    await host.succeed(add());
    host.keep("with");
  }, 60_000);
  afterAll(() => host?.[Symbol.dispose]());

  const add = (...words: string[]) => [
    ...["machines", "app", "add", "web", host.image, "--name=app"],
    ...["--mount=/conf=config", "--mount=/full=skip", ...words],
  ];
  const remove = () => ["machines", "app", "remove", "web", "app", "--with-data"];

  const changes: readonly (readonly [string, string, () => readonly string[], number])[] = [
    ["adding", "system", () => add(), 5],
    ["replacing", "with", () => add("--replace", "--memory=1g"), 5],
    ["removing", "with", remove, 2],
  ];

  test.each(changes)(
    "%s leaves a machine with the application as a whole, or without it",
    async (_, start, words, stride) => {
      await expectOldOrNew(host, start, words(), stride);
    },
    180_000,
  );
});
