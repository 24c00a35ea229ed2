import { runScript } from "../lib/cli/main.ts";
import { formatBytes } from "../lib/cli/progress.ts";
import { renderTable } from "../lib/cli/table.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { openHost } from "../lib/host/host.ts";
import { nearestFolder } from "../lib/host/files.ts";
import { cloneKind } from "../lib/trees/tree.ts";
import { digestHex } from "../lib/image/digest.ts";
import { storePaths } from "../lib/store/paths.ts";
import { summarizeStore } from "../lib/store/summary.ts";
import { storesTrees } from "../lib/store/tree_policy.ts";
import { countOf, lookIntoStore } from "./_image_store.ts";

/** What each kind of file system does for a new machine. */
const cloning = {
  snapshot: "a machine's tree is a snapshot of the image's",
  reflink: "a machine's tree shares its content with the image's",
  copy: "a machine's tree is a copy in full",
} as const;

const verb = defineVerb({
  name: "cache list",
  summary: "show what the images in the store take on the disk",
  description:
    "OWN is what no other image shares. TREE is the image, unpacked and kept for the next machine of it; on btrfs and XFS machines share it.",
  reads: true,
  examples: [
    { command: "mbctl cache list", says: "one line an image, and sums" },
    { command: "mbctl cache list --json", says: "the same for scripts" },
  ],
  run(context) {
    const { config } = openHost(context);
    const summary = summarizeStore(lookIntoStore(context));
    const kind = cloneKind(nearestFolder(storePaths(context.root).trees));
    const isKept = storesTrees(kind, config.imageTrees);
    const images = summary.images.map(({ image, ownBytes, sharedBytes, tree }) => ({
      references: image.references.map(({ reference }) => reference),
      digest: image.documents[0] ?? image.manifestDigest,
      manifestDigest: image.manifestDigest,
      ownBytes,
      sharedBytes,
      missingLayers: image.missing.length,
      tree: tree && { path: tree.path, bytes: tree.allocatedBytes, entries: tree.entries },
      usedAt: image.usedMs === 0 ? undefined : new Date(image.usedMs).toISOString(),
      machines: image.machines,
    }));
    const { blobs, trees, unfinished, litter } = summary;
    const answer = {
      images,
      ...{ blobs, trees, unfinished, litter },
      treePolicy: { cloning: kind, setting: config.imageTrees, kept: isKept },
    };
    context.out.answer(answer, () => {
      const rows = images.map((image) => [
        image.references.join(", "),
        digestHex(image.digest).slice(0, 12),
        formatBytes(image.ownBytes + image.sharedBytes),
        formatBytes(image.ownBytes),
        image.tree && formatBytes(image.tree.bytes),
        image.usedAt?.slice(0, 10),
        image.machines.join(", "),
      ]);
      const headings = ["IMAGE", "DIGEST", "SIZE", "OWN", "TREE", "USED", "MACHINES"];
      const sums = [
        `${countOf(blobs.count, "blob")}: ${formatBytes(blobs.bytes)}`,
        `${countOf(trees.count, "tree")}: ${formatBytes(trees.bytes)}`,
        `${countOf(unfinished.count, "unfinished download")}: ${formatBytes(unfinished.bytes)}`,
        `left by stopped runs: ${formatBytes(litter.bytes)}`,
        `${cloning[kind]}: trees are ${isKept ? "kept" : "not kept"} (image_trees = "${config.imageTrees}")`,
      ];
      return `${renderTable(headings, rows)}\n${sums.map((line) => `${line}\n`).join("")}`;
    });
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
