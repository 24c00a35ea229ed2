/**
 * How an image that was located is to live.
 *
 * @module
 */

import { decideMode, type ModeDecision, needsTreeFacts } from "../mode/decide_mode.ts";
import { missingBytes, readTreeFacts, type TreeFactsTools } from "./read_tree_facts.ts";

export interface DecideOptions {
  /** So many bytes of layers that are not in the store may be fetched for it. */
  readonly maxMissingBytes: number;
  /** Called before layers are fetched only to be read. Who brings them into the store instead saves that. */
  readonly onMissing: (bytes: number) => Promise<void> | void;
}

/**
 * Decides; layers are read where only they can tell.
 *
 * @returns a decision without a mode where more is missing of them than may be fetched.
 * @throws {MbctlError} as {@linkcode readTreeFacts}.
 */
export async function decideImageMode(
  tools: TreeFactsTools,
  { maxMissingBytes, onMissing }: DecideOptions,
): Promise<ModeDecision> {
  const { config } = tools.located.found;
  if (!needsTreeFacts(config)) return decideMode(config, undefined);
  const missing = missingBytes(tools);
  if (missing > maxMissingBytes) return decideMode(config, undefined);
  if (missing > 0) await onMissing(missing);
  return decideMode(config, await readTreeFacts(tools));
}
