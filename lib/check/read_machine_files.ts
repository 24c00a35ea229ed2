/**
 * Reads what is there of a machine on disk.
 *
 * @module
 */

import { readlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { parseIpv6 } from "../address/ipv6.ts";
import { MbctlError } from "../errors.ts";
import { portName } from "../firewall/port_name.ts";
import { listDirectory, nameExists, readLinkIfPresent, readTextIfPresent } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { holdersOf } from "../host/waiting_lock.ts";
import { missingSources } from "../machine/bound_sources.ts";
import { listMachineNames, pendingWork, readMachineFiles } from "../machine/inventory.ts";
import { isMachineName, type MachineName } from "../spec/machine_name.ts";
import { foldersBelow, machinePaths } from "../paths.ts";
import { volumeSources } from "../render/render_binds.ts";
import { lacksVolumeGuard } from "../nspawn/unit_volumes.ts";
import type { MachineFiles } from "./machine_files.ts";

/** All machines, those of which a killed pull or removal left only a marker too. */
export function readAllMachineFiles(host: Host): MachineFiles[] {
  const marked = listDirectory(foldersBelow(host.root).configurations)
    .map((name) => /^\.mbctl-(?:pull|remove)\.(.+)$/.exec(name)?.[1] ?? "")
    .filter(isMachineName);
  const names = new Set([...listMachineNames(host.root), ...marked]);
  return [...names].sort().map((name) => readMachineState(host, name));
}

/** One machine. */
export function readMachineState(host: Host, name: MachineName): MachineFiles {
  const paths = machinePaths(host.root, name);
  const pending = pendingWork(host.root, name);
  const [holder] = pending === undefined || !nameExists(paths.lock) ? [] : holdersOf(paths.lock);
  const links = [
    { path: paths.machineLink, target: paths.tree },
    { path: paths.nspawnLink, target: paths.nspawn },
  ];
  return {
    name,
    ...readOwnFiles(host, name),
    missing: [paths.tree, paths.nspawn, paths.envFile, paths.unitDropIn].filter(
      (path) => !nameExists(path),
    ),
    links: links.map((link) => ({ ...link, actual: readLinkIfPresent(link.path) })),
    ...(pending === undefined ? {} : { pending: { work: pending, holder } }),
    plug: readPlug(name, host.config.bridge),
  };
}

function readOwnFiles(
  host: Host,
  name: MachineName,
): Pick<MachineFiles, "address" | "ula" | "problem" | "lacksVolumeGuard" | "missingSources"> {
  try {
    const { address, ula, spec } = readMachineFiles(host.root, name) ?? {};
    const parse = (text: string | undefined) => (text === undefined ? undefined : parseIpv6(text));
    const dropIn = readTextIfPresent(machinePaths(host.root, name).unitDropIn) ?? "";
    return {
      address: parse(address),
      ula: parse(ula),
      missingSources: missingSources(host.root, name),
      lacksVolumeGuard: spec !== undefined && lacksVolumeGuard(dropIn, volumeSources(spec)),
    };
  } catch (error) {
    if (!(error instanceof MbctlError)) throw error;
    return { address: undefined, ula: undefined, problem: error.message };
  }
}

/** The host's end of the machine's cable is there while it runs. */
function readPlug(name: MachineName, bridge: string): MachineFiles["plug"] {
  const port = portName(name);
  const folder = join("/sys/class/net", port);
  if (!nameExists(folder)) return undefined;
  const master = join(folder, "master");
  const isPlugged = nameExists(master) && basename(readlinkSync(master)) === bridge;
  return { interface: port, isPlugged };
}
