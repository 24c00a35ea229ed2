/**
 * A whole system as the base of another machine: its tree is cloned.
 *
 * @module
 */

import { MbctlError, usageError } from "../errors.ts";
import { nameExists, readTextIfPresent } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { isStopped, readUnitStates } from "../host/systemd.ts";
import { parseImageConfigText } from "../image/config.ts";
import type { Digest } from "../image/digest.ts";
import type { MachineImage } from "../image/found_image.ts";
import type { MachineName } from "../spec/machine_name.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";
import { resolveInside } from "../trees/root_tree.ts";
import { pendingWork, noSuchMachine, readMachineFiles } from "../machine/inventory.ts";
import { requireNobodyAtWork } from "../machine/lock.ts";
import { machinePaths } from "../paths.ts";
import type { TreeSource } from "./plan_tree.ts";

/** A machine that others are cloned from. */
export interface BaseMachine {
  readonly spec: MachineSpec;
  /** What it was made of: the clone is made of the same. */
  readonly image: MachineImage;
  readonly tree: Extract<TreeSource, { kind: "machine" }>;
}

/** The init of a system, where they have it (systemd-nspawn(1), "--boot"). */
const inits = ["/usr/lib/systemd/systemd", "/lib/systemd/systemd", "/sbin/init"];

/** Whether a root tree has an init that systemd-nspawn can boot. A link that leads out of the tree leads nowhere. */
export function hasSystemInit(tree: string): boolean {
  return inits.some((path) => {
    try {
      return resolveInside(tree, path).exists;
    } catch {
      return false;
    }
  });
}

/**
 * Reads a machine that is to be the base of another one. Who clones it holds its lock.
 *
 * @throws {MbctlError} (usage) when there is no such machine, it is no whole system, or its tree does not boot; (conflict)
 * while work on it is not ended.
 */
export async function readBaseMachine(host: Host, name: MachineName): Promise<BaseMachine> {
  const { root } = host;
  const files = readMachineFiles(root, name);
  if (files === undefined) throw noSuchMachine(root, name);
  const { spec } = files;
  const paths = machinePaths(root, name);
  if (spec.mode !== "base") {
    throw usageError(
      `Cannot take "${name}" as a base: it is no whole system, its mode is "${spec.mode}"`,
      `make one: mbctl machines create NAME --os debian, or mbctl machines pull --mode base IMAGE NAME`,
    );
  }
  const pending = pendingWork(root, name);
  if (pending !== undefined) {
    requireNobodyAtWork(root, name);
    throw new MbctlError("conflict", `Cannot clone "${name}": its ${pending} was not ended`, {
      hint: `mbctl machines recover ${name}`,
    });
  }
  if (!nameExists(paths.tree) || !hasSystemInit(paths.tree)) {
    throw usageError(
      `Cannot take "${name}" as a base: its root tree has no init, and does not boot`,
      `mbctl machines rebuild ${name} makes it anew`,
    );
  }
  const configText = readTextIfPresent(paths.applied.image) ?? "";
  const unit = host.isLive ? (await readUnitStates(host.run, [name])).get(name) : undefined;
  const isRunning = host.isLive && !isStopped(unit);
  const { digest, manifestDigest } = spec.image;
  return {
    spec,
    image: {
      digest: digest as Digest,
      manifestDigest: manifestDigest as Digest,
      config: parseImageConfigText(configText),
      configText,
    },
    tree: { kind: "machine", name, path: paths.tree, isRunning },
  };
}
