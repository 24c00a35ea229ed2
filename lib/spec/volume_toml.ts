/**
 * The tables `[[volumes]]` of machine.toml.
 *
 * @module
 */

import type { MachineToml } from "./machine_schema.ts";
import type { Volume } from "./machine_spec.ts";
import { formatMemorySize, parseMemorySize } from "./memory_size.ts";

type VolumeToml = MachineToml["volumes"][number];

/** @throws {MbctlError} (usage) */
export function readVolume(toml: VolumeToml): Volume {
  const { path } = toml;
  if (toml.kind === "skip") return { path, kind: "skip" };
  const mode = toml.mode === undefined ? {} : { mode: Number.parseInt(toml.mode, 8) };
  if (toml.kind === "tmpfs") {
    const size = toml.size === undefined ? {} : { sizeBytes: parseMemorySize(toml.size) };
    return { path, kind: "tmpfs", ...size, ...mode };
  }
  const [uid = 0, gid = 0] = toml.owner?.split(":").map(Number) ?? [];
  const options = {
    ...(toml.read_only === true ? { isReadOnly: true } : {}),
    ...(toml.owner === undefined ? {} : { owner: { uid, gid } }),
    ...mode,
  };
  if (toml.kind === "host") return { path, kind: "host", source: toml.source, ...options };
  return { path, kind: toml.kind, ...options };
}

/** The inverse of {@linkcode readVolume}. */
export function formatVolume(volume: Volume): VolumeToml {
  const { path, isReadOnly, owner, mode } = volume;
  const modeKey = mode === undefined ? {} : { mode: mode.toString(8).padStart(4, "0") };
  const options = {
    ...(isReadOnly === true ? { read_only: true } : {}),
    ...(owner === undefined ? {} : { owner: `${owner.uid}:${owner.gid}` }),
    ...modeKey,
  };
  switch (volume.kind) {
    case "skip":
      return { path, kind: "skip" };
    case "tmpfs": {
      const { sizeBytes } = volume;
      const size = sizeBytes === undefined ? {} : { size: formatMemorySize(sizeBytes) };
      return { path, kind: "tmpfs", ...size, ...modeKey };
    }
    case "host":
      return { path, kind: "host", source: volume.source, ...options };
    default:
      return { path, kind: volume.kind, ...options };
  }
}
