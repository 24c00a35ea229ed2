/**
 * Says of a host's bridge whether machines that are plugged into it have a network.
 *
 * @module
 */

import { formatIpv6, formatPrefix } from "../address/ipv6.ts";
import { quoteWord } from "../env/posix_sh.ts";
import { gatewayIpv4, gatewayIpv6 } from "../network/host_network.ts";
import { formatIpv4, formatIpv4Network } from "../network/ipv4.ts";
import { type Finding, found, ok } from "./finding.ts";
import type { BridgeFacts, HostFacts } from "./host_facts.ts";

const setup = "mbctl host setup";

/** All findings of this part, in the order in which they are told. */
export function evaluateBridge(facts: HostFacts): Finding[] {
  const { bridge } = facts;
  return [
    ...(bridge.isSetupUnfinished
      ? [found("wrong", "setup", "it was begun and not ended", setup)]
      : []),
    link(facts),
    manager(bridge),
    forwarding(bridge),
    masquerading(bridge),
    ...(bridge.link === undefined ? [] : [dhcp(bridge), advertisements(bridge)].flat()),
    resolver(facts),
  ];
}

/**
 * What sets the bridge up anew: its manager, where that has been told of what is missing; else a setup.
 *
 * @param isAsked whether networkd's file asks for it; a connection of NetworkManager's always does.
 */
function anew({ manager, isSetupUnfinished }: BridgeFacts, isAsked: boolean): string {
  if (isSetupUnfinished) return setup;
  if (manager.kind === "NetworkManager")
    return `nmcli connection up ${quoteWord(manager.connection)}`;
  return isAsked ? "systemctl restart systemd-networkd" : setup;
}

/** What networkd's file says of the bridge; empty where another keeps it. */
function networkdText({ manager }: BridgeFacts): string {
  return manager.kind === "networkd" ? manager.text : "";
}

function link(facts: HostFacts): Finding {
  const { bridge } = facts;
  const { name, link } = bridge;
  const wanted = wantedAddresses(facts);
  const isConfigured =
    !bridge.isSetupUnfinished &&
    ["Kind=bridge", ...wanted, ...wantedRoutes(facts)].every((text) =>
      networkdText(bridge).includes(text),
    );
  if (link === undefined) {
    return found("missing", "bridge", `no ${name}`, anew(bridge, isConfigured));
  }
  if (!link.isBridge) {
    const mend = "give another name: mbctl host setup --bridge NAME";
    return found("wrong", "bridge", `${name} is no bridge`, mend);
  }
  if (!link.isUp) {
    return found("wrong", "bridge", `${name} is down`, `ip link set ${name} up`);
  }
  const has = link.addresses.map(({ address }) => address);
  const lacking = [
    ...wanted.filter((address) => !has.includes(address)),
    ...wantedRoutes(facts).filter((route) => !link.routes.includes(route)),
  ];
  if (lacking.length > 0) {
    const seen = `${name} lacks ${lacking.join(", ")}`;
    const isOld = has.some((address) => /^3..:/.test(address) && !wanted.includes(address));
    const mend = isConfigured ? `networkctl reconfigure ${name}` : anew(bridge, false);
    return found("wrong", "bridge", seen, isOld ? "mbctl host renumber" : mend);
  }
  return ok("bridge", `${name} is up: ${wanted.join(", ")}`);
}

/** The bridge's own addresses: in the mesh if its prefix is known, ULA, IPv4. */
function wantedAddresses({ mesh, bridge }: HostFacts): string[] {
  const { prefix } = mesh;
  return [
    ...(prefix === undefined ? [] : [formatIpv6(gatewayIpv6(prefix))]),
    formatIpv6(gatewayIpv6(bridge.ula)),
    formatIpv4(gatewayIpv4(bridge.ipv4)),
  ];
}

/** The networks that machines are found in on the bridge; that of IPv4 comes with the address. */
function wantedRoutes({ mesh, bridge }: HostFacts): string[] {
  const { prefix } = mesh;
  return [...(prefix === undefined ? [] : [prefix]), bridge.ula].map(formatPrefix);
}

function manager({ name, manager, link }: BridgeFacts): Finding {
  switch (manager.kind) {
    case "networkd":
      return ok("network", `systemd-networkd keeps ${name} by ${manager.file}`);
    case "NetworkManager":
      return ok(
        "network",
        `NetworkManager keeps ${name} by its connection "${manager.connection}"`,
      );
    case "nobody":
      return manager.running.length === 0
        ? found("wrong", "network", "neither systemd-networkd nor NetworkManager runs", setup)
        : found(
            link === undefined ? "wrong" : "warning",
            "network",
            `${manager.running.join(" and ")} runs, but does not keep ${name}`,
            setup,
          );
  }
}

function forwarding({ isForwarding, forwardingFile, isSetupUnfinished }: BridgeFacts): Finding {
  const off = [...(isForwarding.ipv4 ? [] : ["IPv4"]), ...(isForwarding.ipv6 ? [] : ["IPv6"])].join(
    " and ",
  );
  if (off === "") return ok("forwarding", "IPv4 and IPv6");
  const mend =
    forwardingFile === undefined || isSetupUnfinished
      ? setup
      : `sysctl --load=${quoteWord(forwardingFile)}`;
  return found("wrong", "forwarding", `off for ${off}`, mend);
}

function masquerading(bridge: BridgeFacts): Finding {
  const { isMasqueraded, ula, ipv4 } = bridge;
  const bare = [
    ...(isMasqueraded.ipv4 ? [] : [formatIpv4Network(ipv4)]),
    ...(isMasqueraded.ipv6 ? [] : [formatPrefix(ula)]),
  ];
  if (bare.length === 0) return ok("masquerading", "ULA and IPv4");
  const isAsked = /^IPMasquerade=both/m.test(networkdText(bridge));
  const seen = `none for ${bare.join(" and ")}: machines do not reach the world`;
  return found("wrong", "masquerading", seen, anew(bridge, isAsked));
}

function dhcp(bridge: BridgeFacts): Finding {
  if (bridge.hasDhcpServer) return ok("DHCP", "a server listens");
  const isAsked = /^DHCPServer=yes/m.test(networkdText(bridge));
  // networkd's server starts with the first machine that gives the bridge a carrier.
  if (isAsked && bridge.link?.hasCarrier === false)
    return ok("DHCP", "begins with the first machine");
  return found("wrong", "DHCP", "no server: machines get no IPv4", anew(bridge, isAsked));
}

/** Only networkd's file tells: the kernel does not show who sends advertisements where. */
function advertisements(bridge: BridgeFacts): Finding[] {
  if (bridge.manager.kind !== "networkd") return [];
  if (/^IPv6SendRA=yes/m.test(networkdText(bridge))) return [ok("router advertisements", "sent")];
  return [found("wrong", "router advertisements", `not sent by ${bridge.manager.file}`, setup)];
}

function resolver({ bridge, install }: HostFacts): Finding {
  const { isInstalled, silent, file } = bridge.resolver;
  const isShared = bridge.manager.kind === "NetworkManager";
  // NetworkManager's own dnsmasq listens on IPv4 alone, and answers for IPv6 too.
  const missed = isShared ? silent.filter((address) => !address.includes(":")) : silent;
  if (missed.length === 0) return ok("names", "the host's resolver answers on the bridge");
  const seen = `no resolver answers on ${missed.join(" and ")}: machines find no names`;
  const mend = isShared
    ? anew(bridge, true)
    : file !== undefined && !bridge.isSetupUnfinished
      ? "systemctl restart systemd-resolved"
      : isInstalled
        ? setup
        : `${install.resolvectl}; ${setup}`;
  return found("wrong", "names", seen, mend);
}
