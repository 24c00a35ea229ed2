/** What the verbs that look at the image store as a whole have in common. */

import type { VerbContext } from "../lib/cli/context.ts";
import { formatBytes } from "../lib/cli/progress.ts";
import { openHost } from "../lib/host/host.ts";
import { requireRoot } from "../lib/host/privilege.ts";
import { removeTree } from "../lib/trees/remove_tree.ts";
import { applyPrune } from "../lib/store/apply_prune.ts";
import { readContents, type StoreContents } from "../lib/store/contents.ts";
import { readImageUses } from "../lib/store/image_use.ts";
import { planPrune, type PruneOptions, type Removal } from "../lib/store/prune.ts";
import { openStore, storeBelow } from "../lib/store/store.ts";

/** `1 tree`, `2 trees`. */
export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Reads the store of a root, without its lock: a look, and no promise. */
export function lookIntoStore({ root, log }: VerbContext): StoreContents {
  const onDamage = (text: string) => log.warn(text);
  return readContents(storeBelow(root, { onDamage }), readImageUses(root));
}

/** Waits for the store and removes what the options say, or shows it. */
export async function pruneStore(
  context: VerbContext,
  options: Omit<PruneOptions, "nowMs">,
): Promise<void> {
  const { root, out, log, signal, dryRun } = context;
  openHost(context);
  const given = { ...options, nowMs: Date.now() };
  if (dryRun) {
    const plan = planPrune(lookIntoStore(context), given);
    for (const removal of plan.removals) out.print(describeRemoval("remove", removal));
    const [freed, left] = [plan.freedBytes, plan.leftBytes].map(formatBytes);
    out.print(`this would free ${freed}; the store would take ${left}`);
    return;
  }
  requireRoot("remove images");
  using store = await openStore(root, "exclusive", {
    signal,
    onDamage: (text) => log.warn(text),
    onWait: (text) => log.info(text),
  });
  const plan = planPrune(readContents(store, readImageUses(root)), given);
  const freedBytes = await applyPrune(store, plan, {
    tools: { remove: removeTree },
    onRemoved: (removal) => out.print(describeRemoval("removed", removal)),
    signal,
  });
  const leftBytes = plan.leftBytes + plan.freedBytes - freedBytes;
  out.print(`freed ${formatBytes(freedBytes)}; the store takes ${formatBytes(leftBytes)}`);
  const { maxSizeBytes = leftBytes } = options;
  if (leftBytes > maxSizeBytes) {
    log.warn(
      `the store does not fit in ${formatBytes(maxSizeBytes)}: machines use what is left of it`,
    );
  }
}

const kinds: Readonly<Record<Removal["kind"], string>> = {
  reference: "the reference",
  blob: "the blob",
  tree: "the unpacked tree",
  partial: "the unfinished download",
  "litter-file": "the file",
  "litter-tree": "the folder",
};

function describeRemoval(verb: "remove" | "removed", { kind, name, bytes, why }: Removal): string {
  return `${verb} ${kinds[kind]} ${name} (${formatBytes(bytes)}): ${why}`;
}
