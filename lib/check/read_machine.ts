/**
 * Reads all that {@linkcode "evaluate_machine.ts"} judges of one machine; nothing of it runs in the machine.
 *
 * @module
 */

import { formatIpv6 } from "../address/ipv6.ts";
import { MbctlError } from "../errors.ts";
import { accessOf, unknownHosts } from "../firewall/access.ts";
import { readTextIfPresent } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { parseProperties, readLeader } from "../host/systemd.ts";
import { readHostState } from "../machine/derive.ts";
import { noSuchMachine, pendingWork, readMachineFiles } from "../machine/inventory.ts";
import { type MachineName, machineUnit } from "../spec/machine_name.ts";
import { machinePaths } from "../paths.ts";
import { isRoot } from "../host/privilege.ts";
import { listSecrets } from "../secrets/secret_store.ts";
import { readTemplate } from "../config/read_template.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";
import { formatPublishedPort } from "../network/published_port.ts";
import type { NetworkTemplate } from "../network/template.ts";
import { publishUnit } from "../relay/unit_names.ts";
import { parseInterfaces, parseRoutes, parseRules } from "./ip_json.ts";
import type { LiveFacts, MachineFacts, UnitFacts } from "./machine_facts.ts";
import { acceptsTcp, answersPing, ask } from "./probe.ts";
import { readListeners, readSockets } from "./read_listeners.ts";
import { readMachineState } from "./read_machine_files.ts";
import type { Listener } from "./sockets.ts";

/**
 * Reads the facts of one machine of a live host.
 *
 * @throws {MbctlError} (usage) when there is no machine of that name.
 */
export async function readMachineFacts(host: Host, name: MachineName): Promise<MachineFacts> {
  const files = readMachineState(host, name);
  const spec = unlessBroken(() => readMachineFiles(host.root, name)?.spec);
  if (
    spec === undefined &&
    files.problem === undefined &&
    pendingWork(host.root, name) === undefined
  )
    throw noSuchMachine(host.root, name);
  const { template, templateProblem } = findTemplate(host, spec);
  const mesh = files.address === undefined ? undefined : formatIpv6(files.address);
  const [unit, live, rules, failedUnits, secrets] = await Promise.all([
    readUnit(host, name),
    readLive(host, name, template, mesh),
    readAccess(host, name),
    readFailedUnits(host, name),
    readSecrets(host, name, spec),
  ]);
  const { bridge, ipv4 } = host.config;
  const paths = machinePaths(host.root, name);
  return {
    files,
    spec,
    template,
    templateProblem,
    bridge,
    ipv4,
    unit,
    dropIn: readTextIfPresent(paths.unitDropIn),
    renderedDropIn: readTextIfPresent(paths.applied.unitDropIn),
    live,
    silentPorts: live === undefined || spec === undefined ? [] : silentPorts(spec),
    failedUnits,
    secrets,
    ...rules,
  };
}

function findTemplate(
  host: Host,
  spec: MachineSpec | undefined,
): Pick<MachineFacts, "template" | "templateProblem"> {
  if (spec === undefined) return { template: undefined, templateProblem: undefined };
  try {
    return { template: readTemplate(host.root, spec.template), templateProblem: undefined };
  } catch (error) {
    if (error instanceof MbctlError) return { template: undefined, templateProblem: error.message };
    throw error;
  }
}

/** Those that machine.toml names; none where they cannot be looked at. */
async function readSecrets(
  host: Host,
  name: MachineName,
  spec: MachineSpec | undefined,
): Promise<MachineFacts["secrets"]> {
  const uses = spec?.secrets ?? [];
  if (uses.length === 0 || !isRoot()) return [];
  const listed = await listSecrets(host, name, uses);
  return listed.filter(({ use }) => use !== undefined);
}

function unlessBroken<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof MbctlError) return undefined;
    throw error;
  }
}

async function readUnit(host: Host, name: MachineName): Promise<UnitFacts> {
  const properties = ["ActiveState", "SubState", "Result", "ExecMainStatus", "NRestarts"];
  const { stdout } = await ask(host, [
    "systemctl",
    "show",
    `--property=${properties.join(",")},NeedDaemonReload,ExecMainCode,ExecStartPre`,
    "--",
    machineUnit(name),
  ]);
  const found = parseProperties(stdout);
  return {
    active: found.get("ActiveState") ?? "unknown",
    sub: found.get("SubState") ?? "",
    result: found.get("Result") ?? "",
    exitStatus: Number(found.get("ExecMainStatus") ?? 0),
    failedBefore: findFailedBefore(stdout) ?? unknownBefore(found),
    restarts: Number(found.get("NRestarts") ?? 0),
    needsReload: found.get("NeedDaemonReload") === "yes",
  };
}

/** Of `ExecStartPre={ path=nft ; … code=exited ; status=1 }`, a line for each, the first that failed. */
function findFailedBefore(text: string): string | undefined {
  return text
    .split("\n")
    .map((line) => /^ExecStartPre=\{ path=(\S+) .*; code=(\S+) ; status=(\d+)/.exec(line))
    .find((found) => found !== null && found[2] !== "(null)" && found[3] !== "0")?.[1];
}

/** A reload of systemd forgets the statuses above, but not that the machine itself never ended: code 0. */
function unknownBefore(found: ReadonlyMap<string, string>): string | undefined {
  const isExit = found.get("Result") === "exit-code" && found.get("ExecMainCode") === "0";
  return isExit ? "" : undefined;
}

async function readLive(
  host: Host,
  name: MachineName,
  template: NetworkTemplate | undefined,
  mesh: string | undefined,
): Promise<LiveFacts | undefined> {
  const leader = await readLeader(host.run, name);
  if (leader === undefined) return undefined;
  const ip = async (...words: string[]) =>
    (await ask(host, ["nsenter", `--net=/proc/${leader}/ns/net`, "--", "ip", "-json", ...words]))
      .stdout;
  const listeners = readListeners(name, leader, mesh);
  const isReached = template?.network.kind === "bridge" && mesh !== undefined;
  const [addresses, rules, meshRoutes, ipv4, ipv6, isAlive, refusingPorts] = await Promise.all([
    ip("address"),
    ip("-6", "rule"),
    ip("-6", "route", "show", "table", "199"),
    ip("route"),
    ip("-6", "route"),
    isReached ? answersPing(host, mesh) : undefined,
    isReached ? readRefusing(mesh, listeners) : [],
  ]);
  return {
    interfaces: parseInterfaces(addresses),
    rules: parseRules(rules),
    meshRoutes: parseRoutes(meshRoutes),
    routes: { ipv4: parseRoutes(ipv4), ipv6: parseRoutes(ipv6) },
    listeners,
    answersPing: isAlive,
    refusingPorts,
  };
}

/** Ports beyond these are not tried: a program that listens on hundreds is asked a few times only. */
const triedPorts = 16;

/** The TCP ports at the mesh address that do not take a connection of the host's. */
async function readRefusing(mesh: string, listeners: readonly Listener[]): Promise<number[]> {
  const ports = listeners
    .filter(({ protocol, reach }) => protocol === "tcp" && (reach === "all" || reach === "relayed"))
    .map(({ port }) => port)
    .slice(0, triedPorts);
  const answers = await Promise.all(ports.map((port) => acceptsTcp(mesh, port)));
  return ports.filter((_, index) => answers[index] !== true);
}

/** Published ports that no socket of the host waits on. */
function silentPorts({ name, publish }: MachineSpec): MachineFacts["silentPorts"] {
  const sockets = readSockets("self");
  return publish
    .filter(
      ({ hostPort, protocol, address }) =>
        !sockets.some(
          (socket) =>
            socket.port === hostPort &&
            socket.protocol === protocol &&
            (address === undefined || [address, "0.0.0.0", "::"].includes(socket.address)),
        ),
    )
    .map((port) => ({
      port: formatPublishedPort(port),
      unit: `${publishUnit(name, port)}.socket`,
    }));
}

async function readFailedUnits(host: Host, name: MachineName): Promise<string[]> {
  const patterns = [
    `mbctl-relay6*_${name}.*`,
    `mbctl-relay6*_${name}@*`,
    `mbctl-publish_${name}_*`,
  ];
  const words = ["list-units", "--failed", "--plain", "--no-legend", "--", ...patterns];
  const { stdout } = await ask(host, ["systemctl", ...words]);
  return stdout.split("\n").flatMap((line) => line.trim().split(/\s+/)[0] || []);
}

async function readAccess(
  host: Host,
  name: MachineName,
): Promise<Pick<MachineFacts, "access" | "unknownHosts" | "prefix">> {
  const none = { access: [], unknownHosts: [], prefix: undefined };
  try {
    const state = await readHostState(host);
    const machine = state.machines.find(({ spec }) => spec.name === name);
    const { prefix } = state.network;
    if (machine === undefined) return { ...none, prefix };
    const unknown = unknownHosts(state, machine.spec.allow);
    return { access: accessOf(state, machine), unknownHosts: unknown, prefix };
  } catch (error) {
    if (error instanceof MbctlError) return none;
    throw error;
  }
}
