import { runScript } from "../lib/cli/main.ts";
import { formatBytes } from "../lib/cli/progress.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { openHost } from "../lib/host/host.ts";
import { requireRoot } from "../lib/host/privilege.ts";
import { removeTree } from "../lib/trees/remove_tree.ts";
import { checkTree } from "../lib/pull/check_tree.ts";
import { isOpen, openStore, storeBelow } from "../lib/store/store.ts";
import { verifyStore } from "../lib/store/verify.ts";
import { countOf } from "./_image_store.ts";

const verb = defineVerb({
  name: "cache verify",
  summary: "compare all that is in the store with its digests",
  description:
    "What is damaged is removed, and fetched again when it is needed. Ends with exit code 1 when something was.",
  reads: true,
  changes: true,
  progress: true,
  examples: [
    { command: "mbctl cache verify", says: "reads every blob" },
    { command: "mbctl cache verify --dry-run", says: "removes nothing" },
  ],
  async run(context) {
    const { root, log, signal, dryRun, progress, out } = context;
    const { spawn } = openHost(context);
    requireRoot("read the store");
    const onDamage = (text: string) => log.warn(text);
    const onWait = (text: string) => log.info(text);
    using store = dryRun
      ? { ...storeBelow(root, { onDamage }), [Symbol.dispose]() {} }
      : await openStore(root, "shared", { onDamage, onWait, signal });
    let task: ReturnType<typeof progress.start> | undefined;
    const report = await verifyStore(store, {
      tools: { remove: removeTree },
      checkTree: isOpen(store)
        ? (tree, image) => checkTree(store, tree, image, { spawn, signal })
        : undefined,
      signal,
      onProgress(doneBytes, totalBytes) {
        task ??= progress.start("comparing blobs with their digests", totalBytes);
        task.update(doneBytes);
      },
    });
    task?.done(formatBytes(report.bytes));
    const { blobs, damagedBlobs, references, damagedReferences, incomplete, trees } = report;
    const damagedTrees = trees.filter(({ state }) => state === "damaged").length;
    const damaged = damagedBlobs.length + damagedReferences.length + damagedTrees;
    out.answer({ ...report, removed: !dryRun }, () =>
      [
        `${countOf(blobs, "blob")} (${formatBytes(report.bytes)}): ${verdict(damagedBlobs.length)}`,
        `${countOf(references, "reference")}: ${verdict(damagedReferences.length)}`,
        ...incomplete.map(
          ({ reference, missing }) => `${reference} lacks ${countOf(missing, "layer")}`,
        ),
        ...trees.map(({ chain, state, why }) => `tree ${chain}: ${why ?? state}`),
        "",
      ].join("\n"),
    );
    return damaged === 0 ? undefined : 1;
  },
});
export default verb;

function verdict(damaged: number): string {
  return damaged === 0 ? "all are right" : `${damaged} damaged`;
}

if (import.meta.main) await runScript(verb);
