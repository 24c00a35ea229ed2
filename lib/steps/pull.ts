/**
 * Pulling an image into a new machine: everything is read and checked first,
 * then planned, then applied; a pull that fails is taken back.
 *
 * @module
 */

import type { Ipv6Prefix } from "../address/ipv6.ts";
import type { EnvEntry } from "../env/env_entry.ts";
import { findBusybox } from "../host/busybox.ts";
import { nameExists, readTextIfPresent } from "../host/files.ts";
import { requireKnownHosts } from "../firewall/access.ts";
import type { Host } from "../host/host.ts";
import { requireProgram } from "../host/run.ts";
import { readSystemdVersion } from "../host/systemd.ts";
import { readHostPrefix } from "../host/yggdrasil.ts";
import type { FoundImage, MachineImage } from "../image/found_image.ts";
import { formatImageRef, type ImageRef } from "../image/reference.ts";
import type { Ipv4 } from "../network/ipv4.ts";
import { type ApplyTools, applySteps } from "./apply.ts";
import { pendingWork } from "../machine/inventory.ts";
import { requireFreeName, requireNoClash } from "../machine/free_name.ts";
import { knownHosts } from "../machine/derive.ts";
import { checkNetwork } from "./check_network.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { machinePaths } from "../paths.ts";
import { claimPorts } from "../machine/published_ports.ts";
import { finishPull, formatMarker, planPull, planRollback } from "./plan_pull.ts";
import { treeFitting, type TreeSource } from "./plan_tree.ts";
import { planRemove } from "./plan_remove.ts";
import { type HostFacts, type MachineFiles, renderMachine } from "../render/render.ts";
import { treeNeeds } from "../render/tree_needs.ts";
import { requireChoices } from "./require_choices.ts";
import { isOsReference } from "../spec/os_reference.ts";
import type { AppChoices, MachineSpec, NetworkChoices, Volume } from "../spec/machine_spec.ts";
import type { Step } from "./step.ts";

/** What the user asked for. */
export interface PullRequest {
  readonly name: MachineName;
  readonly ref: ImageRef;
  readonly environment: readonly EnvEntry[];
  /** How the program runs. */
  readonly app: AppChoices;
  /** The rest of what the user chose, as machine.toml keeps it. */
  readonly network: NetworkChoices;
}

/** What a pull needs of the host, read before anything is fetched. */
export interface PullFacts extends HostFacts {
  /** The address that published ports lead to. */
  readonly staticIpv4: Ipv4 | undefined;
  readonly busybox: string;
}

/**
 * Checks that a free name brings no clash, and that the host has what a machine needs.
 *
 * @param warn told of what may surprise later.
 * @param common read before, where there are many machines.
 * @param ipv4 the fixed address that it asks for.
 * @throws {MbctlError} (conflict) when its address is taken, (usage) for
 * a template that cannot be, (host) when the host lacks something.
 */
export async function checkPull(
  host: Host,
  name: MachineName,
  network: NetworkChoices,
  warn: (text: string) => void,
  common?: CommonFacts,
  ipv4?: Ipv4,
): Promise<PullFacts> {
  await requireFreeName(host, name);
  requireNoClash(host, name);
  return await readMachineFacts(host, name, network, ipv4, warn, common);
}

/** What is the same for all machines of a host. */
export interface CommonFacts {
  readonly busybox: string;
  readonly systemdVersion: number;
  readonly prefix: Ipv6Prefix;
}

/** @throws {MbctlError} (host) when the host lacks something. */
export async function readCommonFacts(host: Host): Promise<CommonFacts> {
  const [busybox, systemdVersion, prefix] = await Promise.all([
    findBusybox(host),
    readSystemdVersion(host.run),
    readHostPrefix(host),
  ]);
  return { busybox, systemdVersion, prefix };
}

/**
 * What a machine, new or not, needs of the host.
 *
 * @param ipv4 the fixed address that it has already.
 * @param common read before, where there are many machines.
 * @throws as {@linkcode checkPull}.
 */
export async function readMachineFacts(
  host: Host,
  name: MachineName,
  network: NetworkChoices,
  ipv4: Ipv4 | undefined,
  warn: (text: string) => void,
  common?: CommonFacts,
): Promise<PullFacts> {
  const connection = checkNetwork(host, network, warn);
  const { busybox, systemdVersion, prefix } = common ?? (await readCommonFacts(host));
  requireKnownHosts(knownHosts(host, prefix), name, network.allow);
  if (host.isLive && connection.kind === "bridge") requireProgram("nft");
  const { bridge, ula, ipv4: network4, stopTimeoutSec } = host.config;
  const staticIpv4 = claimPorts(host, name, network.publish, ipv4);
  const networks = { prefix, bridge, ula, ipv4: network4, staticIpv4 };
  return { busybox, systemdVersion, ...networks, stopTimeoutSec, connection };
}

/** A pull, ready to be shown or applied. */
export interface PreparedPull {
  readonly spec: MachineSpec;
  readonly files: MachineFiles;
  /** What works, but weaker than its user may think. */
  readonly weaknesses: readonly string[];
  /** Up to the commit; a failure among them is taken back. */
  readonly steps: readonly Step[];
  /** What is left to do after the commit. */
  readonly finish: readonly Step[];
}

/**
 * Plans a pull of an image that was found, with a choice for each of its volumes.
 *
 * @param tree where the root tree comes from.
 *
 * @throws {MbctlError} (usage) for a volume that cannot be.
 */
export function preparePull(
  host: Host,
  request: PullRequest,
  facts: PullFacts,
  image: FoundImage,
  volumes: readonly Volume[],
  tree: TreeSource,
): PreparedPull {
  const spec: MachineSpec = {
    name: request.name,
    ...request.app,
    ...request.network,
    ...(facts.staticIpv4 === undefined ? {} : { ipv4: facts.staticIpv4 }),
    image: {
      reference: formatImageRef(request.ref),
      digest: image.digest,
      manifestDigest: image.manifestDigest,
    },
    environment: request.environment,
    volumes,
  };
  return prepareMachine(host, spec, facts, image, tree);
}

/**
 * Plans the making of a machine whose every choice is made.
 *
 * @param machineToml what machine.toml is to say; ours, if nobody wrote one.
 * @throws {MbctlError} (usage) for a volume that cannot be.
 */
export function prepareMachine(
  host: Host,
  spec: MachineSpec,
  facts: PullFacts,
  image: MachineImage,
  tree: TreeSource,
  machineToml?: string,
): PreparedPull {
  const rendered = renderMachine(spec, image.config, facts);
  const files = { ...rendered, machineToml: machineToml ?? rendered.machineToml };
  const steps = planPull({
    root: host.root,
    spec,
    files,
    imageText: image.configText,
    tree,
    fitting: treeFitting(spec, facts, treeNeeds(spec, image.config)),
    isLive: host.isLive,
  });
  return {
    spec,
    files,
    weaknesses: requireChoices(host.root, spec, image.config),
    steps,
    finish: [
      ...(isOsReference(spec.image.reference)
        ? []
        : [{ kind: "remember-image", image: spec.image.reference } as const]),
      ...finishPull(machinePaths(host.root, spec.name), formatMarker(spec.volumes)),
    ],
  };
}

/**
 * Applies a prepared pull. A failure before the commit, Ctrl-C included, is
 * taken back before it is thrown on; after the commit Ctrl-C comes too late.
 */
export async function applyPull(prepared: PreparedPull, tools: ApplyTools): Promise<void> {
  try {
    await applySteps(prepared.steps, tools);
  } catch (error) {
    const paths = machinePaths(tools.host.root, prepared.spec.name);
    const undo = planRollback(paths, formatMarker(prepared.spec.volumes));
    // The user's Ctrl-C must not stop the clearing away as well.
    await applySteps(undo, { ...tools, signal: undefined });
    throw error;
  }
  await applySteps(prepared.finish, { ...tools, signal: undefined });
}

/**
 * Ends what an earlier run began and was killed in: a committed pull is
 * finished, any other is taken back, a removal is completed.
 *
 * @returns what was found.
 */
export async function recoverPull(
  host: Host,
  name: MachineName,
  tools: ApplyTools,
): Promise<"nothing" | "completed" | "taken back" | "removed"> {
  const paths = machinePaths(host.root, name);
  const pending = pendingWork(host.root, name);
  // A change is ended by recoverChange.
  if (pending === undefined || pending === "change") return "nothing";
  const marker = readTextIfPresent(paths.pullMarker);
  if (pending === "remove") {
    await applySteps(planRemove(host.root, name, host.isLive, marker), tools);
    return "removed";
  }
  if (nameExists(paths.machineLink)) {
    await applySteps(finishPull(paths, marker ?? ""), tools);
    return "completed";
  }
  await applySteps(planRollback(paths, marker ?? ""), tools);
  return "taken back";
}
