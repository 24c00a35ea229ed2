/**
 * What a machine lends, read where it lies.
 *
 * @module
 */

import { closeSync, constants, fstatSync, readFileSync } from "node:fs";
import { appPaths } from "../apps/app_paths.ts";
import { readTextIfPresent } from "../host/files.ts";
import { AT_FDCWD, fixedName, openAt, openBeneath } from "../host/libc_at.ts";
import { type ImageConfig, keptImageConfig } from "../image/config.ts";
import { machinePaths } from "../paths.ts";
import type { AppName } from "../spec/app_name.ts";
import type { MachineName } from "../spec/machine_name.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";
import type { ConnectorMachine } from "./connector_files.ts";
import { type LentCommand, lentCommands } from "./lent_commands.ts";

/** The commands that a machine lends, by name. */
export function readLent(root: string, spec: MachineSpec): ReadonlyMap<string, LentCommand> {
  const { applied } = machinePaths(root, spec.name);
  // Images are asked of those that lend their program alone.
  const image =
    spec.mode === "connector" ? keptImageConfig(readTextIfPresent(applied.image)) : undefined;
  const apps = spec.apps.flatMap(({ name, isStarted }): [AppName, ImageConfig][] => {
    const image = isStarted ? undefined : readAppImage(root, spec.name, name);
    return image === undefined ? [] : [[name, image]];
  });
  return lentCommands(spec, image, new Map(apps));
}

/** The configuration of an application's image; undefined where it is not installed yet. */
export function readAppImage(
  root: string,
  machine: MachineName,
  app: AppName,
): ImageConfig | undefined {
  return keptImageConfig(readInTree(machinePaths(root, machine).tree, appPaths(app).image));
}

/** Machines of a host, with what each lends. */
export function readConnectorMachines(
  root: string,
  specs: readonly MachineSpec[],
): ConnectorMachine[] {
  return specs.map((spec) => ({
    name: spec.name,
    lends: [...readLent(root, spec).keys()].sort(),
    connectors: spec.connectors,
  }));
}

/** More than any image's configuration. */
const fileLimitBytes = 4 * 1024 * 1024;

/** A file of a tree that may be a running machine's: no link is followed, and what is too large is none. */
function readInTree(tree: string, path: string): string | undefined {
  let directory: number | undefined;
  let file: number | undefined;
  try {
    directory = openAt(AT_FDCWD, fixedName(tree).address, constants.O_DIRECTORY);
    file = openBeneath(
      directory,
      fixedName(path.slice(1)).address,
      constants.O_RDONLY | constants.O_NONBLOCK,
    );
    const stat = fstatSync(file);
    return stat.isFile() && stat.size <= fileLimitBytes ? readFileSync(file, "utf8") : undefined;
  } catch {
    // It is not there yet, or the machine put something else in its place.
    return undefined;
  } finally {
    for (const opened of [file, directory]) if (opened !== undefined) closeSync(opened);
  }
}
