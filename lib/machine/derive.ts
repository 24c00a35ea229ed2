/**
 * Brings what a host has beside its machines' own files in line with config.toml and all machine.toml:
 * firewall, names, relays, published ports, health checks, connectors. Nothing of it is edited by hand; all of it can be made anew at any time.
 *
 * @module
 */

import { join } from "node:path";
import type { Ipv6Prefix } from "../address/ipv6.ts";
import { MbctlError } from "../errors.ts";
import { type KnownHosts, requireKnownHosts } from "../firewall/access.ts";
import { deriveFirewall } from "../firewall/derive_firewall.ts";
import { firewallFiles } from "../firewall/firewall_files.ts";
import { readTextIfPresent } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { waitForDeriveLock } from "./lock.ts";
import { readHostPrefix } from "../host/yggdrasil.ts";
import { updateHostsFile } from "../names/hosts_block.ts";
import type { DerivedFile, HostMachine, HostState } from "../network/host_state.ts";
import { deriveConnectors, previewConnectors } from "../connector/derive_connectors.ts";
import { deriveHealth, previewHealth } from "../health/derive_health.ts";
import { deriveRelays, previewRelays } from "../relay/derive_relays.ts";
import { writeHostsFile } from "../names/hosts_file.ts";
import { readImportedNames } from "../names/imported_names.ts";
import { readMachineSpecs } from "./inventory.ts";
import { findPortConflicts } from "./port_conflicts.ts";
import { readTemplate } from "../config/read_template.ts";
import { findOldUnits, renewUnits } from "./renew_units.ts";

/** Told what is wrong with one machine or one rule. */
export type OnProblem = (problem: MbctlError) => void;

/** Whom rules may name: the hosts of config.toml, and the host itself. */
export function knownHosts({ config, name }: Host, prefix: Ipv6Prefix): KnownHosts {
  return {
    hostName: config.hosts.find((known) => known.prefix === prefix)?.name ?? name,
    trusted: config.hosts.filter((known) => known.prefix !== prefix),
  };
}

/**
 * Reads all that decides a host's firewall, names and relays. A machine whose files are broken, or whose
 * template is gone, is left out: it has no rule, so nobody reaches it from outside. A rule whose host is not known
 * lets nobody in.
 *
 * @throws {MbctlError} (host) when the host's prefix is not known; what `onProblem` throws.
 */
export async function readHostState(
  host: Host,
  onProblem: OnProblem = () => {},
): Promise<HostState> {
  const { bridge, ula, ipv4, domain } = host.config;
  const prefix = await readHostPrefix(host);
  const known = knownHosts(host, prefix);
  const tryTo = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof MbctlError) || error.kind !== "usage") throw error;
      onProblem(error);
      return undefined;
    }
  };
  const machines = readMachineSpecs(host.root, onProblem).flatMap((spec): HostMachine[] => {
    tryTo(() => requireKnownHosts(known, spec.name, spec.allow));
    const template = tryTo(() => readTemplate(host.root, spec.template, spec.name));
    return template === undefined ? [] : [{ spec, template }];
  });
  for (const problem of findPortConflicts(
    machines.map(({ spec }) => spec),
    ipv4,
  )) {
    onProblem(problem);
  }
  return {
    ...known,
    network: { bridge, prefix, ula, ipv4 },
    machineId: readMachineId(host.root),
    domain,
    imported: readImportedNames(host.root),
    machines,
  };
}

/** An image of a host that never ran has none, or says `uninitialized`. */
function readMachineId(root: string): string | undefined {
  return /^[0-9a-f]{32}$/m.exec(readTextIfPresent(join(root, "etc/machine-id")) ?? "")?.[0];
}

/**
 * Writes what differs, removes what is no longer wanted, and activates it on a live host. One mbctl at a
 * time: a second one waits, and reads the machines anew. The firewall comes first: where it is refused, nothing else
 * is changed either.
 *
 * @param onProblem told of machines that are left out and of rules that open nothing; it may throw, and then
 * nothing is changed.
 * @throws {MbctlError} when a file cannot be written or the firewall cannot be loaded; what was loaded before stays.
 */
export async function deriveHost(host: Host, onProblem?: OnProblem): Promise<void> {
  using _lock = await waitForDeriveLock(host.root);
  const state = await readHostState(host, onProblem);
  await deriveFirewall(host, state);
  await renewUnits(host, state);
  writeHostsFile(host.root, state);
  await deriveRelays(host, state);
  await deriveHealth(host, state);
  await deriveConnectors(host, state);
}

/**
 * {@linkcode deriveHost} for a removal, which nothing of this may hold up.
 *
 * @param onWarning told what could not be done.
 */
export async function deriveHostIfPossible(
  host: Host,
  onWarning: (text: string) => void,
): Promise<void> {
  try {
    await deriveHost(host);
  } catch (error) {
    if (!(error instanceof MbctlError) || error.kind === "interrupted") throw error;
    onWarning(`firewall and names are as they were, until mbctl host reload: ${error.message}`);
  }
}

/** One line for each change that {@linkcode deriveHost} would make now. */
export async function previewDerived(host: Host, onProblem: OnProblem): Promise<string[]> {
  const state = await readHostState(host, onProblem);
  const hosts = readTextIfPresent(join(host.root, "etc/hosts"), "latin1") ?? "";
  const differs = ({ path, text }: DerivedFile) =>
    readTextIfPresent(join(host.root, path)) !== text;
  const files = firewallFiles(state)
    .filter(differs)
    .map(({ path }) => path);
  if (updateHostsFile(hosts, state) !== hosts) files.push("/etc/hosts");
  return [
    ...files.map((path) => `write ${join(host.root, path)}`),
    ...findOldUnits(host.root, state).map(({ path }) => `write ${path}`),
    ...previewRelays(host.root, state),
    ...previewHealth(host, state),
    ...previewConnectors(host, state),
    ...(host.isLive ? ["load the firewall"] : []),
  ];
}
