/**
 * A configuration folder that was unpacked and is not a machine yet: checked, renamed, and read.
 *
 * @module
 */

import { join } from "node:path";
import { type PresentMachine, readAppliedImage } from "../change/present_machine.ts";
import { rerender } from "../change/rerender.ts";
import { MbctlError } from "../errors.ts";
import { listDirectory, readTextIfPresent, removeFile, writeFileDurably } from "../host/files.ts";
import { appliedPaths, isDerivedDropIn, machinePaths } from "../paths.ts";
import type { HostFacts } from "../render/render.ts";
import { formatPublishedPort, type PublishedPort } from "../network/published_port.ts";
import { readUnitFiles } from "../snapshots/unit_files.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { parseMachineToml } from "../spec/machine_toml.ts";
import { type EditedFile, askedOfHost } from "./asked_of_host.ts";
import { checkConfiguration, checkVolumeFolders } from "./check_configuration.ts";
import { configurationFiles } from "./rename.ts";
import { setInMachineToml } from "./rename_texts.ts";

/**
 * Checks an unpacked configuration folder, and gives the machine in it its name.
 *
 * @param from what it was called where it comes from.
 * @throws {MbctlError} (usage) when a file is not what it seems, or machine.toml is that of another machine.
 */
export function settleConfiguration(folder: string, from: MachineName, to: MachineName): void {
  checkConfiguration(folder);
  const applied = appliedPaths(folder);
  // The host makes its own.
  for (const name of listDirectory(applied.units).filter(isDerivedDropIn)) {
    removeFile(join(applied.units, name));
  }
  for (const path of [join(folder, "machine.toml"), applied.machineToml]) {
    const { name } = parseMachineToml(readTextIfPresent(path) ?? "", "machine.toml");
    if (name === from) continue;
    throw new MbctlError(
      "usage",
      `Cannot import "${from}": its machine.toml is that of "${name}"`,
      { hint: "the archive was not written by mbctl machines export; do not trust it" },
    );
  }
  if (from === to) return;
  for (const { path, text, mode } of configurationFiles(folder, { from, to })) {
    writeFileDurably(path, text, mode, "latin1");
  }
}

/**
 * Gives a settled machine other ports of the host; that they are rendered is up to who makes the machine.
 *
 * @throws {MbctlError} (usage) when its machine.toml is written in a way that this edit does not know.
 */
export function setPublished(folder: string, ports: readonly PublishedPort[]): void {
  const path = join(folder, "machine.toml");
  const text = readTextIfPresent(path) ?? "";
  const words = ports.map(formatPublishedPort);
  writeFileDurably(path, setInMachineToml(text, "machine.toml", "publish", words), 0o644);
}

/**
 * Reads a settled configuration folder.
 *
 * @throws {MbctlError} (usage) when a file cannot be read, or a volume is a link.
 */
export function readStaged(folder: string, name: MachineName): PresentMachine {
  const applied = appliedPaths(folder);
  const read = (path: string) => readTextIfPresent(path, "latin1") ?? "";
  const machineToml = readTextIfPresent(join(folder, "machine.toml")) ?? "";
  const spec = parseMachineToml(machineToml, "machine.toml");
  checkVolumeFolders(folder, "config", spec.volumes);
  const own = machinePaths("/", name).unitDropIn;
  const kept = readUnitFiles(applied.units).find((file) => own.endsWith(`/${file.name}`));
  const base = {
    nspawn: read(applied.nspawn),
    envFile: read(applied.envFile),
    unitDropIn: read(applied.unitDropIn),
  };
  return {
    name,
    machineToml,
    appliedToml: readTextIfPresent(applied.machineToml),
    spec,
    ours: {
      nspawn: read(join(folder, "container.nspawn")),
      envFile: read(join(folder, "man8env.env")),
      unitDropIn: kept?.text ?? base.unitDropIn,
    },
    base,
    image: readAppliedImage(folder),
  };
}

/** One line for each thing that the machine would get of this host. */
export function askedByStaged(folder: string, staged: PresentMachine, facts: HostFacts): string[] {
  const { name, spec, image } = staged;
  if (image === undefined) return [];
  // What counts is what becomes of the edits, not what the archive says was rendered.
  const { merged, rendered } = rerender(staged, spec, image.config, facts, "ours");
  const own = machinePaths("/", name).unitDropIn;
  const others = readUnitFiles(appliedPaths(folder).units)
    .filter((file) => !own.endsWith(`/${file.name}`))
    .map(({ name, text }): EditedFile => ({ name, text }));
  return askedOfHost(spec, facts.connection, [
    { name: "container.nspawn", text: merged.nspawn, rendered: rendered.nspawn },
    { name: "50-mbctl.conf", text: merged.unitDropIn, rendered: rendered.unitDropIn },
    ...others,
  ]);
}
