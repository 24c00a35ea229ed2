/**
 * `host setup`: reads the host, chooses, plans, and takes back what fails.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { usageError } from "../errors.ts";
import { isFirewallLoaded } from "../firewall/load_firewall.ts";
import type { Host } from "../host/host.ts";
import { requireProgram } from "../host/run.ts";
import { previewDerived } from "../machine/derive.ts";
import { foldersBelow } from "../paths.ts";
import { forwardingFile, resolverFile } from "../network/host_bridge.ts";
import type { HostNetwork } from "../network/host_network.ts";
import { isBridgeUp, withNewConfig } from "./apply_setup.ts";
import { backendNamed, detectBackend, networkManagerUnit } from "./backends.ts";
import {
  checkBridge,
  checkPrefix,
  checkRuns,
  checkUnchanged,
  checkUnit,
  type SetupWishes,
} from "./check_setup.ts";
import { chooseNetwork } from "./choose_network.ts";
import { configFile, configuredNetworks } from "./config_networks.ts";
import { firewalldFiles, firewalldUnit } from "./firewalld.ts";
import { missingFolders, readFileState, resolveLinks, type WantedFile } from "./file_state.ts";
import {
  advertisedUplinks,
  type HostFacts,
  readHostFacts,
  readKernelSetting,
  uplinkCandidates,
} from "./host_facts.ts";
import { networksInUse } from "./networks_in_use.ts";
import { planSetup, resolvedUnit, type SetupPlan, yggdrasilUnit } from "./plan_setup.ts";
import { recordFile } from "./setup_step.ts";
import { presentNetworks } from "./present_networks.ts";
import { readRecord } from "./take_back.ts";
import { readUnits } from "./units.ts";
import { planYggdrasil } from "./yggdrasil_config.ts";

export interface PreparedSetup extends SetupPlan {
  readonly network: HostNetwork;
  readonly isKeyNew: boolean;
}

/**
 * Reads the host and plans its set-up; nothing is changed.
 *
 * @throws {MbctlError} (usage) for an uplink that is not there, (conflict) for networks that overlap others, a bridge
 * of somebody else's, or a host that is set up otherwise, (host) for what is not installed.
 */
export async function prepareSetup(host: Host, wishes: SetupWishes): Promise<PreparedSetup> {
  for (const program of ["ip", "nft", "systemctl", "yggdrasil", "yggdrasilctl"]) {
    requireProgram(program);
  }
  const record = readRecord(host);
  const bridge = wishes.bridge ?? record.done?.network.bridge ?? host.config.bridge;
  checkUnchanged(wishes, record.done);
  const managers = await readUnits(host, ["systemd-networkd.service", networkManagerUnit]);
  const backend = backendNamed(wishes.backend ?? record.done?.backend ?? detectBackend(managers));
  for (const program of backend.programs) requireProgram(program);
  const resolver = backend.isResolver ? [] : [resolvedUnit];
  const unitNames = [...backend.units, ...resolver, yggdrasilUnit];
  const units = await readUnits(host, [...unitNames, ...backend.besideUnits]);
  for (const name of unitNames) checkUnit(name, units.get(name));
  if (!backend.mayStart) for (const name of backend.units) checkRuns(name, units.get(name));
  const firewalld = (await readUnits(host, [firewalldUnit])).get(firewalldUnit);

  const facts = await readHostFacts(host);
  // NetworkManager, where it runs, listens to router advertisements by itself.
  const isKernels = managers.get(networkManagerUnit)?.isActive !== true;
  const heard = record.done?.uplinks ?? (isKernels ? advertisedUplinks(facts) : []);
  const uplinks = wishes.uplink === undefined ? heard : checkUplink(wishes.uplink, bridge, facts);
  const yggdrasilUnitFacts = units.get(yggdrasilUnit);
  if (yggdrasilUnitFacts === undefined) throw new TypeError("yggdrasil's unit was not asked for");
  const candidates = uplinkCandidates(facts, bridge);
  const yggdrasil = await planYggdrasil(host, yggdrasilUnitFacts, bridge, candidates);
  checkPrefix(host, yggdrasil.prefix);
  const network = chooseNetwork({
    bridge,
    prefix: yggdrasil.prefix,
    wanted: wishes,
    present: presentNetworks(facts, bridge, record.done),
    configured: configuredNetworks(host),
    inUse: networksInUse(facts.interfaces, facts.routes, bridge),
  });
  checkBridge(backend, network, facts.interfaces, record.done);

  const wanted: readonly WantedFile[] = [
    ...backend.files(network),
    ...(backend.isResolver ? [] : [resolverFile(network)]),
    ...(firewalld?.isThere === true ? firewalldFiles(bridge) : []),
    forwardingFile(network, uplinks),
    yggdrasil.file,
    ...configFile(host, network),
  ];
  const files = wanted.map((file) => {
    const path = resolveLinks(join(host.root, file.path));
    return { wanted: { ...file, path }, present: readFileState(path) };
  });
  const isUp = await isBridgeUp(host, network);
  const plan = planSetup({
    backend,
    network,
    uplinks,
    files,
    settings: settingsFor(uplinks).flatMap(({ key, wanted: value }) => {
      const present = readKernelSetting(host, key);
      return present === undefined ? [] : [{ key, wanted: value, present }];
    }),
    units,
    yggdrasilFile: resolveLinks(yggdrasil.file.path),
    isKeyNew: yggdrasil.isNew,
    canAskYggdrasil: yggdrasil.canBeAsked,
    hasBridge: facts.interfaces.some(({ name }) => name === bridge),
    isBridgeUp: isUp,
    isDerived: isUp && (await isDerived(host)),
    isFirewalldActive: firewalld?.isActive === true,
    tables: facts.tables,
    folders: [
      // Ours by its name: a run that was killed at its very beginning leaves it.
      join(host.root, dirname(recordFile)),
      ...missingFolders([
        ...files.map((file) => file.wanted.path),
        ...backend.leftovers(bridge),
        ...futureFiles(host),
      ]),
    ],
    record,
  });
  return { ...plan, network, isKeyNew: yggdrasil.isNew };
}

/** @returns the uplink, if the kernel itself is to listen to router advertisements there. */
function checkUplink(wish: string, bridge: string, facts: HostFacts): readonly string[] {
  const names = facts.interfaces
    .map(({ name }) => name)
    .filter((name) => name !== "lo" && name !== bridge);
  if (!names.includes(wish)) {
    throw usageError(
      `Cannot use the uplink ${JSON.stringify(wish)}: there is no such interface`,
      `interfaces of this host: ${names.join(", ") || "none"}`,
    );
  }
  // systemd-networkd listens by itself.
  return facts.managed.has(wish) ? [] : [wish];
}

/** The uplinks come first: a kernel that begins to route forgets what it has heard on the others. */
function settingsFor(uplinks: readonly string[]) {
  return [
    ...uplinks.map((uplink) => ({ key: `net/ipv6/conf/${uplink}/accept_ra`, wanted: "2" })),
    { key: "net/ipv4/ip_forward", wanted: "1" },
    { key: "net/ipv6/conf/all/forwarding", wanted: "1" },
  ];
}

async function isDerived(host: Host): Promise<boolean> {
  const changes = await previewDerived(withNewConfig(host), () => {});
  const isWritten = changes.every((line) => !/^(write|remove) /.test(line));
  return isWritten && (await isFirewallLoaded(host));
}

/** Files that machines will bring: the folders that are made for them go again with a teardown. */
function futureFiles({ root }: Host): string[] {
  const { trees, configurations, storage, nspawn, machines, importedNames } = foldersBelow(root);
  return [trees, configurations, storage, nspawn, machines, importedNames].map((folder) =>
    join(folder, "x"),
  );
}
