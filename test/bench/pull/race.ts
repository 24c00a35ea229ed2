/**
 * Pulls an image by several contenders in turn, again and again: what else the machine does
 * hits all alike.
 *
 * @module
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Arena } from "./arena.ts";
import { checkFiles, clear, type Contender } from "./contenders.ts";
import type { BuiltImage } from "./images.ts";
import type { ContenderId } from "./labels.ts";
import { measure, type Peak, type Run } from "./measure.ts";

/** What one contender did with one image. */
export interface Series {
  readonly contender: ContenderId;
  readonly runs: readonly Run[];
  /** The most of all pulls. */
  readonly peak: Peak;
}

export interface RaceOptions {
  /** Timed pulls of each. */
  readonly rounds: number;
  /**
   * When memory is looked at: all the time, in one more round that is not timed, or now and then,
   * in all rounds, which takes no time to speak of and may miss a short peak.
   */
  readonly watch: "apart" | "always";
  readonly signal?: AbortSignal | undefined;
}

/** Milliseconds between two looks at the memory. */
const lookEveryMs = { apart: 10, always: 50 };

/** Pulls an image `rounds` times by each contender that can read it. */
export async function race(
  arena: Arena,
  image: BuiltImage,
  contenders: readonly Contender[],
  { rounds, watch, signal }: RaceOptions,
): Promise<Series[]> {
  await arena.offer(image);
  const series = contenders
    .filter(({ cannotRead }) => !cannotRead?.includes(image.compression))
    .map((contender) => ({ contender, runs: [] as Run[], peak: { pssBytes: 0, rssBytes: 0 } }));
  for (let round = watch === "apart" ? 0 : 1; round <= rounds; round++) {
    const isWatched = watch === "always" || round === 0;
    for (const { contender, runs, peak } of series) {
      const dir = join(arena.dir, contender.id);
      await mkdir(dir);
      await using _ = { [Symbol.asyncDispose]: () => clear(arena, contender, dir) };
      await contender.prepare?.(arena, dir);
      const { wallMs, cpuMs, ...seen } = await measure(
        await contender.command(arena, image, dir),
        arena.group,
        { lookEveryMs: isWatched ? lookEveryMs[watch] : undefined, signal },
      );
      peak.pssBytes = Math.max(peak.pssBytes, seen.peak.pssBytes);
      peak.rssBytes = Math.max(peak.rssBytes, seen.peak.rssBytes);
      if (round > 0) runs.push({ wallMs, cpuMs });
      if (round <= 1) await checkFiles(arena, contender, image, dir);
    }
  }
  return series.map(({ contender, ...rest }) => ({ contender: contender.id, ...rest }));
}
