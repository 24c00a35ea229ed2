/**
 * What machine.toml says of a program: the machine's own, or one of its applications.
 *
 * @module
 */

import { invalidToml } from "../config/toml.ts";
import { MbctlError } from "../errors.ts";
import { parseSignal } from "../signal.ts";
import type { AppSpec } from "./app_spec.ts";
import { capabilityName } from "./capability.ts";
import { formatHealthChoice, readHealthChoice } from "./health_toml.ts";
import type { ProgramToml } from "./machine_schema.ts";
import type { MachineDeclaration } from "./machine_spec.ts";
import { formatMemorySize, parseMemorySize } from "./memory_size.ts";
import { formatRestartPolicy, noRestart, parseRestartPolicy } from "./restart_policy.ts";
import { formatVolume, readVolume } from "./volume_toml.ts";

/** A program as it is declared: its image's digests may be missing. */
export type ProgramSpec = Omit<AppSpec, "name" | "isStarted" | "image"> &
  Pick<MachineDeclaration, "image">;

/**
 * @param file the file's name, for messages.
 * @param table the table's name and a dot; empty for the machine's own keys.
 * @throws {MbctlError} (usage) with file, key, and what was expected.
 */
export function readProgram(toml: ProgramToml, file: string, table = ""): ProgramSpec {
  const read = <T>(key: string, parse: () => T) => readValue(file, `${table}${key}`, parse);
  const image = typeof toml.image === "string" ? { reference: toml.image } : toml.image;
  const { health, stop_signal } = toml;
  return {
    image: {
      reference: image.reference,
      digest: "digest" in image ? image.digest : undefined,
      manifestDigest: "manifest_digest" in image ? image.manifest_digest : undefined,
    },
    environment: Object.entries(toml.env),
    volumes: toml.volumes.map((volume) => read("volumes", () => readVolume(volume))),
    ...(toml.entrypoint === undefined ? {} : { entrypoint: toml.entrypoint }),
    ...(toml.args === undefined ? {} : { args: toml.args }),
    ...(toml.user === undefined ? {} : { user: toml.user }),
    ...(toml.workdir === undefined ? {} : { workingDirectory: toml.workdir }),
    ...(stop_signal === undefined
      ? {}
      : { stopSignal: read("stop_signal", () => parseSignal(stop_signal)) }),
    ...(toml.stop_timeout_sec === undefined ? {} : { stopTimeoutSec: toml.stop_timeout_sec }),
    restart: read("restart", () =>
      toml.restart === undefined ? noRestart : parseRestartPolicy(toml.restart),
    ),
    ...(health === undefined ? {} : { health: read("health", () => readHealthChoice(health)) }),
    limits: read("limits", () => readLimits(toml.limits)),
    capabilities: {
      add: toml.capabilities.add.map(capabilityName),
      drop: toml.capabilities.drop.map(capabilityName),
    },
    isReadOnly: toml.read_only,
    lend: toml.lend,
  };
}

/** Says in which key of which file a value is that cannot be read. */
export function readValue<T>(file: string, key: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw error instanceof MbctlError ? invalidToml(file, `${key}: ${error.message}`) : error;
  }
}

function readLimits(toml: ProgramToml["limits"]): ProgramSpec["limits"] {
  const { memory, cpus, tasks, io_weight, open_files, disk } = toml;
  return {
    ...(memory === undefined ? {} : { memory: parseMemorySize(memory) }),
    ...(cpus === undefined ? {} : { cpus }),
    ...(tasks === undefined ? {} : { tasks }),
    ...(io_weight === undefined ? {} : { ioWeight: io_weight }),
    ...(open_files === undefined ? {} : { openFiles: open_files }),
    ...(disk === undefined ? {} : { disk: parseMemorySize(disk) }),
  };
}

type Table = Record<string, unknown>;
const one = (key: string, value: unknown): Table => (value === undefined ? {} : { [key]: value });
const list = <T>(key: string, values: readonly T[]): Table =>
  values.length === 0 ? {} : { [key]: values };
const table = (key: string, value: object): Table =>
  Object.keys(value).length === 0 ? {} : { [key]: value };

/** The keys of a program that hold no table, for they must stand before those that do. */
export function programKeys(spec: ProgramSpec): Table {
  return {
    ...one("entrypoint", spec.entrypoint),
    ...one("args", spec.args),
    ...one("user", spec.user),
    ...one("workdir", spec.workingDirectory),
    ...one("stop_signal", spec.stopSignal),
    ...one("stop_timeout_sec", spec.stopTimeoutSec),
    ...(spec.restart.when === "no" ? {} : { restart: formatRestartPolicy(spec.restart) }),
  };
}

/** Its image: the digests of a distribution are not known, and left out. */
export function imageTable({ reference, digest, manifestDigest }: ProgramSpec["image"]): Table {
  return {
    image: { reference, ...one("digest", digest), ...one("manifest_digest", manifestDigest) },
  };
}

/** Its variables, limits and the like; what is the default is left out. */
export function programTables(spec: ProgramSpec): Table {
  const { limits, capabilities, health } = spec;
  const size = (bytes: number | undefined) =>
    bytes === undefined ? undefined : formatMemorySize(bytes);
  return {
    ...table("lend", spec.lend),
    ...table("limits", {
      ...one("memory", size(limits.memory)),
      ...one("cpus", limits.cpus),
      ...one("tasks", limits.tasks),
      ...one("io_weight", limits.ioWeight),
      ...one("open_files", limits.openFiles),
      ...one("disk", size(limits.disk)),
    }),
    ...table("capabilities", {
      ...list("add", capabilities.add),
      ...list("drop", capabilities.drop),
    }),
    ...one("health", health === undefined ? undefined : formatHealthChoice(health)),
    ...list("volumes", spec.volumes.map(formatVolume)),
  };
}
