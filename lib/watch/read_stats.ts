/**
 * Figures of machines, from the kernel and the disk.
 *
 * @module
 */

import { readlinkSync } from "node:fs";
import { join } from "node:path";
import { listDirectory, nameExists, readTextIfPresent } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { innermostPid } from "../host/namespaces.ts";
import { readUnitStates, type UnitState } from "../host/systemd.ts";
import { machinePaths } from "../paths.ts";
import { stateWord } from "../machine/summary.ts";
import { type MachineName, machineUnit } from "../spec/machine_name.ts";
import {
  type CgroupFigures,
  type CgroupTexts,
  cgroupFiles,
  type NetworkFigures,
  readFigures,
  readNetworkFigures,
} from "./cgroup_figures.ts";

/** One machine at one moment. */
export interface MachineSample extends CgroupFigures, Partial<NetworkFigures> {
  readonly name: MachineName;
  /** systemd's ActiveState. */
  readonly state: string;
  /** When it was taken, in milliseconds of a monotonic clock. */
  readonly atMs: number;
}

/** The figures of these machines; of those that do not run, the state alone. */
export async function readSamples(
  host: Host,
  names: readonly MachineName[],
): Promise<MachineSample[]> {
  const units = await readUnitStates(host.run, names);
  return names.map((name) => {
    const unit = units.get(name);
    const sample = { name, state: stateWord(unit?.active ?? "inactive"), atMs: performance.now() };
    if (unit === undefined || unit.mainPid === 0) return sample;
    return { ...sample, ...readFigures(readCgroup(unit, name)), ...readNetwork(unit.mainPid) };
  });
}

export interface DiskUse {
  readonly treeBytes: number;
  readonly storageBytes: number;
}

/**
 * What root tree and storage take on disk, by du(1): it reads every folder. What trees share with
 * each other, by reflinks or snapshots, counts for each.
 */
export async function readDiskUse(host: Host, name: MachineName): Promise<DiskUse> {
  const { tree, storage } = machinePaths(host.root, name);
  const size = async (path: string) => {
    if (!nameExists(path)) return 0;
    // A file that goes meanwhile is exit code 1, and the sum is there.
    const { stdout } = await host.run(
      ["du", "--summarize", "--block-size=1", "--one-file-system", "--", path],
      { allowExitCodes: [0, 1] },
    );
    return Number(/^\d+/.exec(stdout)?.[0] ?? 0);
  };
  return { treeBytes: await size(tree), storageBytes: await size(storage) };
}

function readCgroup(unit: UnitState, name: MachineName): CgroupTexts {
  const path = /^0::(.*)$/m.exec(readTextIfPresent(`/proc/${unit.mainPid}/cgroup`) ?? "")?.[1];
  // nspawn itself is in a cgroup below the unit's: what counts for the unit counts both.
  const end = (path ?? "").indexOf(machineUnit(name));
  if (path === undefined || end < 0) return {};
  const folder = join("/sys/fs/cgroup", path.slice(0, end + machineUnit(name).length));
  return Object.fromEntries(
    cgroupFiles.flatMap((file) => {
      const text = readTextIfPresent(join(folder, file));
      return text === undefined ? [] : [[file, text]];
    }),
  );
}

/** A machine in the host's own network has no figures of its own. */
function readNetwork(mainPid: number): Partial<NetworkFigures> {
  const leader = childrenOf(mainPid).find((pid) => innermostPid(pid) === 1);
  if (leader === undefined || networkOf(leader) === networkOf("self")) return {};
  const text = readTextIfPresent(`/proc/${leader}/net/dev`);
  return text === undefined ? {} : readNetworkFigures(text);
}

function childrenOf(pid: number): number[] {
  return listDirectory(`/proc/${pid}/task`).flatMap((task) =>
    (readTextIfPresent(`/proc/${pid}/task/${task}/children`) ?? "")
      .split(" ")
      .filter(Boolean)
      .map(Number),
  );
}

function networkOf(pid: number | "self"): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined;
  }
}
