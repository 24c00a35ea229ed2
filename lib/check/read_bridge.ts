/**
 * Reads what evaluate_bridge.ts judges.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { formatIpv6, formatPrefix } from "../address/ipv6.ts";
import { listDirectory, readTextIfPresent } from "../host/files.ts";
import { MbctlError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { hasProgram } from "../host/run.ts";
import { gatewayIpv4, gatewayIpv6 } from "../network/host_network.ts";
import { formatIpv4, formatIpv4Network } from "../network/ipv4.ts";
import { readRecord } from "../setup/take_back.ts";
import type { BridgeFacts, BridgeLink, BridgeManager } from "./host_facts.ts";
import { parseInterfaces, parseRoutes } from "./ip_json.ts";
import { isMasqueraded } from "./masquerade.ts";
import { answersDns, ask } from "./probe.ts";
import { parseSockets } from "./sockets.ts";

/** Reads all facts of this part. */
export async function readBridge(host: Host): Promise<BridgeFacts> {
  const { bridge: name, ula, ipv4 } = host.config;
  const gateways = [formatIpv4(gatewayIpv4(ipv4)), formatIpv6(gatewayIpv6(ula))];
  const [link, manager, ruleset, answers] = await Promise.all([
    readLink(host, name),
    readManager(host, name),
    ask(host, ["nft", "list", "ruleset"]),
    Promise.all(gateways.map((address) => answersDns(address))),
  ]);
  return {
    name,
    ula,
    ipv4,
    link,
    manager,
    isSetupUnfinished: isSetupUnfinished(host),
    isForwarding: {
      ipv4: isOn("/proc/sys/net/ipv4/ip_forward"),
      ipv6: isOn("/proc/sys/net/ipv6/conf/all/forwarding"),
    },
    forwardingFile: fileWith(
      "/etc/sysctl.d",
      ".conf",
      /^net\.ipv6\.conf\.all\.forwarding\s*=\s*1/m,
    ),
    isMasqueraded: {
      ipv4: isMasqueraded(ruleset.stdout, formatIpv4Network(ipv4)),
      ipv6: isMasqueraded(ruleset.stdout, formatPrefix(ula)),
    },
    hasDhcpServer: hasDhcpServer(gateways),
    resolver: {
      isInstalled: hasProgram("resolvectl"),
      silent: gateways.filter((_, index) => answers[index] !== true),
      file: fileWith(
        "/etc/systemd/resolved.conf.d",
        ".conf",
        new RegExp(`^DNSStubListenerExtra=${RegExp.escape(gateways[0] ?? "")}$`, "m"),
      ),
    },
  };
}

function isSetupUnfinished(host: Host): boolean {
  try {
    return readRecord(host).begun !== undefined;
  } catch (error) {
    // A record of another version: host setup says so itself.
    if (error instanceof MbctlError) return false;
    throw error;
  }
}

function isOn(file: string): boolean {
  return readTextIfPresent(file)?.trim() === "1";
}

/** The first file of a folder that ends so and has a line that matches. */
function fileWith(folder: string, ending: string, pattern: RegExp): string | undefined {
  return listDirectory(folder)
    .map((name) => join(folder, name))
    .find((path) => path.endsWith(ending) && pattern.test(readTextIfPresent(path) ?? ""));
}

async function readLink(host: Host, name: string): Promise<BridgeLink | undefined> {
  const [addresses, routes] = await Promise.all([
    ask(host, ["ip", "-json", "address", "show", "dev", name]),
    ask(host, ["ip", "-json", "-6", "route", "show", "dev", name]),
  ]);
  const link = parseInterfaces(addresses.stdout).find((candidate) => candidate.name === name);
  return (
    link && {
      isBridge: existsSync(`/sys/class/net/${name}/bridge`),
      isUp: link.isUp,
      hasCarrier: link.hasCarrier,
      addresses: link.addresses,
      routes: parseRoutes(routes.stdout).map(({ to }) => to),
    }
  );
}

/** Who keeps the bridge: networkd, where it has a file for it; else NetworkManager, where it has a connection. */
async function readManager(host: Host, name: string): Promise<BridgeManager> {
  const [units, status, connection, connections] = await Promise.all([
    ask(host, ["systemctl", "is-active", "systemd-networkd", "NetworkManager"]),
    ask(host, ["networkctl", "--json=short", "status", name]),
    ask(host, ["nmcli", "-g", "GENERAL.CONNECTION", "device", "show", name]),
    ask(host, ["nmcli", "-g", "NAME", "connection", "show"]),
  ]);
  const states = units.stdout.split("\n");
  const running = ["systemd-networkd", "NetworkManager"].filter(
    (_, index) => states[index] === "active",
  );
  if (running.includes("systemd-networkd")) {
    const file = /"NetworkFile":"([^"]+)"/.exec(status.stdout)?.[1] ?? ownFile(name, ".network");
    if (file !== undefined) return { kind: "networkd", file, text: networkdText(name, file) };
  }
  if (running.includes("NetworkManager")) {
    const [own] = [connection.stdout.trim(), ...connections.stdout.split("\n")].filter(
      (known, index) => (index === 0 && known !== "") || known === `mbctl-${name}`,
    );
    if (own !== undefined) return { kind: "NetworkManager", connection: own };
  }
  return { kind: "nobody", running };
}

/** The administrator's file for an interface; networkd names none for one that is not there. */
function ownFile(name: string, ending: string): string | undefined {
  return fileWith("/etc/systemd/network", ending, new RegExp(`^Name=${RegExp.escape(name)}$`, "m"));
}

/** All that networkd reads of the bridge: the file that makes it, the one that sets it up, and its drop-ins. */
function networkdText(name: string, file: string): string {
  const dropIns = listDirectory(`${file}.d`).map((dropIn) => join(`${file}.d`, dropIn));
  return [ownFile(name, ".netdev"), file, ...dropIns]
    .map((path) => (path === undefined ? "" : (readTextIfPresent(path) ?? "")))
    .join("\n");
}

/** DHCP servers listen on port 67 of every address, tied to the bridge, or on the bridge's own (RFC 2131, 4.1). */
function hasDhcpServer(gateways: readonly string[]): boolean {
  return parseSockets(readTextIfPresent("/proc/net/udp") ?? "", "udp").some(
    ({ address, port }) => port === 67 && (address === "0.0.0.0" || gateways.includes(address)),
  );
}
