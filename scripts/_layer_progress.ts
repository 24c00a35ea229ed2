/** Progress of an image: a line for each layer that arrives, and one for the unpacking. */

import type { VerbContext } from "../lib/cli/context.ts";
import { formatBytes, type Task } from "../lib/cli/progress.ts";
import { type Digest, digestHex } from "../lib/image/digest.ts";
import type { ImageManifest, LayerDescriptor } from "../lib/image/manifest.ts";
import type { LayerWatcher } from "../lib/pull/progress.ts";

export interface ImageProgress {
  readonly watch: LayerWatcher;
  /** Shows how far the unpacking is while `work` does it. */
  unpacking<Result>(work: () => Promise<Result>): Promise<Result>;
}

/** Growing lines on a terminal, one at its end elsewhere. */
export function imageProgress(
  { progress }: Pick<VerbContext, "progress">,
  { layers }: ImageManifest,
): ImageProgress {
  const tasks = new Map<Digest, Task>();
  const take = ({ digest, sizeBytes }: LayerDescriptor, startBytes = 0) => {
    let task = tasks.get(digest);
    if (task === undefined) {
      const label = `layer ${digestHex(digest).slice(0, 12)}`;
      task = progress.start(label, sizeBytes, { kind: "layer", digest, startBytes });
      tasks.set(digest, task);
    }
    return task;
  };
  // By place: a layer may stand in an image more than once.
  const applied = new Map<number, number>();
  let unpacking: Task | undefined;
  return {
    watch: {
      present: (layer) => tasks.get(layer.digest)?.done("in the store already"),
      // What is told first is what an earlier run has left.
      arrived(layer, bytes) {
        const task = take(layer, bytes);
        task.note(undefined);
        task.update(bytes);
      },
      note: (layer, text) => take(layer).note(text),
      done: (layer) => take(layer).done(formatBytes(layer.sizeBytes)),
      applied(place, bytes) {
        applied.set(place, bytes);
        unpacking?.update([...applied.values()].reduce((sum, each) => sum + each, 0));
      },
      failed: (layer) => tasks.get(layer.digest)?.failed(),
    },
    async unpacking(work) {
      const totalBytes = layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      unpacking = progress.start("unpacking", totalBytes, { kind: "tree" });
      try {
        const result = await work();
        unpacking.done();
        return result;
      } catch (error) {
        unpacking.failed();
        throw error;
      }
    },
  };
}
