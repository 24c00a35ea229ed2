/**
 * Where the root tree of a machine comes from, and the steps that make it: one list for all verbs. Pure.
 *
 * @module
 */

import { formatEnvFile } from "../env/env_file.ts";
import { digestHex, digestOf } from "../image/digest.ts";
import type { BootstrapPlan } from "../os/bootstrap_request.ts";
import type { SystemInstall, SystemSettings } from "../os/system_settings.ts";
import { type MachineName, parseMachineName } from "../spec/machine_name.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";
import { type HostFacts, networkVariables } from "../render/render.ts";
import type { Step } from "./step.ts";
import type { TreeNeeds } from "../render/tree_needs.ts";

/** Where a machine's root tree comes from. */
export type TreeSource =
  /** The layers of its image are applied for this machine alone. */
  | { readonly kind: "layers" }
  /** It is a clone of the tree at `path` of the store, which may have to be made first. */
  | { readonly kind: "stored"; readonly path: string; readonly isThere: boolean }
  /** A distribution's own bootstrapper makes it, where the machine's tree is staged. */
  | { readonly kind: "bootstrap"; readonly os: string; readonly plan: BootstrapPlan }
  /** It is a clone of the tree of another whole system, which is frozen meanwhile if it runs. */
  | {
      readonly kind: "machine";
      readonly name: MachineName;
      readonly path: string;
      readonly isRunning: boolean;
    };

/** What a tree gets that is new. */
export type TreeFitting =
  /** man8s-init, with the host's static busybox. */
  | { readonly kind: "init"; readonly busybox: string; readonly needs: TreeNeeds }
  /** A name and a network of its own; and what makes it boot, where it comes from an image. */
  | {
      readonly kind: "system";
      readonly settings: SystemSettings;
      readonly install: SystemInstall;
      readonly needs: TreeNeeds;
    };

/** What the tree of a machine gets. */
export function treeFitting(
  spec: MachineSpec,
  facts: HostFacts & { readonly busybox: string },
  needs: TreeNeeds,
): TreeFitting {
  const { busybox } = facts;
  if (spec.mode !== "base") return { kind: "init", busybox, needs };
  const settings = systemSettings(spec, facts);
  return { kind: "system", settings, install: systemInstall(spec, facts), needs };
}

/** On the bridge, and with a name and addresses of its own: the machine may run meanwhile, with its former tree. */
function systemInstall(
  spec: MachineSpec,
  facts: HostFacts & { readonly busybox: string },
): SystemInstall {
  const name = parseMachineName(`mbctl-${digestHex(digestOf(spec.name)).slice(0, 8)}`);
  const passing = { ...spec, name, ipv4: undefined };
  const variables = networkVariables(passing, { ...facts, connection: { kind: "bridge" } });
  return {
    ...{ name, busybox: facts.busybox, bridge: facts.bridge },
    envFile: formatEnvFile(variables),
  };
}

/** What the tree of a whole system is told of its machine. */
export function systemSettings(spec: MachineSpec, facts: HostFacts): SystemSettings {
  const { prefix, bridge, ula, ipv4, connection } = facts;
  return {
    name: spec.name,
    ...(spec.os?.user === undefined ? {} : { user: spec.os.user }),
    network: { prefix, bridge, ula, ipv4, connection, fixed: spec.ipv4 },
  };
}

/**
 * The steps that make a root tree at a free name.
 *
 * @param image what machine.toml names.
 */
export function planTree(
  source: TreeSource,
  image: string,
  tree: string,
  fitting: TreeFitting,
): Step[] {
  return [...sourceSteps(source, image, tree), ...fittingSteps(source, tree, fitting)];
}

function sourceSteps(source: TreeSource, image: string, tree: string): Step[] {
  switch (source.kind) {
    case "layers":
      return [{ kind: "unpack-image", image, tree }];
    case "stored": {
      const clone: Step = { kind: "clone-tree", from: source.path, tree };
      return source.isThere ? [clone] : [{ kind: "store-tree", image, tree: source.path }, clone];
    }
    case "bootstrap":
      return [{ kind: "bootstrap-tree", tree, os: source.os, plan: source.plan }];
    case "machine": {
      const clone: Step = { kind: "clone-tree", from: source.path, tree };
      return source.isRunning ? [{ kind: "hold", name: source.name, steps: [clone] }] : [clone];
    }
  }
}

function fittingSteps({ kind }: TreeSource, tree: string, fitting: TreeFitting): Step[] {
  const complete: Step = { kind: "complete-tree", tree, ...fitting.needs };
  if (fitting.kind === "init") {
    return [complete, { kind: "install-init", tree, busybox: fitting.busybox }];
  }
  const { settings, install } = fitting;
  const isImage = kind === "layers" || kind === "stored";
  return [
    complete,
    ...(isImage ? [{ kind: "install-system", tree, install } as const] : []),
    { kind: "settle-system", tree, settings, isNew: true },
  ];
}

/** The disk quota of a tree that is whole. */
export function limitStep({ limits: { disk } }: MachineSpec, tree: string): Step {
  return { kind: "limit-tree", tree, ...(disk === undefined ? {} : { bytes: disk }) };
}

/** The same of a new tree, which has none yet. */
export function limitSteps(spec: MachineSpec, tree: string): Step[] {
  return spec.limits.disk === undefined ? [] : [limitStep(spec, tree)];
}
