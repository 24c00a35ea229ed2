/**
 * What applying a declaration to a machine that is there comes to: files, volumes, a restart, or nothing.
 *
 * @module
 */

import type { Change } from "../change/apply_change.ts";
import { planFiles } from "../change/plan_files.ts";
import type { PresentMachine } from "../change/present_machine.ts";
import { requireNoConflicts, rerender, type Rerendering, toLatin1 } from "../change/rerender.ts";
import { MbctlError } from "../errors.ts";
import type { ImageConfig } from "../image/config.ts";
import { machinePaths } from "../paths.ts";
import { limitStep } from "../steps/plan_tree.ts";
import type { HostFacts } from "../render/render.ts";
import { type TreeNeeds, treeNeeds } from "../render/tree_needs.ts";
import type { Step } from "../steps/step.ts";
import type { Preference } from "../merge/merge_file.ts";
import { machineUnit } from "../spec/machine_name.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";
import { restartReasons } from "./needs_restart.ts";
import { planVolumes } from "./plan_volumes.ts";
import { diffFiles, type FileDiff } from "./show_files.ts";

/** A machine as it is to be. */
export interface Desired {
  readonly spec: MachineSpec;
  /** What machine.toml is to say. */
  readonly machineToml: string;
  readonly image: { readonly text: string; readonly config: ImageConfig };
  readonly facts: HostFacts;
}

export interface DeclaredChangeOptions {
  readonly root: string;
  readonly isLive: boolean;
  readonly isRunning: boolean;
  /** Whether a machine that has to may be restarted. */
  readonly mayRestart: boolean;
  readonly prefer: Preference | undefined;
  /** Steps that make systemd start it at boot, or not. */
  readonly boot: readonly Step[];
  readonly isThere: (path: string) => boolean;
}

/** A change, in a person's words and as steps. */
export interface DeclaredChange {
  /** Undefined when there is nothing to do. */
  readonly change: Change | undefined;
  readonly rerendering: Rerendering;
  readonly diffs: readonly FileDiff[];
  /** Why the machine has to start anew for it to count; none when it need not. */
  readonly restart: readonly string[];
  /** Whether it is restarted. */
  readonly restarts: boolean;
  /** To be asked about. */
  readonly moves: readonly string[];
  readonly notes: readonly string[];
}

/**
 * Plans the change. Pure, but for what `isThere` looks at.
 *
 * @throws {MbctlError} (conflict) when both the administrator and the declaration changed the same entry.
 */
export function planDeclared(
  present: PresentMachine,
  desired: Desired,
  options: DeclaredChangeOptions,
): DeclaredChange {
  const { name, ours } = present;
  const { root, isLive, isRunning, mayRestart, prefer, boot, isThere } = options;
  const paths = machinePaths(root, name);
  const { spec, machineToml, image, facts } = desired;
  const rerendering = rerender(present, spec, image.config, facts, prefer);
  requireNoConflicts(name, rerendering, prefer);
  const { merged } = rerendering;
  const volumes = planVolumes(
    paths,
    present.spec.volumes,
    spec.volumes,
    isThere,
    spec.mode === "base",
  );
  const files = planFiles(paths, { machineToml, rerendering, imageText: image.text });
  const diffs = diffFiles(
    paths,
    { ...ours, machineToml: present.machineToml },
    { ...merged, machineToml },
  );
  const { rendered } = rerendering;
  const isNothing =
    diffs.length === 0 &&
    volumes.redo.length === 0 &&
    boot.length === 0 &&
    isRemembered(present, desired, rendered);
  const reasons = [
    ...restartReasons(ours, merged),
    // Its systemd-networkd has the file that was there when it started.
    ...(present.network === rendered.network ? [] : ["host0.network"]),
  ];
  const restart = volumes.redo.length > 0 ? [...reasons, "volumes"] : reasons;
  const restarts =
    isLive && isRunning && (volumes.moves.length > 0 || (restart.length > 0 && mayRestart));
  const unit = (action: "start" | "stop"): Step => ({
    kind: "unit",
    action,
    units: [machineUnit(name)],
    ...(action === "start" ? { isForgiving: true } : {}),
  });
  const needs = treeNeeds(spec, image.config);
  const isShort = needsMore(needs, treeNeeds(present.spec, image.config));
  // What is copied must not change meanwhile, nor a folder on the way to it become a link to one of the host's.
  const isCopied = volumes.prepare.length > 0;
  if (isRunning && restart.length > 0 && !restarts && (isShort || isCopied)) {
    throw needsStandstill(name);
  }
  const isStill = restarts && isCopied;
  const change: Change = {
    name,
    verb: "apply",
    prepare: [
      ...(isStill ? [unit("stop")] : []),
      ...volumes.prepare,
      ...files.prepare,
      { kind: "sync", path: paths.configuration },
    ],
    undo: [...volumes.undo, ...files.undo, ...(isStill ? [unit("start")] : [])],
    redo: [
      ...(restarts ? [unit("stop")] : []),
      ...volumes.redo,
      // Never while its own root may swap a folder for a link: the names are resolved by us.
      ...(restart.length > 0 && (restarts || !isRunning)
        ? [{ kind: "complete-tree", tree: paths.tree, ...needs } as const]
        : []),
      ...(spec.limits.disk === present.spec.limits.disk ? [] : [limitStep(spec, paths.tree)]),
      ...files.redo,
      ...(isLive ? [{ kind: "reload-systemd" } as const] : []),
      ...(isLive && isRunning && !restarts && !Bun.deepEquals(spec.limits, present.spec.limits)
        ? [{ kind: "live-limits", name, limits: spec.limits } as const]
        : []),
      ...boot,
      // A failure of these must not hold the journal: the next try would then repeat this one.
      { kind: "derive-host", isForgiving: true },
      ...(restarts ? [unit("start")] : []),
    ],
  };
  return {
    change: isNothing ? undefined : change,
    rerendering,
    diffs,
    restart: isRunning ? restart : [],
    restarts,
    moves: volumes.moves,
    notes: [
      ...volumes.notes,
      ...(Bun.deepEquals(spec.os, present.spec.os)
        ? []
        : [`[os] counts when its root tree is made anew: mbctl machines rebuild ${name}`]),
    ],
  };
}

/** Whether all is noted as last applied already: it may be of an older mbctl, also where the files are as they should be. */
function isRemembered(
  { appliedToml, base, network, image }: PresentMachine,
  desired: Desired,
  rendered: Rerendering["rendered"],
): boolean {
  return (
    appliedToml === desired.machineToml &&
    base?.nspawn === toLatin1(rendered.nspawn) &&
    base.envFile === toLatin1(rendered.envFile) &&
    base.unitDropIn === toLatin1(rendered.unitDropIn) &&
    network === rendered.network &&
    image?.text === desired.image.text
  );
}

/** Whether a tree that had what it needed lacks something now. */
function needsMore(needs: TreeNeeds, had: TreeNeeds): boolean {
  return (
    needs.directories.some((path) => !had.directories.includes(path)) ||
    (needs.files ?? []).some((path) => !had.files?.includes(path))
  );
}

/** Mount points are made by us, volumes are filled, and never while the machine's own root may swap a folder for a link. */
function needsStandstill(name: string): MbctlError {
  return new MbctlError(
    "conflict",
    `Cannot apply this to "${name}" while it runs: its root tree needs new folders, or is copied from`,
    { hint: `leave out --no-restart, or first: mbctl machines stop ${name}` },
  );
}
