/** Facts of a host and of a machine where all is well; a row of a test changes one of them. */

import { formatIpv6, parsePrefix } from "../../lib/address/ipv6.ts";
import { machineAddress } from "../../lib/address/machine_address.ts";
import {
  type BridgeLink,
  type HostFacts,
  type InstallableProgram,
  installable,
} from "../../lib/check/host_facts.ts";
import type { IpAddress } from "../../lib/check/ip_json.ts";
import type { MachineFiles } from "../../lib/check/machine_files.ts";
import type { LiveFacts, MachineFacts } from "../../lib/check/machine_facts.ts";
import { firewallScript } from "../../lib/firewall/firewall_files.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { defaultChoices } from "../../lib/spec/machine_spec.ts";
import { defaultHostNetworks, machineUla } from "../../lib/network/host_network.ts";
import { renderUnitDropIn } from "../../lib/nspawn/machine_unit.ts";
import { parseSignal } from "../../lib/signal.ts";

export const prefix = parsePrefix("300:2e98:a4b0:1789::/64");
export const name = parseMachineName("web");
const { bridge, ula, ipv4 } = defaultHostNetworks;

export function address(text: string, more: Partial<IpAddress> = {}): IpAddress {
  return {
    family: text.includes(":") ? "ipv6" : "ipv4",
    address: text,
    scope: "global",
    isDuplicate: false,
    ...more,
  };
}

export const goodFiles: MachineFiles = {
  name,
  missing: [],
  links: [
    {
      path: "/var/lib/machines/web",
      target: "/var/lib/man8machines/web",
      actual: "/var/lib/man8machines/web",
    },
  ],
  address: machineAddress(name, prefix),
  ula: machineUla(name, ula),
  plug: { interface: "vb-web", isPlugged: true },
};

const networkdText = `[NetDev]
Name=srvgrp0
Kind=bridge
[Network]
DHCPServer=yes
IPv6SendRA=yes
IPMasquerade=both
[Address]
Address=300:2e98:a4b0:1789::1/128
[Route]
Destination=300:2e98:a4b0:1789::/64
[Address]
Address=fdfc:16ed:7601::1/64
[IPv6Prefix]
Prefix=fdfc:16ed:7601::/64
[Address]
Address=10.199.0.1/24
`;

export const goodLink: BridgeLink = {
  isBridge: true,
  isUp: true,
  hasCarrier: true,
  addresses: ["300:2e98:a4b0:1789::1", "fdfc:16ed:7601::1", "10.199.0.1"].map((text) =>
    address(text),
  ),
  routes: ["300:2e98:a4b0:1789::/64", "fdfc:16ed:7601::/64"],
};

export const goodHost: HostFacts = {
  install: Object.fromEntries(
    installable.map((program) => [program, `apt install ${program}`]),
  ) as Record<InstallableProgram, string>,
  system: {
    systemd: 257,
    kernel: "6.18.0",
    userNamespaces: undefined,
    maxUserNamespaces: 30000,
    idMapping: [{ folder: "/var/lib/man8machines", problem: undefined }],
    nftables: undefined,
    missingPrograms: [],
    skopeo: { version: "1.18.0" },
    busybox: { path: "/usr/bin/busybox" },
    space: [{ folder: "/var/lib/man8machines", freeBytes: 50e9, totalBytes: 100e9 }],
  },
  mesh: {
    isInstalled: true,
    hasConfiguration: true,
    running: prefix,
    prefix,
    oldAddresses: [],
    ownLine: undefined,
    multicast: ["eth0"],
    trusted: [{ name: "hostb", isReachable: true }],
  },
  bridge: {
    name: bridge,
    ula,
    ipv4,
    link: goodLink,
    manager: {
      kind: "networkd",
      file: "/etc/systemd/network/80-srvgrp0.network",
      text: networkdText,
    },
    isSetupUnfinished: false,
    isForwarding: { ipv4: true, ipv6: true },
    forwardingFile: "/etc/sysctl.d/80-man8s-forwarding.conf",
    isMasqueraded: { ipv4: true, ipv6: true },
    hasDhcpServer: true,
    resolver: {
      isInstalled: true,
      silent: [],
      file: "/etc/systemd/resolved.conf.d/80-man8s-dns.conf",
    },
  },
  derived: {
    problem: undefined,
    firewall: "equal",
    hasHostsBlock: true,
    badSettings: [],
    staleFiles: [],
  },
  machines: [goodFiles],
};

const mesh = formatIpv6(machineAddress(name, prefix));

export const goodLive: LiveFacts = {
  interfaces: [
    {
      name: "host0",
      isUp: true,
      hasCarrier: true,
      addresses: [
        address(mesh),
        address(formatIpv6(machineUla(name, ula))),
        address("10.199.0.130"),
        address("fe80::1", { scope: "link" }),
      ],
    },
  ],
  rules: [{ priority: 199, to: "200::/7", table: "199" }],
  meshRoutes: [
    { to: "300:2e98:a4b0:1789::/64", source: mesh },
    { to: "200::/7", gateway: "300:2e98:a4b0:1789::1", source: mesh },
  ],
  routes: {
    ipv4: [{ to: "default" }],
    ipv6: [{ to: "default", source: formatIpv6(machineUla(name, ula)) }],
  },
  listeners: [
    { protocol: "tcp", port: 80, addresses: ["0.0.0.0", "::"], program: "nginx", reach: "all" },
  ],
  answersPing: true,
  refusingPorts: [],
};

export const goodMachine: MachineFacts = {
  files: goodFiles,
  spec: {
    name,
    ...defaultChoices,
    image: {
      reference: "docker.io/library/nginx:1",
      digest: "sha256:a",
      manifestDigest: "sha256:b",
    },
    environment: [],
    volumes: [],
  },
  template: { name: "network_isolated", summary: "", network: { kind: "bridge" } },
  templateProblem: undefined,
  unknownHosts: [],
  prefix,
  bridge,
  ipv4,
  unit: {
    active: "active",
    sub: "running",
    result: "success",
    exitStatus: 0,
    failedBefore: undefined,
    restarts: 0,
    needsReload: false,
  },
  live: goodLive,
  dropIn: renderUnitDropIn({
    stopSignal: parseSignal("SIGQUIT"),
    stopTimeoutSec: 10,
    bridge,
    firewall: firewallScript,
  }),
  silentPorts: [],
  failedUnits: [],
  secrets: [],
  access: [
    { who: "this host and its machines", what: "every port", why: "same bridge" },
    { who: "hostb and its machines", what: "443/tcp", why: "allow hostb:443/tcp" },
  ],
};
