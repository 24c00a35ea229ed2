/**
 * Steps: what a verb is going to do, as data. A plan is a list of them; a dry
 * run prints the very list that {@linkcode "apply.ts"} would carry out.
 *
 * @module
 */

import { type AppStep, describeAppStep, isAppStep } from "../apps/app_step.ts";
import { quoteWords } from "../env/posix_sh.ts";
import type { SaveFormat } from "../image/oci_layout.ts";
import type { IpCommand } from "../network/machine_routes.ts";
import type { BootstrapPlan } from "../os/bootstrap_request.ts";
import type { SystemInstall, SystemSettings } from "../os/system_settings.ts";
import type { Limits } from "../spec/limits.ts";
import { type MachineName, machineUnit } from "../spec/machine_name.ts";
import { formatMemorySize } from "../spec/memory_size.ts";
import type { UnitAction } from "../host/systemd.ts";

/** Of a folder that is made: ids as the machine sees them; what is left out stays as the tree has it. */
export interface FolderOwner {
  readonly uid?: number;
  readonly gid?: number;
  /** 0 to 0o7777. */
  readonly mode?: number;
}

export type Step =
  | AppStep
  | { readonly kind: "make-directory"; readonly path: string; readonly mode: number }
  | {
      readonly kind: "write-file";
      readonly path: string;
      readonly text: string;
      readonly mode: number;
      /** "latin1": each character is one byte, for a file that was read so. */
      readonly encoding?: "latin1";
      /** It is there, and stays the file that a running machine has mounted. */
      readonly isMounted?: true;
    }
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  | { readonly kind: "move"; readonly from: string; readonly to: string }
  /** A move that may be repeated: where `to` is there already, it was done. */
  | { readonly kind: "settle"; readonly from: string; readonly to: string }
  /** Puts a prepared file over another; where it is not there any more, it was done. */
  | { readonly kind: "replace"; readonly from: string; readonly to: string }
  /**
   * Puts `from` in the place of `to`; what is there goes to the free name `aside`. May be repeated: where `from` is
   * not there any more, it was done.
   */
  | {
      readonly kind: "exchange";
      readonly from: string;
      readonly to: string;
      readonly aside: string;
    }
  /** Removes a file or a whole tree; none is no error. */
  | { readonly kind: "remove"; readonly path: string }
  /** Puts into the store what it lacks of the image. */
  | { readonly kind: "fetch-image"; readonly image: string; readonly store: string }
  /** Applies the image's layers, giving a root tree at a free name; what the store lacks is fetched meanwhile. */
  | { readonly kind: "unpack-image"; readonly image: string; readonly tree: string }
  /** The same, giving the read-only tree that machines are cloned from. */
  | { readonly kind: "store-tree"; readonly image: string; readonly tree: string }
  /** Makes an empty tree that can be cloned at no cost, where the file system can: 0700. */
  | { readonly kind: "make-tree"; readonly path: string }
  /** Clones a stored tree, or any other folder, giving a tree at a free name. */
  | { readonly kind: "clone-tree"; readonly from: string; readonly tree: string }
  /** Writes the image, with all its blobs, to a file or folder of the user's. */
  | {
      readonly kind: "save-image";
      readonly image: string;
      readonly path: string;
      readonly format: SaveFormat;
    }
  /** Notes in the store what the reference named, and that it was used. */
  | { readonly kind: "remember-image"; readonly image: string }
  /** Makes a distribution's tree at a free name, by its own bootstrapper. */
  | {
      readonly kind: "bootstrap-tree";
      readonly tree: string;
      readonly os: string;
      readonly plan: BootstrapPlan;
    }
  /** Installs what an image's tree lacks to boot: nothing, where it has an init of its own. */
  | { readonly kind: "install-system"; readonly tree: string; readonly install: SystemInstall }
  /** Writes a machine's name and settings into the tree of a whole system; may be repeated. */
  | {
      readonly kind: "settle-system";
      readonly tree: string;
      readonly settings: SystemSettings;
      /** Nothing that it could be known by elsewhere stays: machine-id, keys. */
      readonly isNew?: true;
      /** A failure is a warning: what follows must be done all the same. */
      readonly isForgiving?: true;
    }
  /** Adds the directories that systemd-nspawn and the image's settings need. */
  | {
      readonly kind: "complete-tree";
      readonly tree: string;
      readonly directories: readonly string[];
      /** Made empty where they are missing: to mount a file on. */
      readonly files?: readonly string[];
    }
  | { readonly kind: "install-init"; readonly tree: string; readonly busybox: string }
  /** How much the tree may hold; without `bytes` as much as there is. May be repeated. */
  | { readonly kind: "limit-tree"; readonly tree: string; readonly bytes?: number }
  /** Copies what the tree holds under `path` to a folder, all attributes kept. */
  | {
      readonly kind: "copy-volume";
      readonly tree: string;
      readonly path: string;
      readonly into: string;
      /** Of the folder itself, in place of what the tree has. */
      readonly owner?: FolderOwner;
    }
  /**
   * Copies it beside a folder of the administrator's, or hidden into it, unless that holds something already. Data that is
   * moved, and removed where it was, is not taken for what a folder holds: that is an error.
   */
  | {
      readonly kind: "stage-host-volume";
      readonly isMoved?: true;
      readonly tree: string;
      readonly path: string;
      readonly into: string;
      readonly owner?: FolderOwner;
    }
  /** Puts what was staged in its place. */
  | { readonly kind: "place-host-volume"; readonly into: string }
  /** Clears what was staged, or ends the placing that was begun. */
  | { readonly kind: "clear-host-volume"; readonly into: string }
  /** Waits until everything written lies on the disk. */
  | { readonly kind: "sync"; readonly path: string }
  /** Brings firewall, names, relays and published ports in line with config.toml and all machine.toml. */
  | {
      readonly kind: "derive-host";
      /** A failure is a warning: what follows must be done all the same. */
      readonly isForgiving?: true;
    }
  /** Tells the manager of the bridge of its changed files, and waits until the bridge has this mesh address and no other. */
  | {
      readonly kind: "renumber-bridge";
      readonly bridge: string;
      readonly address: string;
      readonly commands: readonly (readonly string[])[];
    }
  /** Runs ip(8) in the network of a running machine, a command after the other. */
  | {
      readonly kind: "machine-ip";
      readonly name: MachineName;
      readonly commands: readonly IpCommand[];
    }
  /** Has a whole system that runs read its network file again. */
  | { readonly kind: "reload-network"; readonly name: MachineName }
  /** Gives the program of a machine its limits; none where it does not run. */
  | { readonly kind: "live-limits"; readonly name: MachineName; readonly limits: Limits }
  | { readonly kind: "reload-systemd" }
  /** Makes systemd forget that the machine's unit failed, if it did. */
  | { readonly kind: "forget-failure"; readonly name: MachineName }
  | {
      readonly kind: "unit";
      readonly action: UnitAction;
      readonly units: readonly string[];
      /** A failure is a warning: what follows must be done all the same. */
      readonly isForgiving?: true;
    }
  /** Freezes the processes of a machine while `steps` are carried out. */
  | { readonly kind: "hold"; readonly name: MachineName; readonly steps: readonly Step[] }
  /** Lets a machine go on that a killed run has left frozen. */
  | { readonly kind: "thaw"; readonly name: MachineName };

function ownerWords({ uid, gid, mode }: FolderOwner = {}): string {
  const words = [
    ...(uid === undefined ? [] : [`owner ${uid}:${gid}`]),
    ...(mode === undefined ? [] : [`mode ${mode.toString(8).padStart(4, "0")}`]),
  ];
  return words.length === 0 ? "" : ` (${words.join(", ")})`;
}

/** One step in words, with every path, on one line. */
export function describeStep(step: Step): string {
  if (isAppStep(step)) return describeAppStep(step);
  const q = (...words: string[]) => quoteWords(words);
  switch (step.kind) {
    case "make-directory":
      return `make directory ${q(step.path)} (${step.mode.toString(8)})`;
    case "write-file":
      return `write ${q(step.path)} (${step.mode.toString(8)}, ${Buffer.byteLength(step.text, step.encoding)} bytes)`;
    case "link":
      return `link ${q(step.path)} -> ${q(step.target)}`;
    case "move":
      return `move ${q(step.from)} to ${q(step.to)}`;
    case "settle":
      return `move ${q(step.from)} to ${q(step.to)}, unless it is there`;
    case "replace":
      return `put ${q(step.from)} in the place of ${q(step.to)}`;
    case "exchange":
      return `put ${q(step.from)} in the place of ${q(step.to)}, and that to ${q(step.aside)}`;
    case "remove":
      return `remove ${q(step.path)}`;
    case "fetch-image":
      return `fetch what ${q(step.store)} lacks of ${q(step.image)}`;
    case "unpack-image":
      return `unpack ${q(step.image)} into ${q(step.tree)}, fetching what the store lacks`;
    case "store-tree":
      return `unpack ${q(step.image)} into ${q(step.tree)}, for this machine and later ones`;
    case "make-tree":
      return `make directory ${q(step.path)} (700), a subvolume on btrfs`;
    case "clone-tree":
      return `clone ${q(step.from)} to ${q(step.tree)}`;
    case "save-image":
      return `save ${q(step.image)} to ${q(step.path)} (${step.format})`;
    case "remember-image":
      return `note in the store what ${q(step.image)} names`;
    case "complete-tree":
      return `make missing directories in ${q(step.tree)}: ${q(...step.directories)}${step.files === undefined ? "" : `, and files: ${q(...step.files)}`}`;
    case "install-init":
      return `install man8s-init in ${q(step.tree)} with ${q(step.busybox)}`;
    case "bootstrap-tree":
      return `make ${q(step.tree)} of ${step.os}: ${step.plan.commands.map((words) => q(...words)).join("; ")}`;
    case "install-system":
      return `install systemd, dbus and login in ${q(step.tree)} by its own package manager, unless they are there`;
    case "settle-system":
      return `write name and network of ${q(step.settings.name)} into ${q(step.tree)}`;
    case "limit-tree":
      return step.bytes === undefined
        ? `take the disk quota from ${q(step.tree)}, if it has one`
        : `limit ${q(step.tree)} to ${formatMemorySize(step.bytes)}`;
    case "copy-volume":
      return `copy ${q(step.path)} of ${q(step.tree)} to ${q(step.into)}${ownerWords(step.owner)}`;
    case "stage-host-volume":
      return `copy ${q(step.path)} of ${q(step.tree)} for ${q(step.into)}${step.isMoved === true ? "" : ", if that is empty"}${ownerWords(step.owner)}`;
    case "place-host-volume":
      return `put that copy into ${q(step.into)}`;
    case "clear-host-volume":
      return `clear what a stopped run staged for ${q(step.into)}`;
    case "sync":
      return `sync ${q(step.path)}`;
    case "forget-failure":
      return `systemctl reset-failed ${machineUnit(step.name)}, if it failed`;
    case "derive-host":
      return "bring firewall, names and relays of the host in line with its machines";
    case "renumber-bridge":
      return `${step.commands.map((words) => q(...words)).join("; ")}; wait until ${q(step.bridge)} has ${step.address}`;
    case "machine-ip":
      return `in the network of ${q(step.name)}: ${step.commands.map((words) => q("ip", ...words)).join("; ")}`;
    case "reload-network":
      return `networkctl reload in ${q(step.name)}, if it runs`;
    case "live-limits":
      return `set the limits of ${q(step.name)} in its cgroup, if it runs`;
    case "reload-systemd":
      return "systemctl daemon-reload";
    case "unit":
      return `systemctl ${step.action} ${q(...step.units)}`;
    case "hold":
      return `freeze ${machineUnit(step.name)}; ${step.steps.map(describeStep).join("; ")}; thaw it`;
    case "thaw":
      return `thaw ${machineUnit(step.name)}, if it is frozen`;
  }
}
