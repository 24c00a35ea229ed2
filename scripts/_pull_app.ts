/** `pull --base`: a machine that is a copy of a whole system, with an image as an application in it. */

import type { VerbContext } from "../lib/cli/context.ts";
import type { FlagSpecs } from "../lib/cli/verb.ts";
import type { EnvEntry } from "../lib/env/env_entry.ts";
import { openHost } from "../lib/host/host.ts";
import { requireRoot } from "../lib/host/privilege.ts";
import { formatImageRef, type ImageRef } from "../lib/image/reference.ts";
import { applySteps } from "../lib/steps/apply.ts";
import { takeMachineLock } from "../lib/machine/lock.ts";
import { planRemove } from "../lib/steps/plan_remove.ts";
import type { Volume } from "../lib/spec/machine_spec.ts";
import { addApp, appNameOf, appOf } from "./_add_app.ts";
import { changeTools } from "./_machine_change.ts";
import { type BaseRequest, makeBase } from "./_make_base.ts";
import { announceMachine, endEarlierRun } from "./_new_machine.ts";

export const baseFlag = {
  base: {
    type: "string",
    value: "BASE",
    kind: "machine",
    help: "a whole system, or an image of one, that is copied to run the image in",
  },
} as const satisfies FlagSpecs;

export interface PullAppRequest extends BaseRequest {
  readonly ref: ImageRef;
  /** False: it only lends commands. */
  readonly isStarted: boolean;
  /** Whether the user named a restart policy. */
  readonly hasRestart: boolean;
  readonly environment: readonly EnvEntry[];
  readonly volumes: readonly Volume[];
  readonly start: boolean;
}

/** Makes the machine and prints its address. */
export async function pullApp(context: VerbContext, request: PullAppRequest): Promise<void> {
  const { name, ref, source, isStarted, start, app, hasRestart } = request;
  const { dryRun, out } = context;
  const host = openHost(context);
  if (!dryRun) requireRoot("make machines");
  const tools = changeTools(context, host, name);
  using _lock = dryRun ? undefined : takeMachineLock(host.root, name);
  await endEarlierRun(context, tools, name);
  await makeBase(context, host, request);
  if (dryRun) return out.print(`add ${formatImageRef(ref)} to it as an application`);
  const added = appOf(appNameOf(ref), app, request, hasRestart);
  try {
    await addApp(context, host, {
      machine: name,
      ref,
      request: { ...added, isStarted },
      options: source,
      mayReplace: false,
      // The machine has them from its making.
      publish: [],
    });
  } catch (error) {
    // Nobody asked for the base alone.
    await applySteps(planRemove(host.root, name, host.isLive), { ...tools, signal: undefined });
    throw error;
  }
  const message = `made of ${formatImageRef(ref)} in a copy of ${request.base}`;
  await announceMachine(context, host, name, message, start);
}
