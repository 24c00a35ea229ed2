/** Kills mbctl at every step of an upgrade and of a rebuilding. */

import { afterAll, beforeAll, describe, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { expectOldOrNew } from "../change/_killed.ts";
import { makeEditedHost } from "../change/_state.ts";
import { writeImage } from "../lab/images/layout.ts";
import { canPull, type OuterHost } from "../machine/_outer_host.ts";

describe.skipIf(!canPull)("killed", () => {
  let host: OuterHost;

  beforeAll(async () => {
    host = await makeEditedHost();
    // Another command, another tree, and one volume more.
    await writeImage(join(host.dir, "newer"), {
      config: { config: { Cmd: ["/new"], Volumes: { "/conf": {}, "/data": {}, "/more": {} } } },
      layers: [
        [
          { path: "new", mode: 0o755, content: "no program" },
          { path: "more/one", content: "more" },
        ],
      ],
    });
    host.keep("edited");
    const below = (path: string) => join(host.root, path);
    for (const lost of [
      ...[
        "var/lib/man8machines/web",
        "var/lib/machines/web",
        "var/lib/man8machine_storage/web/data",
      ],
      ...["50-mbctl", "90-mine"].map(
        (name) => `etc/systemd/system/systemd-nspawn@web.service.d/${name}.conf`,
      ),
      "etc/systemd/nspawn/web.nspawn",
    ]) {
      rmSync(below(lost), { recursive: true });
    }
    host.keep("lost");
  }, 60_000);
  afterAll(() => host?.[Symbol.dispose]());

  const newer = () => `oci:${join(host.dir, "newer")}:latest`;
  const changes: readonly (readonly [string, string, () => readonly string[], number])[] = [
    ["an upgrade", "edited", () => ["upgrade", "web", "--to", newer(), "--with-data"], 3],
    ["a rebuilding", "lost", () => ["rebuild", "web"], 3],
    ["a tree made anew", "edited", () => ["rebuild", "web", "--yes"], 5],
  ];

  test.each(changes)(
    "%s leaves the old machine or the new one",
    async (_, start, words, stride) => {
      await expectOldOrNew(host, start, ["machines", ...words()], stride);
    },
    240_000,
  );
});
