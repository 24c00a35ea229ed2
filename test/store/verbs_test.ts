/** The verbs that look at the store as a whole, as sessions. */

import { defaultChoices } from "../../lib/spec/machine_spec.ts";
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { VerbTable } from "../../lib/cli/dispatch.ts";
import { digestOf } from "../../lib/image/digest.ts";
import { formatMachineToml } from "../../lib/spec/machine_toml.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { machinePaths } from "../../lib/paths.ts";
import { blobPath, partialPath } from "../../lib/store/paths.ts";
import { transcript } from "../cli/transcript.ts";
import { expectGolden } from "../golden/golden.ts";
import { bytesOf, type MadeImage, stageBlob, storeImage, workshop } from "./_workshop.ts";

// btrfs keeps small files in its tree, and counts them otherwise.
const shop = workshop(existsSync("/dev/shm") ? "/dev/shm" : tmpdir());
const table: VerbTable = {
  "oci list": () => import("../../scripts/oci-list.ts"),
  "cache list": () => import("../../scripts/cache-list.ts"),
  "cache prune": () => import("../../scripts/cache-prune.ts"),
  "cache clear": () => import("../../scripts/cache-clear.ts"),
  "cache verify": () => import("../../scripts/cache-verify.ts"),
};
const january = Date.parse("2026-01-15T12:00:00Z");

/** A machine, an image that nobody uses, a tag that moved, a download that broke off, litter. */
async function fill(): Promise<MadeImage> {
  const config = join(shop.root, "etc/mbctl/config.toml");
  mkdirSync(dirname(config), { recursive: true });
  writeFileSync(config, 'image_trees = "always"\n');
  using store = await shop.open();
  await storeImage(store, "nginx:1", { layers: ["a", "b"], usedMs: january });
  const web = await storeImage(store, "nginx:1", {
    ...{ layers: ["a", "c"], usedMs: january + 1, withTree: true },
  });
  await storeImage(store, "localhost:5000/app", { layers: ["a", "d"], usedMs: january + 2 });
  const bytes = bytesOf("partial", 9000);
  {
    using partial = await stageBlob(store, { digest: digestOf(bytes), sizeBytes: 9000 });
    partial.append(bytes.subarray(0, 4000));
  }
  writeFileSync(join(shop.paths.partial, ".mbctl-new.1.1"), "litter");
  const name = parseMachineName("web");
  const toml = machinePaths(shop.root, name).machineToml;
  mkdirSync(dirname(toml), { recursive: true });
  const { reference, digest, manifestDigest } = web.named;
  const image = { reference, digest, manifestDigest };
  writeFileSync(
    toml,
    formatMachineToml({ name, ...defaultChoices, image, environment: [], volumes: [] }),
  );
  return web;
}

async function say(...words: string[]): Promise<string> {
  const [group = "", action = "", ...rest] = words;
  const around = { workingDirectory: shop.root };
  const said = await transcript(table, [group, action, `--root=${shop.root}`, ...rest], around);
  const text = `$ mbctl ${words.join(" ")}\nexit ${said.exitCode}\n${said.stdout}${said.stderr}\n`;
  return (
    text
      .replaceAll(shop.root, "ROOT")
      // What the file system below the test offers is not the test's.
      .replace(/^a machine's tree (is a copy in full|is a snapshot|shares).*: trees/gm, "…: trees")
      .replace(/"cloning": "(copy|reflink|snapshot)"/, '"cloning": "…"')
  );
}

describe.skipIf(process.getuid?.() !== 0)("as root", () => {
  test("the store is listed, pruned and cleared", async () => {
    await fill();
    let session = "";
    session += await say("oci", "list");
    session += await say("cache", "list");
    session += await say("cache", "prune", "--dry-run", "--keep-days", "9999");
    session += await say("cache", "prune", "--dry-run", "--max-size", "45k");
    session += await say("cache", "prune");
    session += await say("oci", "list");
    session += await say("cache", "clear");
    session += await say("cache", "prune", "--max-size=1k");
    session += await say("cache", "list");
    expectGolden("store/prune.txt", session);
  });

  test("the store is described in JSON", async () => {
    await fill();
    expectGolden(
      "store/json.txt",
      (await say("oci", "list", "--json")) + (await say("cache", "list", "--json")),
    );
  });

  test("the store is verified, and what is damaged is removed", async () => {
    const web = await fill();
    let session = await say("cache", "verify");
    const [layer = web.index] = web.layers;
    for (const digest of [layer, web.config]) {
      const path = blobPath(shop.paths, digest);
      const bytes = readFileSync(path);
      bytes[3] = (bytes[3] ?? 0) ^ 1;
      writeFileSync(path, bytes);
    }
    session += await say("cache", "verify", "--dry-run");
    session += await say("cache", "verify");
    session += await say("cache", "verify", "--json");
    expectGolden("store/verify.txt", session);
  });
});

test("an empty store is listed, and bad words are explained", async () => {
  let session = await say("oci", "list");
  session += await say("cache", "list", "--json");
  session += await say("cache", "prune", "--dry-run");
  session += await say("cache", "prune", "--max-size", "many");
  session += await say("cache", "prune", "--keep-days=-1");
  expectGolden("store/empty.txt", session);
});

test("a download under way is kept by cache prune, and shown by --dry-run", async () => {
  await fill();
  expect(readFileSync(partialPath(shop.paths, digestOf(bytesOf("partial", 9000))))).toHaveLength(
    4000,
  );
  expect(await say("cache", "prune", "--dry-run")).not.toContain("unfinished");
  expect(await say("cache", "clear", "--dry-run")).toContain("unfinished");
});
