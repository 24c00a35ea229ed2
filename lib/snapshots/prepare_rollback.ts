/**
 * Everything that is read and checked before a machine goes back to a snapshot.
 *
 * @module
 */

import { basename, join } from "node:path";
import type { Change } from "../change/apply_change.ts";
import { MbctlError } from "../errors.ts";
import { listDirectory, nameExists, readTextIfPresent } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { noSuchMachine } from "../machine/inventory.ts";
import { appliedPaths, machinePaths } from "../paths.ts";
import { readMachineFacts } from "../steps/pull.ts";
import { renumberEnvFile } from "../network/renumber_text.ts";
import { renderHost0Network } from "../os/host0_network.ts";
import type { MachineName } from "../spec/machine_name.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";
import { parseMachineToml } from "../spec/machine_toml.ts";
import { type CloneCost, readCloneCost } from "./clone_cost.ts";
import { freeLabel, type Label } from "./label.ts";
import { findSnapshot, listLabels } from "./list_snapshots.ts";
import { requireNoMounts } from "./mounts.ts";
import { type PatchedFile, planRollbackTo } from "./plan_rollback.ts";
import { readRunning } from "./running.ts";
import type { Snapshot, SnapshotReason } from "./snapshot_document.ts";
import { type SnapshotPaths, snapshotPaths } from "./snapshot_paths.ts";
import { readUnitFiles } from "./unit_files.ts";

export interface RollbackRequest {
  readonly name: MachineName;
  /** Without one, the latest. */
  readonly label: Label | undefined;
  readonly withData: boolean;
  /** Whether the present state is removed instead of kept. */
  readonly discard: boolean;
  /** Told of what may surprise. */
  readonly warn: (text: string) => void;
}

export interface PreparedRollback {
  readonly snapshot: Snapshot;
  /** What the present state is kept as. */
  readonly kept: Label | undefined;
  readonly change: Change;
  readonly cost: CloneCost;
  readonly isRunning: boolean;
}

/**
 * Prepares a rollback.
 *
 * @throws {MbctlError} (usage) when there is no such machine or snapshot, (conflict) when what the machine was cannot
 * be again: another machine has its ports by now, or it had another name.
 */
export async function prepareRollback(
  host: Host,
  { name, label, withData, discard, warn }: RollbackRequest,
): Promise<PreparedRollback> {
  const paths = machinePaths(host.root, name);
  if (!nameExists(paths.machineToml)) throw noSuchMachine(host.root, name);
  const snapshot = findSnapshot(host.root, name, label);
  const from = snapshotPaths(paths, snapshot.label);
  requireRestorable(name, snapshot, from, withData);
  const hasData = withData && nameExists(paths.storage);
  const moved = [paths.tree, paths.configuration, ...(hasData ? [paths.storage] : [])];
  requireNoMounts(moved, "move");
  const file = join(from.configuration, "machine.toml");
  const spec = parseMachineToml(readTextIfPresent(file) ?? "", file);
  const facts = await readMachineFacts(host, name, spec, spec.ipv4, warn);
  const { prefix, ula } = facts;
  const network = spec.mode === "base" ? renderHost0Network(name, facts, spec.ipv4) : undefined;
  const clonings = [
    { from: from.tree, to: paths.stagedTree },
    { from: from.configuration, to: paths.stagedConfiguration },
    ...(withData ? [{ from: from.data, to: paths.stagedStorage }] : []),
  ];
  const cost = await readCloneCost(host.run, clonings);
  const isRunning = await readRunning(host, name, "roll back");
  const keep = discard
    ? undefined
    : presentSnapshot(
        host.root,
        name,
        readPresentImage(paths.machineToml, spec),
        "rollback",
        hasData,
      );
  const change = planRollbackTo({
    root: host.root,
    ...{ paths, snapshot, spec, withData, keep, isLive: host.isLive, isRunning },
    unitFiles: {
      present: readUnitFiles(paths.unitDropInFolder),
      former: readUnitFiles(appliedPaths(from.configuration).units),
    },
    patches: [
      ...presentSecrets(appliedPaths(paths.configuration).secrets),
      ...presentAddresses(from, { MAN8S_YGGDRASIL_ADDRESS: prefix, MAN8S_ULA_ADDRESS: ula }),
      ...(network === undefined
        ? []
        : [{ path: basename(paths.networkFile), text: network, mode: 0o644 }]),
    ],
  });
  return { snapshot, kept: keep?.label, change, cost, isRunning };
}

/** The snapshot as which a machine's present state is kept, before something takes its place. */
export function presentSnapshot(
  root: string,
  name: MachineName,
  image: MachineSpec["image"],
  reason: SnapshotReason,
  hasData: boolean,
): Snapshot {
  const createdMs = Date.now();
  const taken = listLabels(machinePaths(root, name));
  return {
    name,
    label: freeLabel(taken, createdMs, `before-${reason}`),
    createdMs,
    reason,
    image,
    hasData,
  };
}

function requireRestorable(
  name: MachineName,
  snapshot: Snapshot,
  from: SnapshotPaths,
  withData: boolean,
): void {
  const refuse = (state: string, hint: string) =>
    new MbctlError("conflict", `Cannot go back to "${snapshot.label}" of "${name}": ${state}`, {
      hint,
    });
  if (snapshot.name !== name) {
    throw refuse(
      `the machine's name was "${snapshot.name}" then`,
      `mbctl machines rename ${name} ${snapshot.name} gives it that name again`,
    );
  }
  if (withData && !snapshot.hasData) {
    throw refuse("the data is not part of it", "leave out --with-data: the data stays as it is");
  }
  const missing = [from.tree, from.configuration, ...(withData ? [from.data] : [])].find(
    (path) => !nameExists(path),
  );
  if (missing === undefined) return;
  throw refuse(`${missing} is missing`, `mbctl machines forget ${name} ${snapshot.label}`);
}

/** A machine.toml that is broken does not stand in the way of going back. */
function readPresentImage(file: string, former: MachineSpec): MachineSpec["image"] {
  try {
    return parseMachineToml(readTextIfPresent(file) ?? "", file).image;
  } catch (error) {
    if (error instanceof MbctlError) return former.image;
    throw error;
  }
}

/** A secret that was changed since stays changed; one that was removed since is there again. */
function presentSecrets(folder: string): PatchedFile[] {
  return listDirectory(folder)
    .filter((name) => name.endsWith(".cred"))
    .map((name) => ({
      path: `.mbctl/secrets/${name}`,
      text: readTextIfPresent(join(folder, name), "latin1") ?? "",
      mode: 0o600,
    }));
}

/** The host may have another prefix by now. */
function presentAddresses(
  { configuration }: SnapshotPaths,
  prefixes: Parameters<typeof renumberEnvFile>[1],
): PatchedFile[] {
  return ["man8env.env", ".mbctl/man8env.env"].flatMap((path) => {
    const text = readTextIfPresent(join(configuration, path), "latin1");
    if (text === undefined) return [];
    const renumbered = renumberEnvFile(text, prefixes);
    return renumbered.variables.length === 0 ? [] : [{ path, text: renumbered.text, mode: 0o600 }];
  });
}
