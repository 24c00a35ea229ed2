/**
 * What of the host a machine binds, and whether it is there: systemd-nspawn starts no machine without it, and says so in the
 * journal alone ("Failed to stat").
 *
 * @module
 */

import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import { MbctlError } from "../errors.ts";
import { listDirectory, readTextIfPresent } from "../host/files.ts";
import { readNspawn } from "../nspawn/read.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { parseMachineToml } from "../spec/machine_toml.ts";
import { isDerivedDropIn, machinePaths } from "../paths.ts";

/** Something of the host that a machine binds. */
export interface BoundSource {
  readonly machine: MachineName;
  readonly kind: "file" | "device";
  /** On the host. */
  readonly path: string;
  /** In the machine. */
  readonly target: string;
}

/** Made by the machine's unit when it starts: nodes of devices, secrets. */
const madeAtStart = /^\/run\/mbctl\//;

/** What is not there of all that a machine binds: by its nspawn file, with the edits in it, and by its devices. */
export function missingSources(root: string, machine: MachineName): BoundSource[] {
  return [...boundFiles(root, machine), ...boundDevices(root, machine)].filter(
    ({ path }) => statSync(join(root, path), { throwIfNoEntry: false }) === undefined,
  );
}

/** What begins otherwise is no path of the host: "+" is for one in the tree (systemd-nspawn(1), --bind=). */
function boundFiles(root: string, machine: MachineName): BoundSource[] {
  const values = readNspawn(readTextIfPresent(machinePaths(root, machine).nspawn) ?? "");
  return ["Files.Bind", "Files.BindReadOnly"]
    .flatMap((id) => values.get(id)?.values ?? [])
    .filter(([path = ""]) => path.startsWith("/") && !madeAtStart.test(path))
    .map(([path = "", target = ""]) => ({
      ...{ machine, kind: "file" as const, path },
      target: target === "" ? path : target,
    }));
}

/** Those that were applied: machine.toml may be ahead of the unit. */
function boundDevices(root: string, machine: MachineName): BoundSource[] {
  const { machineToml } = machinePaths(root, machine).applied;
  const text = readTextIfPresent(machineToml);
  if (text === undefined) return [];
  return parseMachineToml(text, machineToml).devices.flatMap(
    ({ source: path, target, ifAbsent }) =>
      target === undefined || ifAbsent === "skip"
        ? []
        : [{ machine, kind: "device", path, target }],
  );
}

/**
 * Wants all that machines bind to be there, as far as that is known before their start: what an administrator wrote for a
 * unit may mount or make it.
 *
 * @throws as {@linkcode explainSources}.
 */
export function requireSources(
  root: string,
  action: string,
  machines: readonly MachineName[],
): void {
  explainSources(
    root,
    action,
    machines.filter((machine) => !hasDropIns(root, machine)),
  );
}

/** @throws {MbctlError} (host) naming what is missing, and what can be done. */
export function explainSources(
  root: string,
  action: string,
  machines: readonly MachineName[],
): void {
  const missing = machines.flatMap((machine) => missingSources(root, machine));
  if (missing.length === 0) return;
  const names = [...new Set(missing.map(({ machine }) => machine))];
  const what = missing.map(
    ({ machine, path, target }) => `"${path}" (at ${target} in "${machine}")`,
  );
  const edits = names.map((name) => `mbctl machines edit ${name}`).join(", ");
  const mends = [
    ...(missing.some(({ kind }) => kind === "file") ? ["make it, or take it out"] : []),
    ...(missing.some(({ kind }) => kind === "device")
      ? ['plug the device in, or write if_absent = "skip"']
      : []),
  ];
  throw new MbctlError(
    "host",
    `Cannot ${action} ${names.map((name) => `"${name}"`).join(", ")}: ${what.join(", ")} ${missing.length === 1 ? "is" : "are"} not there`,
    { hint: `${mends.join("; ")}: ${edits}` },
  );
}

/** Whether somebody else wrote drop-ins for a machine's unit, or for all machines. */
function hasDropIns(root: string, machine: MachineName): boolean {
  const { unitDropIn, unitDropInFolder } = machinePaths(root, machine);
  const isOurs = (name: string) =>
    join(unitDropInFolder, name) === unitDropIn || isDerivedDropIn(name);
  return (
    listDirectory(unitDropInFolder).some((name) => !name.startsWith(".") && !isOurs(name)) ||
    listDirectory(join(dirname(unitDropInFolder), "systemd-nspawn@.service.d")).length > 0
  );
}
