/**
 * What becomes of a machine, shown and asked about; another image is given to it.
 *
 * @module
 */

import { basename } from "node:path";
import type { VerbContext } from "../lib/cli/context.ts";
import { escapeLine } from "../lib/cli/terminal.ts";
import type { Convergence } from "../lib/declare/converge.ts";
import { MbctlError } from "../lib/errors.ts";
import { applySteps, type ApplyTools } from "../lib/steps/apply.ts";
import { describeStep, type Step } from "../lib/steps/step.ts";
import type { Preference } from "../lib/merge/merge_file.ts";
import { sayChanges, upgradeTo } from "../lib/upgrade/upgrade_to.ts";

/**
 * Shows what becomes of a machine: the diff of its files, then what is done, in words. In a dry run the steps, too, and
 * of a machine that is to be made all files.
 */
export function show(
  { out, log, dryRun }: VerbContext,
  plan: Exclude<Convergence, { kind: "upgrade" }>,
  mayRestart: boolean,
): void {
  const { name } = plan;
  const say = (text: string) => log.info(`${name}: ${text}`);
  if (plan.kind === "nothing") {
    say("nothing to do");
    return;
  }
  const diffs = plan.kind === "make" ? plan.diffs : plan.plan.diffs;
  if (plan.kind === "change" || dryRun) for (const { diff } of diffs) out.write(diff);
  if (dryRun) for (const step of stepsOf(plan)) out.print(describeStep(step));
  if (plan.kind === "make") {
    say(`is made of ${plan.prepared.spec.image.reference}`);
    for (const app of plan.prepared.spec.apps) say(`application ${app.name}: added to it`);
    return;
  }
  const { moves, notes, restart } = plan.plan;
  if (diffs.length > 0) say(`changes ${diffs.map(({ path }) => basename(path)).join(", ")}`);
  for (const move of moves) say(`moves ${move}`);
  for (const note of notes) say(note);
  if (restart.length === 0) return;
  say(`${mayRestart ? "is restarted" : "counts from its next start"}, for ${restart.join(", ")}`);
}

function stepsOf(plan: Extract<Convergence, { kind: "make" | "change" }>): readonly Step[] {
  if (plan.kind === "make") {
    return [...plan.prepared.steps, ...plan.prepared.finish, ...plan.boot];
  }
  const { change } = plan.plan;
  return [...(change?.prepare ?? []), ...(change?.redo ?? [])];
}

/** Moving data is asked about: it takes long, and the folder is gone afterwards. */
export async function ask({ prompt }: VerbContext, plan: Convergence): Promise<void> {
  if (plan.kind !== "change" || plan.plan.moves.length === 0) return;
  const message = `Move the data of "${plan.name}" (${plan.plan.moves.join("; ")})?`;
  if (await prompt.confirm({ message, flag: "--yes" })) return;
  throw new MbctlError("interrupted", `Nothing was changed of "${plan.name}"`);
}

/** Another image: the upgrade's own way, with a snapshot and a way back. */
export async function giveImage(
  { log, out, prompt, dryRun }: VerbContext,
  { present, target, located, boot }: Extract<Convergence, { kind: "upgrade" }>,
  tools: ApplyTools,
  prefer: Preference | undefined,
): Promise<void> {
  const { host } = tools;
  const say = (text: string) => log.info(escapeLine(text));
  const showSteps = (steps: readonly Step[]) => {
    for (const step of [...steps, ...boot]) out.print(describeStep(step));
  };
  sayChanges(present, located.found, target.spec.image.reference, say);
  await upgradeTo(
    host,
    present,
    target,
    located,
    { isWithData: false, prefer },
    {
      ...tools,
      say,
      warn: (text) => log.warn(text),
      confirm: async (message) => await prompt.confirm({ message, flag: "--yes" }),
      ...(dryRun ? { showSteps } : {}),
    },
  );
  if (!dryRun) await applySteps(boot, tools);
}
