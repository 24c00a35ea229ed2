/**
 * What a run of the bench leaves in build/, and what follows from it. Pure.
 *
 * @module
 */
import { type Spread, spreadOf } from "../medians.ts";
import type { Axis } from "./cases.ts";
import type { BuiltImage } from "./images.ts";
import type { ContenderId } from "./labels.ts";
import type { Run } from "./measure.ts";
import type { Series } from "./race.ts";

/** One image, and what each contender did with it. */
export interface Pulls {
  readonly image: Omit<BuiltImage, "dir">;
  readonly series: readonly Series[];
}

/** The file systems on which trees are cloned. */
export type FileSystem = "btrfs" | "xfs" | "ext4";

/** A second machine of an image whose first is there, and what else makes a copy of a tree. */
export interface Clones {
  readonly fileSystem: FileSystem;
  readonly image: string;
  /** config.toml says that unpacked trees are kept, also where a copy of them costs time. */
  readonly isTreeKept: boolean;
  /** `mbctl machines pull` of the second machine. */
  readonly machine: readonly Run[];
  /** `mbctl version`: the start of the process alone. */
  readonly start: readonly Run[];
  /** `cp -a` of the first machine's tree; none where it is not of interest. */
  readonly copy: readonly Run[];
  /** The same, and sync(1) of its file system. */
  readonly copyAndSync: readonly Run[];
}

/** Layers to a tree and nothing else, beside the least that this can cost. */
export interface Applying {
  readonly image: string;
  readonly ours: readonly Run[];
  readonly floor: readonly Run[];
}

/** All of a run. */
export interface Results {
  /** Day of the run, `2024-01-31`. */
  readonly day: string;
  readonly machine: {
    readonly cores: number;
    readonly model: string;
    readonly kernel: string;
  };
  readonly versions: Readonly<Partial<Record<ContenderId, string>>>;
  readonly main: Pulls;
  readonly axes: Readonly<Partial<Record<Axis, readonly (Pulls & { readonly label: string })[]>>>;
  readonly clones: readonly Clones[];
  readonly applying?: Applying | undefined;
}

/** The series of a contender. */
export function seriesOf({ series }: Pulls, contender: ContenderId): Series | undefined {
  return series.find((entry) => entry.contender === contender);
}

/** Wall time of a contender; `undefined` where it did not run. */
export function wallOf(pulls: Pulls, contender: ContenderId): Spread | undefined {
  const runs = seriesOf(pulls, contender)?.runs;
  return runs === undefined || runs.length === 0 ? undefined : wall(runs);
}

/** Wall time of runs. */
export function wall(runs: readonly Run[]): Spread {
  return spreadOf(runs.map(({ wallMs }) => wallMs));
}

/** Processor time of runs. */
export function cpu(runs: readonly Run[]): Spread {
  return spreadOf(runs.map(({ cpuMs }) => cpuMs));
}

/** A figure that has a wish beside it. */
export interface Goal {
  readonly what: string;
  readonly value: number;
  readonly atMost: number;
  /** `ms` or `MB`; a ratio has none. */
  readonly unit?: "ms" | "MB";
}

/** What the bench is there to show, as far as this run has it. */
export function goalsOf({ main, axes, clones, applying }: Results): Goal[] {
  const goals: Goal[] = [];
  const ours = wallOf(main, "mbctl");
  const add = (what: string, value: number | undefined, atMost: number, unit?: "ms" | "MB") => {
    if (value !== undefined)
      goals.push({ what, value, atMost, ...(unit === undefined ? {} : { unit }) });
  };
  const ratio = (a: Spread | undefined, b: Spread | undefined) =>
    a === undefined || b === undefined ? undefined : a.median / b.median;
  add("cold pull: mbctl / podman", ratio(ours, wallOf(main, "podman")), 0.25);
  add("cold pull: mbctl / importctl", ratio(ours, wallOf(main, "importctl")), 0.6);
  if (applying !== undefined)
    add("applying: mbctl / floor", ratio(wall(applying.ours), wall(applying.floor)), 2);
  for (const { fileSystem, image, isTreeKept, machine, start, copy } of clones) {
    if (fileSystem === "btrfs") {
      const beyondMs = wall(machine).median - wall(start).median;
      add(`second machine of ${image} on btrfs, beyond process start`, beyondMs, 100, "ms");
    }
    if (fileSystem === "ext4" && isTreeKept)
      add(
        `second machine of ${image} on ext4, tree kept: mbctl / cp -a`,
        ratio(wall(machine), wall(copy)),
        0.6,
      );
  }
  const large = axes.size?.find(({ image }) => image.name === "1gb");
  const peak = large === undefined ? undefined : seriesOf(large, "mbctl")?.peak.pssBytes;
  add("memory of a pull of 1 GB", peak === undefined ? undefined : peak / 1e6, 150, "MB");
  return goals;
}

/** `0.24  at most 0.25  met`, a line each. */
export function renderGoals(goals: readonly Goal[]): readonly (readonly string[])[] {
  return goals.map(({ what, value, atMost, unit }) => {
    const text = (number: number) =>
      unit === undefined ? number.toFixed(2) : `${number.toFixed(0)} ${unit}`;
    return [what, text(value), `at most ${text(atMost)}`, value <= atMost ? "met" : "NOT MET"];
  });
}
