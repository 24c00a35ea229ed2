/**
 * A host whose yggdrasil key has changed: what still has addresses of the old prefix, and the steps to the new one.
 *
 * @module
 */

import { statSync } from "node:fs";
import { join } from "node:path";
import { formatIpv6, type Ipv6Prefix, parseIpv6, prefixOf } from "../address/ipv6.ts";
import type { TrustedHost } from "../address/trusted_host.ts";
import { listDirectory, nameExists, readTextIfPresent } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { readMachineNetwork, readMeshAddresses } from "../host/machine_network.ts";
import { readHostPrefix } from "../host/yggdrasil.ts";
import { findHost } from "../names/qualified_name.ts";
import { gatewayIpv6 } from "../network/host_network.ts";
import { readdress } from "../network/machine_routes.ts";
import {
  type RenumberedEnvFile,
  type RenumberedVariable,
  renumberEnvFile,
  renumberNetworkFile,
  replacePrefixes,
} from "../network/renumber_text.ts";
import { listMachineNames } from "../machine/inventory.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { machinePaths } from "../paths.ts";
import type { Step } from "./step.ts";

/** A machine whose env file has addresses of another prefix than its host. */
export interface RenumberedMachine {
  readonly name: MachineName;
  readonly variables: readonly RenumberedVariable[];
}

export interface Renumbering {
  /** The host's /64 on the mesh, as it is now. */
  readonly prefix: Ipv6Prefix;
  readonly machines: readonly RenumberedMachine[];
  /** This host's own entry in `[hosts]`, if that has another key than the host. */
  readonly self: TrustedHost | undefined;
}

/**
 * Finds what has another prefix than the host has now.
 *
 * @throws {MbctlError} (host) when the host's prefix is not known.
 */
export async function findRenumbering(host: Host): Promise<Renumbering> {
  const prefix = await readHostPrefix(host);
  const self = findHost(host.config.hosts, host.name);
  return {
    prefix,
    machines: readEnvFiles(host, prefix)
      .map(({ name, variables }) => ({ name, variables }))
      .filter(({ variables }) => variables.length > 0),
    self: self?.prefix === prefix ? undefined : self,
  };
}

/**
 * Plans the way to the new prefix: files first, so that a machine which starts meanwhile is right; then the bridge,
 * firewall and names; then the running machines. Every step may be repeated. What is planned follows from what
 * is found, so a run that was killed is completed by the next.
 */
export async function planRenumbering(host: Host, { prefix }: Renumbering): Promise<Step[]> {
  const files = readEnvFiles(host, prefix);
  return [
    ...files.flatMap(({ name, path, text, variables }) =>
      variables.length === 0
        ? []
        : // Of a whole system, its network file. First, as its variables say what is to be done.
          [...rewriteNetwork(host.root, name, variables), rewrite(path, text)],
    ),
    ...(await planBridge(host, prefix)),
    { kind: "derive-host" },
    ...(host.isLive ? await planMachines(host, files) : []),
  ];
}

/** The interface of a machine that is plugged into the bridge (systemd-nspawn(1), --network-bridge=). */
const device = "host0";

async function planMachines(
  { root, run }: Host,
  files: readonly RenumberedFile[],
): Promise<Step[]> {
  const steps: Step[] = [];
  for (const { name, addresses } of files) {
    const present = addresses.size === 0 ? undefined : await readMachineNetwork(run, name, device);
    if (present === undefined) continue;
    const wanted = { mesh: addresses.get(variables.mesh), ula: addresses.get(variables.ula) };
    const commands = readdress(present, wanted, device);
    if (commands.length === 0) continue;
    steps.push({ kind: "machine-ip", name, commands });
    // Else the system's networkd would go back to the former addresses when it is started anew.
    if (nameExists(machinePaths(root, name).networkFile))
      steps.push({ kind: "reload-network", name });
  }
  return steps;
}

interface RenumberedFile extends RenumberedMachine, RenumberedEnvFile {
  readonly path: string;
}

/** What man8s-init reads. */
const variables = { mesh: "MAN8S_YGGDRASIL_ADDRESS", ula: "MAN8S_ULA_ADDRESS" } as const;

/** As they are to be; latin1, because values may be of any encoding. */
function readEnvFiles(host: Host, prefix: Ipv6Prefix): RenumberedFile[] {
  const prefixes = { [variables.mesh]: prefix, [variables.ula]: host.config.ula };
  return listMachineNames(host.root).flatMap((name) => {
    const path = machinePaths(host.root, name).envFile;
    const text = readTextIfPresent(path, "latin1");
    return text === undefined ? [] : [{ name, path, ...renumberEnvFile(text, prefixes) }];
  });
}

function rewrite(path: string, text: string): Extract<Step, { kind: "write-file" }> {
  const mode = statSync(path).mode & 0o7777;
  return { kind: "write-file", path, text, mode, encoding: "latin1" };
}

function rewriteNetwork(
  root: string,
  name: MachineName,
  variables: readonly RenumberedVariable[],
): Step[] {
  const path = machinePaths(root, name).networkFile;
  const text = readTextIfPresent(path);
  if (text === undefined) return [];
  const prefixes = new Map(
    variables.map(({ from, to }) => [prefixOf(parseIpv6(from)), prefixOf(parseIpv6(to))] as const),
  );
  return [{ ...rewrite(path, replacePrefixes(text, prefixes)), isMounted: true }];
}

/** The files that configure the bridge, and the bridge as it is. */
async function planBridge(host: Host, prefix: Ipv6Prefix): Promise<Step[]> {
  const { bridge } = host.config;
  const { paths, commands } = bridgeManager(host.root, bridge);
  const steps = paths.flatMap((path): Step[] => {
    const before = readTextIfPresent(path, "latin1") ?? "";
    const after = renumberNetworkFile(before, prefix);
    return before === after ? [] : [rewrite(path, after)];
  });
  if (!host.isLive || paths.length === 0) return steps;
  const gateway = gatewayIpv6(prefix);
  const present = await readMeshAddresses(host.run, bridge);
  const isRight = present.length === 1 && present[0] === gateway;
  if (steps.length === 0 && isRight) return [];
  return [...steps, { kind: "renumber-bridge", bridge, address: formatIpv6(gateway), commands }];
}

/** The files of the bridge, and what makes their changes count: NetworkManager's if it has one, else systemd-networkd's. */
function bridgeManager(root: string, bridge: string) {
  const connection = join(
    root,
    `etc/NetworkManager/system-connections/mbctl-${bridge}.nmconnection`,
  );
  if (nameExists(connection)) {
    const commands = [
      ["nmcli", "connection", "load", connection],
      // "connection up" would throw all machines off the bridge.
      ["nmcli", "device", "reapply", bridge],
    ];
    return { paths: [connection], commands };
  }
  const folder = join(root, "etc/systemd/network");
  const paths = listDirectory(folder)
    .filter((name) => name.endsWith(".network"))
    .map((name) => join(folder, name))
    .filter((path) => readTextIfPresent(path)?.split("\n").includes(`Name=${bridge}`));
  return { paths, commands: [["networkctl", "reload"]] };
}
