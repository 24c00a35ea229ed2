/**
 * A machine as its files say it is: what mbctl rendered, what the administrator made of it, and its image.
 *
 * @module
 */

import { join } from "node:path";
import { MbctlError } from "../errors.ts";
import { listDirectory, readTextIfPresent } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { type ImageConfig, parseImageConfigText } from "../image/config.ts";
import { noSuchMachine } from "../machine/inventory.ts";
import { appliedPaths, isDerivedDropIn, machinePaths } from "../paths.ts";
import type { MachineName } from "../spec/machine_name.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";
import { parseMachineToml } from "../spec/machine_toml.ts";

/** The files of a machine that may be edited; latin1, as they may hold any bytes. */
export interface EditedFiles {
  readonly nspawn: string;
  readonly envFile: string;
  readonly unitDropIn: string;
}

export interface PresentMachine {
  readonly name: MachineName;
  /** machine.toml, as it is on the disk; it may have been edited since it was applied. */
  readonly machineToml: string;
  /** What was applied last; of a machine of an older mbctl what machine.toml says. */
  readonly spec: MachineSpec;
  /** machine.toml as it was when it was applied. */
  readonly appliedToml: string | undefined;
  /** As they are on the disk; a file that is missing is empty. */
  readonly ours: EditedFiles;
  /** As mbctl rendered them last; undefined for a machine of an older mbctl. */
  readonly base: EditedFiles | undefined;
  /** The network file of a whole system, which is never merged; undefined where there is none. */
  readonly network?: string | undefined;
  /** Undefined for a machine of an older mbctl. */
  readonly image: { readonly text: string; readonly config: ImageConfig } | undefined;
}

/**
 * Reads a machine's files.
 *
 * @throws {MbctlError} (usage) when there is no such machine, or its files cannot be read.
 */
export function readPresentMachine(host: Host, name: MachineName): PresentMachine {
  const paths = machinePaths(host.root, name);
  const machineToml = readTextIfPresent(paths.machineToml);
  if (machineToml === undefined) throw noSuchMachine(host.root, name);
  const { applied } = paths;
  const read = (path: string) => readTextIfPresent(path, "latin1");
  const appliedToml = readTextIfPresent(applied.machineToml);
  const [nspawn, envFile, unitDropIn] = [applied.nspawn, applied.envFile, applied.unitDropIn].map(
    read,
  );
  const isKnown = nspawn !== undefined && envFile !== undefined && unitDropIn !== undefined;
  return {
    name,
    machineToml,
    appliedToml,
    spec:
      appliedToml === undefined
        ? parseMachineToml(machineToml, paths.machineToml)
        : parseMachineToml(appliedToml, applied.machineToml),
    ours: {
      nspawn: read(paths.nspawn) ?? "",
      envFile: read(paths.envFile) ?? "",
      unitDropIn: read(paths.unitDropIn) ?? "",
    },
    base: isKnown ? { nspawn, envFile, unitDropIn } : undefined,
    network: readTextIfPresent(paths.networkFile),
    image: readAppliedImage(paths.configuration),
  };
}

/** The drop-ins of a machine's unit that may be edited: ours, and those of the administrator's own. */
export function editedDropIns(host: Host, name: MachineName): string[] {
  const { unitDropInFolder } = machinePaths(host.root, name);
  return listDirectory(unitDropInFolder)
    .filter((file) => file.endsWith(".conf") && !isDerivedDropIn(file))
    .map((file) => join(unitDropInFolder, file));
}

/** The image's configuration that a configuration folder keeps; undefined for one of an older mbctl. */
export function readAppliedImage(configuration: string): PresentMachine["image"] {
  const { image } = appliedPaths(configuration);
  const text = readTextIfPresent(image);
  if (text === undefined) return undefined;
  try {
    return { text, config: parseImageConfigText(text) };
  } catch (cause) {
    if (!(cause instanceof MbctlError)) throw cause;
    throw new MbctlError("usage", `Cannot read "${image}": ${cause.message}`, {
      hint: "remove the file: the image is then asked for again",
      cause,
    });
  }
}
