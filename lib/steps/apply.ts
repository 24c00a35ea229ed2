/**
 * Carries steps out. It decides nothing: what happens is what the plan says.
 *
 * @module
 */

import { type AppTools, applyAppStep } from "../apps/apply_app_step.ts";
import { isAppStep } from "../apps/app_step.ts";
import { MbctlError } from "../errors.ts";
import {
  isErrno,
  makeDirectory,
  moveName,
  nameExists,
  rewriteInPlace,
  syncFileSystemOf,
  writeFileDurably,
  writeSymlink,
} from "../host/files.ts";
import { thaw, whileFrozen } from "../host/freezer.ts";
import { type Host, undisturbed } from "../host/host.ts";
import { bootstrapTree } from "../os/bootstrap_tree.ts";
import { installSystem } from "../os/install_system.ts";
import { settleSystem } from "../os/settle_system.ts";
import { limitTree } from "../trees/disk_quota.ts";
import { installInit } from "../trees/install_init.ts";
import { removeTree } from "../trees/remove_tree.ts";
import { makeDirectoryInside, makeFileInside } from "../trees/root_tree.ts";
import type { SaveFormat } from "../image/oci_layout.ts";
import { cloneTree, makeTree } from "../trees/tree.ts";
import { renumberBridge, runInMachine } from "../host/machine_network.ts";
import { CommandError, interrupted } from "../host/run.ts";
import {
  clearHostVolume,
  copyVolume,
  placeHostVolume,
  stageHostVolume,
} from "../trees/volume_copy.ts";
import { controlUnits, controlUnitsIfPossible, forgetFailures } from "../machine/lifecycle.ts";
import { machinePaths } from "../paths.ts";
import { deriveHost, deriveHostIfPossible } from "../machine/derive.ts";
import { setLiveLimits } from "../machine/live_limits.ts";
import { reloadNetwork } from "../machine/reload_network.ts";
import { describeStep, type Step } from "./step.ts";

/** What is done with the image that was located; absent where a plan has no such steps. */
export interface ImageTools {
  /** Puts into the store what it lacks of the image. */
  fetch(): Promise<void>;
  /** Applies the image's layers, giving a root tree at a free name. */
  unpack(tree: string): Promise<unknown>;
  /** The same, into a plain directory: a part of a tree that is there. */
  unpackInto(tree: string): Promise<unknown>;
  /** Unpacks the image into the store's read-only tree. */
  storeTree(): Promise<void>;
  /** Writes the image to a file or folder of the user's. */
  save(path: string, format: SaveFormat): Promise<void>;
  /** Notes in the store what the reference named, and that it was used. */
  remember(): void;
}

/** What steps are carried out with. */
export interface ApplyTools {
  readonly host: Host;
  readonly image?: ImageTools;
  /** Images of applications, by the digests of their manifests. */
  readonly appImages?: ReadonlyMap<string, ImageTools> | undefined;
  /** The machine's name: part of the names of what is staged outside our folders. */
  readonly machine?: string;
  /** Aborted when the user stops us; looked at before each step. */
  readonly signal?: AbortSignal | undefined;
  /** Told each step before it begins. */
  readonly onStep?: ((description: string) => void) | undefined;
  /** Told what went wrong without holding up the rest. */
  readonly onWarning?: ((text: string) => void) | undefined;
  /** Told for how long a machine was frozen. */
  readonly onHeld?: ((heldMs: number) => void) | undefined;
}

/**
 * Carries the steps out, one after the other, and stops at the first that fails.
 *
 * @throws {MbctlError} naming the step; of kind "interrupted" when `signal` was
 * aborted, of kind "host" when the disk is full or read-only.
 */
export async function applySteps(steps: readonly Step[], tools: ApplyTools): Promise<void> {
  for (const step of steps) {
    // Most steps never wait for anything: without a turn of the event loop nobody would hear Ctrl-C.
    await new Promise(setImmediate);
    if (tools.signal?.aborted) throw interrupted();
    tools.onStep?.(describeStep(step));
    try {
      await applyStep(step, tools);
    } catch (error) {
      if (tools.signal?.aborted) throw interrupted();
      throw explain(step, error);
    }
  }
}

async function applyStep(step: Step, tools: ApplyTools): Promise<void> {
  const { host, image, machine = "", signal } = tools;
  if (isAppStep(step)) return await applyAppStep(step, appTools(tools));
  switch (step.kind) {
    case "make-directory":
      return makeDirectory(step.path, step.mode);
    case "write-file":
      if (step.isMounted) return rewriteInPlace(step.path, step.text, step.encoding ?? "utf8");
      return void writeFileDurably(step.path, step.text, step.mode, step.encoding);
    case "link":
      return void writeSymlink(step.path, step.target);
    case "move":
      return moveName(step.from, step.to);
    case "settle":
      return void (nameExists(step.to) || moveName(step.from, step.to));
    case "replace":
      return void (nameExists(step.from) && moveName(step.from, step.to));
    case "exchange":
      return exchange(step.from, step.to, step.aside);
    case "remove":
      return removeTree(step.path);
    case "fetch-image":
      return await image?.fetch();
    case "unpack-image":
      return void (await image?.unpack(step.tree));
    case "store-tree":
      return await image?.storeTree();
    case "make-tree":
      return makeTree(step.path);
    case "clone-tree":
      return await cloneTree(step.from, step.tree, { spawn: host.spawn, signal });
    case "save-image":
      return await image?.save(step.path, step.format);
    case "remember-image":
      return image?.remember();
    case "complete-tree":
      for (const directory of step.directories) makeDirectoryInside(step.tree, directory);
      for (const file of step.files ?? []) makeFileInside(step.tree, file);
      return;
    case "bootstrap-tree":
      return await bootstrapTree(host, step.tree, step.plan, { onLine: tools.onStep });
    case "install-system":
      return await installSystem(host, step.tree, step.install, { signal, onLine: tools.onStep });
    case "settle-system":
      return settle(step, tools);
    case "install-init":
      return await installInit(host.run, step.tree, step.busybox);
    case "limit-tree":
      return limitTree(step.tree, step.bytes);
    case "copy-volume":
      return await copyVolume(host.run, step.tree, step.path, step.into, step.owner);
    case "stage-host-volume":
      return await stageHostVolume(host.run, step, machine);
    case "place-host-volume":
      return placeHostVolume(step.into, machine);
    case "clear-host-volume":
      return clearHostVolume(step.into, machine);
    case "sync":
      return syncFileSystemOf(step.path);
    case "forget-failure":
      return await forgetFailures(host, [step.name]);
    case "derive-host":
      return await (step.isForgiving === true
        ? deriveHostIfPossible(host, tools.onWarning ?? (() => {}))
        : deriveHost(host));
    case "renumber-bridge":
      return await renumberBridge(host.run, step, signal);
    case "machine-ip":
      return await runInMachine(host.run, step.name, step.commands);
    case "reload-network":
      return await reloadNetwork(host, step.name, tools.onWarning ?? (() => {}));
    case "live-limits":
      return await setLiveLimits(host.run, step.name, step.limits);
    case "reload-systemd":
      return void (await host.run(["systemctl", "daemon-reload"], { timeoutMs: 60_000 }));
    case "unit":
      return await (step.isForgiving === true
        ? controlUnitsIfPossible(host, step.action, step.units, tools.onWarning ?? (() => {}))
        : controlUnits(host, step.action, step.units));
    case "hold": {
      const { lock } = machinePaths(host.root, step.name);
      const work = () => applySteps(step.steps, tools);
      const heldMs = await whileFrozen(undisturbed(host).run, step.name, lock, work);
      return tools.onHeld?.(heldMs);
    }
    case "thaw":
      return await thaw(undisturbed(host).run, step.name);
  }
}

function appTools({ host, appImages, onWarning }: ApplyTools): AppTools {
  return {
    host,
    warn: onWarning ?? (() => {}),
    async unpack(manifestDigest, tree) {
      const image = appImages?.get(manifestDigest);
      if (image === undefined) throw new TypeError(`no image ${manifestDigest} was located`);
      await image.unpackInto(tree);
    },
  };
}

/** What does not work in such a system is told. */
function settle(step: Extract<Step, { kind: "settle-system" }>, { onWarning }: ApplyTools): void {
  const { tree, settings, isNew, isForgiving } = step;
  const warn = (text: string) => onWarning?.(`"${settings.name}": ${text}`);
  try {
    for (const text of settleSystem(tree, settings, { isNew: isNew === true })) warn(text);
  } catch (error) {
    // The machine's own root may have put anything into its tree.
    if (isForgiving !== true || !(error instanceof Error)) throw error;
    warn(`its tree keeps the name and network that it had: ${error.message}`);
  }
}

/** Two moves; a run that was killed between them left `to` free. */
function exchange(from: string, to: string, aside: string): void {
  if (!nameExists(from)) return;
  if (nameExists(to)) moveName(to, aside);
  moveName(from, to);
}

/** The kernel's refusals that a user can do something about. */
const refusals: Readonly<Record<string, readonly [state: string, hint: string]>> = {
  ENOSPC: ["no space is left on the device", "make room (df -h), then run the command again"],
  EDQUOT: ["the disk quota is exceeded", "make room, then run the command again"],
  EROFS: ["the file system is read-only", "mount it writable, then run the command again"],
  EACCES: ["permission is denied", "run the command as root"],
  EPERM: [
    "the operation is not permitted",
    "run the command as root, on a file system that allows it",
  ],
  EIO: ["the device failed", "look at the kernel's log: journalctl -k"],
  EXDEV: [
    "source and target lie on different file systems",
    "keep each of mbctl's folders on one file system",
  ],
};

function explain(step: Step, error: unknown): unknown {
  if (error instanceof CommandError && error.cause !== undefined) {
    const isFull = /No space left on device/.test(error.result.stderr);
    return new MbctlError("tool", `Cannot ${describeStep(step)}: ${error.argv[0]} failed`, {
      hint: isFull ? refusals.ENOSPC?.[1] : error.hint,
      cause: error.cause,
    });
  }
  if (error instanceof MbctlError || !(error instanceof Error)) return error;
  const code = Object.keys(refusals).find((candidate) => isErrno(error, candidate));
  const [state, hint] = refusals[code ?? ""] ?? [];
  if (state === undefined) return error;
  return new MbctlError("host", `Cannot ${describeStep(step)}: ${state}`, { hint, cause: error });
}
