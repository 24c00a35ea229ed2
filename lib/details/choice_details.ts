/**
 * What a user chose of how a machine runs, in words: what was left to the image or to systemd is left out.
 *
 * @module
 */

import type { MachineSpec, Volume } from "../spec/machine_spec.ts";
import { formatMemorySize } from "../spec/memory_size.ts";
import { formatRestartPolicy } from "../spec/restart_policy.ts";
import { volumeSource } from "../spec/volume.ts";
import type { MachinePaths } from "../paths.ts";

/** A choice, by name. */
export type Choice = readonly [name: string, value: string];

/** The volumes of a machine, each with where it lies. */
export function describeVolumes(volumes: readonly Volume[], paths: MachinePaths): Choice[] {
  return volumes.map((volume): Choice => [`volume ${volume.path}`, describeVolume(volume, paths)]);
}

function describeVolume(volume: Volume, paths: MachinePaths): string {
  const { owner, mode, isReadOnly } = volume;
  const place =
    volume.kind === "tmpfs"
      ? "tmpfs, in memory"
      : `${volume.kind}, in ${volumeSource(paths, volume) ?? paths.tree + volume.path}`;
  return [
    place,
    ...(volume.kind === "tmpfs" && volume.sizeBytes !== undefined
      ? [`${formatMemorySize(volume.sizeBytes)} at most`]
      : []),
    ...(isReadOnly === true ? ["read-only"] : []),
    ...(owner === undefined ? [] : [`made for ${owner.uid}:${owner.gid}`]),
    ...(mode === undefined ? [] : [`mode ${mode.toString(8).padStart(4, "0")}`]),
  ].join(", ");
}

/** All else that machine.toml says beside image, network, volumes and environment. */
export function describeChoices(spec: MachineSpec): Choice[] {
  const { limits, capabilities, restart, devices, depends, labels } = spec;
  const size = (bytes: number | undefined) =>
    bytes === undefined ? undefined : formatMemorySize(bytes);
  const given: readonly (readonly [name: string, value: string | undefined])[] = [
    ["mode", spec.mode === "direct" ? undefined : spec.mode],
    ["mirror", spec.os?.mirror],
    ["packages", spec.os?.packages.join(" ")],
    ["first user", spec.os?.user?.name],
    ["stop signal", spec.stopSignal],
    ["stop time", spec.stopTimeoutSec === undefined ? undefined : `${spec.stopTimeoutSec} s`],
    ["restart", restart.when === "no" ? undefined : formatRestartPolicy(restart)],
    ["depends on", depends.join(" ")],
    ["lends", Object.keys(spec.lend).join(" ")],
    ["connectors", spec.connectors.join(" ")],
    ["memory limit", size(limits.memory)],
    ["processors", limits.cpus?.toString()],
    ["tasks limit", limits.tasks?.toString()],
    ["IO weight", limits.ioWeight?.toString()],
    ["open files limit", limits.openFiles?.toString()],
    ["disk limit", size(limits.disk)],
    ["capabilities added", capabilities.add.join(" ")],
    ["capabilities dropped", capabilities.drop.join(" ")],
    ["root tree is", spec.isReadOnly ? "read-only" : undefined],
    ...devices.map(({ source, target, access, ifAbsent }) => {
      const place = target === undefined || target === source ? "" : ` as ${target}`;
      return [
        "device",
        `${source}${place}, ${access}${ifAbsent === "skip" ? ", if it is there" : ""}`,
      ] as const;
    }),
    ["secrets", spec.secrets.map(({ name }) => name).join(" ")],
    ...Object.entries(labels).map(([name, value]) => [`label ${name}`, value] as const),
  ];
  return given.flatMap(([name, value]): Choice[] =>
    value === undefined || value === "" ? [] : [[name, value]],
  );
}
