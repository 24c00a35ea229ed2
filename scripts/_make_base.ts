/** The whole system that an image of `pull --base` runs in: a copy of a machine, or a new one of an image. */

import type { VerbContext } from "../lib/cli/context.ts";
import { MbctlError, usageError } from "../lib/errors.ts";
import type { Host } from "../lib/host/host.ts";
import { formatImageRef, parseImageRef } from "../lib/image/reference.ts";
import { readBaseMachine } from "../lib/steps/base_machine.ts";
import { listMachineNames } from "../lib/machine/inventory.ts";
import { takeMachineLock } from "../lib/machine/lock.ts";
import { machinePaths } from "../lib/paths.ts";
import { applyPull, checkPull, type PreparedPull, prepareMachine } from "../lib/steps/pull.ts";
import { locateImage, type LocateOptions } from "../lib/pull/locate_image.ts";
import { treeSource } from "../lib/pull/stored_tree.ts";
import { readCloneCost } from "../lib/snapshots/clone_cost.ts";
import { isMachineName, type MachineName } from "../lib/spec/machine_name.ts";
import {
  type AppChoices,
  defaultAppChoices,
  type MachineSpec,
  type NetworkChoices,
} from "../lib/spec/machine_spec.ts";
import { isOpen } from "../lib/store/store.ts";
import { changeTools } from "./_machine_change.ts";
import { imageStore, imageTools, locateTools } from "./_image_source.ts";
import { askForCost } from "./_snapshot_verb.ts";
import { printSteps } from "./_print_steps.ts";

export interface BaseRequest {
  readonly name: MachineName;
  /** A machine, or an image. */
  readonly base: string;
  readonly app: AppChoices;
  readonly network: NetworkChoices;
  readonly source: LocateOptions;
}

/** Copies a machine, or makes one of an image. */
export async function makeBase(
  context: VerbContext,
  host: Host,
  { name, base, app, network, source }: BaseRequest,
): Promise<void> {
  const warn = (text: string) => context.log.warn(text);
  const facts = await checkPull(host, name, network, warn);
  const tools = changeTools(context, host, name);
  const own = {
    ...{ name, ...network, ...machineChoices(app), environment: [], volumes: [] },
    ...(facts.staticIpv4 === undefined ? {} : { ipv4: facts.staticIpv4 }),
  };
  const show = ({ steps, finish }: PreparedPull) => printSteps(context, [...steps, ...finish]);
  if (isMachineName(base) && listMachineNames(host.root).includes(base)) {
    using _lock = context.dryRun ? undefined : takeMachineLock(host.root, base);
    const { spec, image, tree } = await readBaseMachine(host, base);
    if (spec.apps.length > 0) {
      throw usageError(
        `Cannot take "${base}" as a base: it has applications of its own, whose data is not copied`,
        `mbctl machines app add ${base} IMAGE adds another one to it; a base has none`,
      );
    }
    const to = machinePaths(host.root, name).stagedTree;
    const cost = await readCloneCost(host.run, [{ from: tree.path, to }]);
    await askForCost(context, cost, `clone ${base}`);
    const os = spec.os === undefined ? {} : { os: spec.os };
    const made: MachineSpec = { ...own, ...os, image: spec.image };
    const prepared = prepareMachine(host, made, facts, image, tree);
    context.log.info(`copying "${base}"`);
    return context.dryRun ? show(prepared) : await applyPull(prepared, tools);
  }
  using store = await imageStore(context, host);
  const baseRef = parseImageRef(base);
  await using located = await locateImage(locateTools(context, host, store), baseRef, source).catch(
    (error: unknown) => {
      throw isMachineName(base) ? noBase(host.root, base, error) : error;
    },
  );
  const { found } = located;
  const { digest, manifestDigest } = found;
  const image = { reference: formatImageRef(baseRef), digest, manifestDigest };
  const tree = treeSource(host, store, found);
  const prepared = prepareMachine(host, { ...own, image }, facts, found, tree);
  if (!isOpen(store)) return show(prepared);
  context.log.info(`pulling the base ${image.reference}`);
  await applyPull(prepared, { ...tools, image: imageTools(context, host, store, located) });
}

/** A name may have been meant as a machine's. */
function noBase(root: string, base: string, error: unknown): unknown {
  if (!(error instanceof MbctlError)) return error;
  const names = listMachineNames(root);
  return new MbctlError(
    error.kind,
    `Cannot take "${base}" as a base: there is no such machine, and no such image was found`,
    {
      hint: names.length === 0 ? "--base takes an image too" : `there are: ${names.join(", ")}`,
      cause: error,
    },
  );
}

/** What of the user's choices is the machine's: the rest is the application's. */
function machineChoices({
  labels,
  boot,
  autoUpgrade,
  depends,
  secrets,
  devices,
  connectors,
}: AppChoices) {
  return {
    ...defaultAppChoices,
    ...({ mode: "base", labels, depends, secrets, devices, connectors } as const),
    ...(boot === undefined ? {} : { boot }),
    ...(autoUpgrade === undefined ? {} : { autoUpgrade }),
  };
}
