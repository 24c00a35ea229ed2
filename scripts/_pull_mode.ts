/**
 * How a machine is to live: the flag `--mode`, and what `auto` comes to.
 *
 * @module
 */

import type { VerbContext } from "../lib/cli/context.ts";
import { formatBytes } from "../lib/cli/progress.ts";
import type { FlagSpecs } from "../lib/cli/verb.ts";
import { usageError } from "../lib/errors.ts";
import type { ImageTools } from "../lib/steps/apply.ts";
import { namedProgram } from "../lib/mode/decide_mode.ts";
import { decideImageMode } from "../lib/pull/decide_image_mode.ts";
import type { TreeFactsTools } from "../lib/pull/read_tree_facts.ts";
import { type AppChoices, type MachineMode, machineModes } from "../lib/spec/machine_spec.ts";
import { requireBase } from "./_add_app.ts";

/** `app` is no mode of a machine: its base boots, and the image is an application in it. */
const pullModes = ["auto", ...machineModes, "app"] as const;
export type PullMode = (typeof pullModes)[number];

export const modeFlags = {
  mode: {
    type: "choice",
    choices: pullModes,
    default: "auto",
    value: "MODE",
    help: "direct: the image's program alone; base: a system that boots; connector: a program for other machines to call; app: a service in a copy of --base",
  },
} as const satisfies FlagSpecs;

/** What is to be made: a machine that lives in a mode, or one that is a copy of a base, with the image in it. */
export type Wanted =
  { readonly mode: MachineMode | "auto" } | { readonly base: string; readonly isStarted: boolean };

/**
 * Reads `--mode` and `--base` together; a base alone says what it is for.
 *
 * @throws {MbctlError} (usage) when they do not fit.
 */
export function wantedMode(mode: PullMode, base: string | undefined): Wanted {
  if (base === undefined && mode !== "app") return { mode };
  if (mode === "auto" || mode === "app") return { base: requireBase(base), isStarted: true };
  if (mode === "connector" && base !== undefined) return { base, isStarted: false };
  throw usageError(
    `Cannot use --base with --mode ${mode}: a base is for an image that runs as an application in it`,
    "leave one of the two away",
  );
}

/**
 * The mode of a new machine; says what `auto` came to, and why.
 *
 * @param image how layers come into the store, where only they can tell; undefined in a dry run, which keeps nothing.
 * @throws {MbctlError} when the layers cannot be had, or read.
 */
export async function chosenMode(
  { log, signal }: Pick<VerbContext, "log" | "signal">,
  mode: MachineMode | "auto",
  app: Pick<AppChoices, "entrypoint" | "args">,
  tools: Omit<TreeFactsTools, "signal">,
  image: Pick<ImageTools, "fetch"> | undefined,
): Promise<MachineMode> {
  if (mode !== "auto") return mode;
  const isNamed = app.entrypoint !== undefined || app.args !== undefined;
  const decided = isNamed
    ? namedProgram
    : await decideImageMode(
        { ...tools, signal },
        {
          maxMissingBytes: Number.POSITIVE_INFINITY,
          onMissing: async (bytes) => {
            if (image !== undefined) await image.fetch();
            else log.info(readingText(bytes));
          },
        },
      );
  const { mode: found = "direct", reason } = decided;
  log.info(`mode ${found}: ${reason}`);
  return found;
}

/** Said before layers are fetched that are not kept. */
export function readingText(bytes: number): string {
  return `reading the image's layers to see whether it is an operating system: ${formatBytes(bytes)} at most`;
}
