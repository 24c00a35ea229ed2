/**
 * Preparing an upgrade: everything is read, merged and checked before anything is changed.
 *
 * @module
 */

import type { Change } from "../change/apply_change.ts";
import type { PresentMachine } from "../change/present_machine.ts";
import { requireNoConflicts, rerender, type Rerendering } from "../change/rerender.ts";
import { planVolumes } from "../declare/plan_volumes.ts";
import { usageError } from "../errors.ts";
import { nameExists } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import type { MachineImage } from "../image/found_image.ts";
import { machinePaths } from "../paths.ts";
import { treeFitting, type TreeSource } from "../steps/plan_tree.ts";
import { readMachineFacts } from "../steps/pull.ts";
import { treeNeeds } from "../render/tree_needs.ts";
import { requireChoices } from "../steps/require_choices.ts";
import type { Preference } from "../merge/merge_file.ts";
import { keepCurrent } from "../snapshots/keep_current.ts";
import { planBack } from "../snapshots/plan_back.ts";
import { requireNoMounts } from "../snapshots/mounts.ts";
import { presentSnapshot } from "../snapshots/prepare_rollback.ts";
import { readRunning } from "../snapshots/running.ts";
import { readUnitFiles } from "../snapshots/unit_files.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";
import { planUpgrade } from "./plan_upgrade.ts";

/** How long a machine without a health check must run to be well. */
export const defaultGraceMs = 10_000;

export interface UpgradeRequest {
  readonly present: PresentMachine;
  /** What the machine is to be: the new image, the user's choices. */
  readonly spec: MachineSpec;
  /** What machine.toml is to say. */
  readonly machineToml: string;
  readonly found: MachineImage;
  readonly tree: TreeSource;
  /** What counts where the administrator and the new image changed the same. */
  readonly prefer?: Preference | undefined;
  readonly graceMs?: number | undefined;
  /** Whether the snapshot has a copy of the data. */
  readonly isWithData?: boolean | undefined;
  readonly warn: (text: string) => void;
}

export interface PreparedUpgrade {
  readonly change: Change;
  readonly rerendering: Rerendering;
  /** The snapshot that it keeps. */
  readonly label: string;
  /** Folders of volumes that are left alone, or taken over. */
  readonly notes: readonly string[];
  readonly isRunning: boolean;
}

/**
 * Prepares the upgrade of a machine to an image that was found.
 *
 * @throws {MbctlError} (conflict) when both sides changed the same entry of a file, (usage) for volumes that
 * cannot be, (host) when the host lacks something.
 */
export async function prepareUpgrade(
  host: Host,
  request: UpgradeRequest,
): Promise<PreparedUpgrade> {
  const { present, found, tree, prefer, warn, isWithData = false } = request;
  const { name } = present;
  const paths = machinePaths(host.root, name);
  const facts = await readMachineFacts(host, name, request.spec, request.spec.ipv4, warn);
  const { staticIpv4 } = facts;
  const spec = staticIpv4 === undefined ? request.spec : { ...request.spec, ipv4: staticIpv4 };
  for (const text of requireChoices(host.root, spec, found.config)) warn(`"${name}": ${text}`);
  const rerendering = rerender(present, spec, found.config, facts, prefer);
  requireNoConflicts(name, rerendering, prefer);
  requireNoMounts([paths.tree, paths.configuration], "move");
  const isRunning = await readRunning(host, name, "upgrade");
  const staged = { ...paths, tree: paths.stagedTree };
  const volumes = planVolumes(staged, present.spec.volumes, spec.volumes, nameExists);
  if (volumes.moves.length > 0) {
    throw usageError(
      `Cannot upgrade "${name}" and move its data at once: ${volumes.moves.join("; ")}`,
      "apply the volumes first, with the present image",
    );
  }
  const hasData = isWithData && nameExists(paths.storage);
  const snapshot = presentSnapshot(host.root, name, present.spec.image, "upgrade", hasData);
  const { label } = snapshot;
  const unitFiles = readUnitFiles(paths.unitDropInFolder);
  const change = planUpgrade({
    ...{ root: host.root, isLive: host.isLive, isRunning, spec, tree, volumes },
    fitting: treeFitting(spec, facts, treeNeeds(spec, found.config)),
    files: { machineToml: request.machineToml, rerendering, imageText: found.configText },
    kept: {
      now: keepCurrent({
        ...{ paths, snapshot, unitFiles },
        tree: "none",
        configuration: "clone",
        ...(hasData ? { data: "clone" } : {}),
      }),
      back: planBack({ paths, label, hasData, unitFiles }),
    },
    graceMs: request.graceMs ?? defaultGraceMs,
  });
  return { change, rerendering, label, notes: volumes.notes, isRunning };
}
