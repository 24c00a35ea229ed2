/**
 * Kills mbctl at every step of an upgrade and of a rebuilding. The next run that touches the machine must leave it as
 * it was or as it was to be, and nothing else. How the steps are found: test/machine/_sweep.ts.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { makeEditedHost, stateOf } from "../change/_state.ts";
import { writeImage } from "../lab/images/layout.ts";
import { canPull, type OuterHost } from "../machine/_outer_host.ts";
import { litter } from "../machine/_snapshot.ts";
import { sweep } from "../machine/_sweep.ts";

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
      const verb = ["machines", ...words()];
      host.bringBack(start);
      const before = stateOf(host);
      const outcome = await host.run(verb);
      expect(outcome).toMatchObject({ exitCode: 0 });
      const after = stateOf(host);
      expect(after).not.toEqual(before);
      const seen = new Set<string>();
      const ends = { old: 0, new: 0 };
      const points = await sweep(
        host,
        () => host.bringBack(start),
        verb,
        async (point, { signal }) => {
          expect(signal).toBe("SIGKILL");
          const killed = host.snapshot().join("\n");
          if (seen.has(killed)) return;
          seen.add(killed);
          // It ends what was begun, and then finds no such snapshot.
          const { exitCode } = await host.run(["machines", "forget", "web", "none", "--yes"]);
          expect({ point, exitCode }).toEqual({ point, exitCode: 2 });
          const state = stateOf(host);
          expect({ point, litter: litter(state) }).toEqual({ point, litter: [] });
          const isNew = state.join("\n") === after.join("\n");
          if (!isNew) expect({ point, state }).toEqual({ point, state: before });
          ends[isNew ? "new" : "old"]++;
        },
        { stride },
      );
      expect(points).toBeGreaterThan(10);
      expect(ends.old).toBeGreaterThan(0);
      expect(ends.new).toBeGreaterThan(0);
    },
    240_000,
  );
});
