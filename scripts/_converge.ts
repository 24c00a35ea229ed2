/**
 * What `machines apply` and `machines edit` have in common: declarations are planned, shown, and carried out.
 *
 * @module
 */

import { missingApps } from "../lib/apps/converge_apps.ts";
import type { VerbContext } from "../lib/cli/context.ts";
import type { FlagSpecs } from "../lib/cli/verb.ts";
import { applyChange, recoverChange } from "../lib/change/apply_change.ts";
import { readPresentMachine } from "../lib/change/present_machine.ts";
import { lackingPrograms } from "../lib/connector/lacking_programs.ts";
import {
  type Convergence,
  converge,
  type ConvergeOptions,
  readRunning,
} from "../lib/declare/converge.ts";
import { startOrder } from "../lib/declare/start_order.ts";
import type { Declared } from "../lib/declare/read_declarations.ts";
import { openHost } from "../lib/host/host.ts";
import { requireRoot } from "../lib/host/privilege.ts";
import { applySteps, type ApplyTools } from "../lib/steps/apply.ts";
import { controlUnits, requireLive, requireRunning } from "../lib/machine/lifecycle.ts";
import { takeMachineLock } from "../lib/machine/lock.ts";
import { applyPull, readCommonFacts, recoverPull } from "../lib/steps/pull.ts";
import { machineUnit } from "../lib/spec/machine_name.ts";
import { recordEvent } from "../lib/watch/record_event.ts";
import { sourceFlags } from "./_image_source.ts";
import { lazyImages } from "./_lazy_images.ts";
import { ask, giveImage, show } from "./_show_convergence.ts";
import { givenPreference, preferenceFlags } from "./_preference.ts";

/** The flags of both verbs. */
export const convergeFlags = {
  ...preferenceFlags,
  noRestart: {
    type: "boolean",
    help: "restart nothing: what needs it counts from the machine's next start",
  },
  start: { type: "boolean", help: "start machines that do not run" },
  ...sourceFlags,
} as const satisfies FlagSpecs;

export interface ConvergeFlags {
  readonly ours: boolean;
  readonly theirs: boolean;
  readonly noRestart: boolean;
  readonly start: boolean;
  readonly tlsVerify: boolean | undefined;
  readonly authfile: string | undefined;
}

/** Plans all declarations, shows what becomes of each, and carries it out. */
export async function applyDeclarations(
  context: VerbContext,
  declared: readonly Declared[],
  flags: ConvergeFlags,
): Promise<void> {
  const { log, dryRun } = context;
  const prefer = givenPreference(flags);
  const host = openHost(context);
  if (!dryRun) requireRoot("change machines");
  if (flags.start && !dryRun) requireLive(host, "start machines");
  const ordered = startOrder(host.root, declared);
  await using held = new AsyncDisposableStack();
  const tools: ApplyTools = {
    host,
    signal: context.signal,
    onStep: (text) => log.debug(text),
    onWarning: (text) => log.warn(text),
  };
  if (!dryRun) {
    for (const { declaration } of ordered) {
      const { name } = declaration;
      held.use(takeMachineLock(host.root, name));
      const own = { ...tools, machine: name };
      const earlier = [await recoverPull(host, name, own), await recoverChange(host, name, own)];
      for (const found of earlier.filter((what) => what !== "nothing")) {
        log.info(`an earlier run of "${name}" was killed: ${found}`);
      }
    }
  }
  const names = ordered.map(({ declaration }) => declaration.name);
  const [common, running] = await Promise.all([readCommonFacts(host), readRunning(host, names)]);
  const locate = lazyImages(context, host, held, flags);
  const options = {
    ...{ common, running, prefer, locate },
    mayRestart: !flags.noRestart,
    warn: (text: string) => log.warn(text),
  };
  // A declaration that cannot be applied stops all of them before the first change.
  const plans: Convergence[] = [];
  for (const one of ordered) plans.push(await converge(host, one, options));
  for (const plan of plans) {
    const own = { ...tools, machine: plan.name };
    if (plan.kind === "upgrade") {
      await giveImage(context, plan, own, prefer);
    } else {
      show(context, plan, !flags.noRestart);
      if (!dryRun) {
        await ask(context, plan);
        await carryOut(plan, own, locate);
      }
    }
    if (!flags.start || running.has(plan.name)) continue;
    log.info(`${plan.name}: is started`);
    if (dryRun) continue;
    await controlUnits(host, "start", [machineUnit(plan.name)]);
    await requireRunning(host, "start", [plan.name]);
  }
}

async function carryOut(
  plan: Convergence,
  tools: ApplyTools,
  locate: ConvergeOptions["locate"],
): Promise<void> {
  const { host } = tools;
  const { name } = plan;
  const say = async (message: string) =>
    await recordEvent(host, { event: "apply", machine: name, message });
  if (plan.kind === "make") {
    await applyPull(
      plan.prepared,
      plan.tools === undefined ? tools : { ...tools, image: plan.tools },
    );
    await applySteps(plan.boot, tools);
    const { spec } = plan.prepared;
    const missing = await missingApps(host, spec, locate);
    if (missing !== undefined)
      await applyChange(missing.change, { ...tools, appImages: missing.images });
    const { config } = readPresentMachine(host, name).image ?? {};
    for (const lack of lackingPrograms(host.root, spec, config)) {
      tools.onWarning?.(`"${name}": ${lack}`);
    }
    await say(`made of ${spec.image.reference}`);
  } else if (plan.kind === "change" && plan.plan.change !== undefined) {
    await applyChange(plan.plan.change, { ...tools, appImages: plan.appImages });
    await say("changed as declared");
    if (plan.plan.restarts) await requireRunning(host, "restart", [name]);
  }
}
