/**
 * Ports of the host that machines claim, and the addresses that go with them: checked before anything is fetched, and
 * again when a machine starts.
 *
 * @module
 */

import { join } from "node:path";
import { MbctlError, usageError } from "../errors.ts";
import { nameExists } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { takeLock } from "../host/lock.ts";
import { probePort } from "../host/port_use.ts";
import { readUnitStates } from "../host/systemd.ts";
import { staticAddresses } from "../network/host_network.ts";
import { formatIpv4, type Ipv4, ipv4At } from "../network/ipv4.ts";
import { formatPublishedPort, type PublishedPort } from "../network/published_port.ts";
import { publishUnit } from "../relay/unit_names.ts";
import { readMachineSpecs } from "./inventory.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { foldersBelow } from "../paths.ts";
import { publishedTwice } from "./port_conflicts.ts";

/**
 * Claims ports of the host for a machine, and an IPv4 address for them to lead to. Until the process ends no
 * other mbctl can claim the same; then the machine's files say it.
 *
 * @param present the address that it has already.
 * @returns that, or the lowest free address; undefined where no port is published.
 * @throws {MbctlError} (usage) for a port that is named twice or an address that the host has not, (conflict) for
 * one that another machine or another program has, (host) when all addresses are given out.
 */
export function claimPorts(
  host: Host,
  name: MachineName,
  ports: readonly PublishedPort[],
  present?: Ipv4,
): Ipv4 | undefined {
  if (ports.length === 0) return present;
  const all = readMachineSpecs(host.root);
  const specs = all.filter((spec) => spec.name !== name);
  const own = all.find((spec) => spec.name === name)?.publish.map(formatPublishedPort) ?? [];
  const [problem] = publishedTwice({ name, publish: ports }, specs);
  if (problem !== undefined) throw problem;
  // Two addresses may have one port.
  for (const what of new Set(ports.map(({ hostPort, protocol }) => `${hostPort}/${protocol}`))) {
    if (reserve(host.root, name, `port-${what.replace("/", "-")}`)) continue;
    throw new MbctlError(
      "conflict",
      `Cannot publish port ${what} of the host for "${name}": another mbctl is about to`,
      { hint: "choose another port of the host" },
    );
  }
  for (const port of host.isLive ? ports : []) {
    // Its own relay listens there already.
    if (!own.includes(formatPublishedPort(port))) requireFreePort(name, port);
  }
  if (present !== undefined) return present;
  const { first, last } = staticAddresses(host.config.ipv4);
  for (let offset = first; offset <= last; offset++) {
    const address = ipv4At(host.config.ipv4, offset);
    const isFree = specs.every(({ ipv4 }) => ipv4 !== address);
    if (isFree && reserve(host.root, name, `ipv4-${formatIpv4(address)}`)) return address;
  }
  throw new MbctlError(
    "host",
    `Cannot publish ports of "${name}": all ${last - first + 1} addresses for machines with published ports are given out`,
    { hint: "leave out --publish, or give the host a larger ipv4 network" },
  );
}

/** What this process holds, and for which machine: one that is made and then changed claims the same twice. */
const held = new Map<string, MachineName>();

/** Holds something for a machine of this process, by a lock; false when another one holds it. */
function reserve(root: string, machine: MachineName, what: string): boolean {
  const file = join(foldersBelow(root).locks, `.claim-${what}.lock`);
  if (held.get(file) === machine) return true;
  try {
    takeLock(file, what);
    held.set(file, machine);
    return true;
  } catch (error) {
    if (error instanceof MbctlError && error.kind === "conflict") return false;
    // --dry-run needs no root, and holds nothing.
    if ((error as NodeJS.ErrnoException).code === "EACCES") return true;
    throw error;
  }
}

/** @throws {MbctlError} (conflict) when a program has the port, (usage) when the host has not the address. */
function requireFreePort(name: MachineName, port: PublishedPort): void {
  const { protocol, hostPort, address } = port;
  const use = probePort(protocol, hostPort, address);
  if (use === "taken") throw portTaken(name, port);
  if (use === "free") return;
  throw usageError(
    `Cannot publish ${formatPublishedPort(port)} of "${name}": the host has no address ${address}`,
    "ip -brief address shows what it has",
  );
}

function portTaken(name: MachineName, port: PublishedPort, consequence = ""): MbctlError {
  const { protocol, hostPort } = port;
  return new MbctlError(
    "conflict",
    `Cannot publish ${formatPublishedPort(port)} of "${name}": port ${hostPort}/${protocol} of the host is taken${consequence}`,
    {
      hint: `ss -${protocol === "tcp" ? "t" : "u"}lnp "sport = :${hostPort}" shows by whom; choose another, or end that program`,
    },
  );
}

/**
 * Wants the published ports of machines that do not run yet to be free.
 *
 * @throws {MbctlError} (conflict) naming the port.
 */
export async function requireFreePorts(host: Host, names: readonly MachineName[]): Promise<void> {
  const specs = publishing(host, names);
  if (specs.length === 0) return;
  const states = await readUnitStates(host.run, names);
  for (const { name, publish } of specs) {
    if (states.get(name)?.active === "active") continue;
    for (const port of publish) {
      const { protocol, hostPort, address } = port;
      // An address that is missing may come later.
      if (probePort(protocol, hostPort, address) === "taken") throw portTaken(name, port);
    }
  }
}

/**
 * Waits until the sockets of machines that were just started are there.
 *
 * @throws {MbctlError} (conflict) naming the port that could not be had; the machine runs on without it.
 */
export async function requirePublished(host: Host, names: readonly MachineName[]): Promise<void> {
  for (const { name, publish } of publishing(host, names)) {
    for (const port of publish) {
      const unit = `${publishUnit(name, port)}.socket`;
      if (!nameExists(join(foldersBelow(host.root).units, unit))) continue;
      const options = { allowExitCodes: [0, 1], timeoutMs: 60_000 };
      const { exitCode } = await host.run(["systemctl", "start", "--", unit], options);
      if (exitCode === 0) continue;
      if (probePort(port.protocol, port.hostPort, port.address) === "taken") {
        throw portTaken(name, port, "; the machine runs without it");
      }
      throw new MbctlError(
        "conflict",
        `Cannot publish ${formatPublishedPort(port)} of "${name}": its socket failed, and the machine runs without it`,
        { hint: `journalctl -u ${unit} -n 5` },
      );
    }
  }
}

/**
 * {@linkcode requirePublished} for all machines that run, after their settings have changed.
 *
 * @throws {MbctlError} (conflict), as there.
 */
export async function requireAllPublished(host: Host): Promise<void> {
  const names = readMachineSpecs(host.root).flatMap(({ name, publish }) =>
    publish.length === 0 ? [] : [name],
  );
  const states = await readUnitStates(host.run, names);
  const running = names.filter((name) => states.get(name)?.active === "active");
  await requirePublished(host, running);
}

function publishing(host: Host, names: readonly MachineName[]) {
  return readMachineSpecs(host.root).filter(
    ({ name, publish }) => names.includes(name) && publish.length > 0,
  );
}
