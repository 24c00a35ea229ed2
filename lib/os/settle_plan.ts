/**
 * What is written into the tree of a whole system so that it boots as a machine: names, networking, accounts, and no unit
 * that cannot work. Pure: the tree is read through a view, and the changes are data. To settle again changes nothing more.
 *
 * @module
 */

import { formatIpv6 } from "../address/ipv6.ts";
import { managerSettings } from "../connector/connector_paths.ts";
import { formatIpv4 } from "../network/ipv4.ts";
import { type BridgeAddresses, bridgeAddresses } from "./host0_network.ts";
import { enableUnit } from "./enable_unit.ts";
import { ifupdownPath, networkFileFor } from "./older_network.ts";
import { settleAccounts } from "./settle_accounts.ts";
import { settleNew } from "./settle_new.ts";
import { systemFacts, type SystemFacts, whyNotBooting } from "./system_facts.ts";
import type { SystemSettings } from "./system_settings.ts";
import { link, rewrite, type TreeChange, write } from "./tree_change.ts";
import { type TreeView, unitPath } from "./tree_view.ts";

/** What is done, and what its user should know. */
export interface SettlePlan {
  readonly facts: SystemFacts;
  readonly changes: readonly TreeChange[];
  /** What will not work, or not as in other machines; sentences. */
  readonly remarks: readonly string[];
}

/**
 * Plans the settling of a tree.
 *
 * @param isNew the tree has never run as this machine: what no two machines may share goes, and the user is made.
 * @throws {MbctlError} (conflict) when the user cannot be made.
 */
export function planSettling(
  view: TreeView,
  settings: SystemSettings,
  { isNew }: { readonly isNew: boolean },
): SettlePlan {
  const facts = systemFacts(view);
  return {
    facts,
    changes: [
      ...settleNames(view, settings.name),
      // What an administrator changed since then stays.
      ...(isNew ? settleOnce(view, facts, settings) : []),
      ...settleAddresses(view, facts, settings),
    ],
    remarks: remarks(facts, settings),
  };
}

function settleOnce(view: TreeView, facts: SystemFacts, settings: SystemSettings): TreeChange[] {
  return [
    ...settleNew(view),
    ...settleLocale(view, facts),
    ...settleAccounts(view, facts, settings.user),
    ...(facts.init === "systemd"
      ? [
          ...maskUnits(view),
          ...enableNetwork(view, facts, settings),
          write(managerSettings.path, managerSettings.text),
        ]
      : []),
  ];
}

function settleNames(view: TreeView, name: string): TreeChange[] {
  return [
    write("/etc/hostname", `${name}\n`),
    rewriteOrWrite(view, "/etc/hosts", hostsText(view.read("/etc/hosts"), name)),
  ];
}

/** Debian's convention: the name of the system itself at 127.0.1.1, for programs that ask for their own address. */
function hostsText(present: string | undefined, name: string): string {
  const own = `127.0.1.1\t${name}`;
  const lines = (present ?? "").split("\n");
  const isOwn = (line: string) => /^127\.0\.1\.1\s/.test(line);
  const at = lines.findIndex(isOwn);
  if (at >= 0) {
    return lines
      .flatMap((line, index) => (index === at ? [own] : isOwn(line) ? [] : [line]))
      .join("\n");
  }
  return lines.join("").trim() === ""
    ? `127.0.0.1\tlocalhost\n${own}\n::1\tlocalhost ip6-localhost ip6-loopback\n`
    : `${lines.join("\n").replace(/\n*$/, "\n")}${own}\n`;
}

/** The one locale that needs no package, where none is chosen. */
function settleLocale(view: TreeView, { family }: SystemFacts): TreeChange[] {
  const text = "LANG=C.UTF-8\n";
  const paths = ["/etc/locale.conf", ...(family === "debian" ? ["/etc/default/locale"] : [])];
  return paths.filter((path) => view.kind(path) === undefined).map((path) => write(path, text));
}

/**
 * Units that do in a machine what is the host's to do, or that fail: by capabilities that a machine was given on purpose
 * (modules), or for want of a terminal (a login at /dev/console, which is the host's journal).
 */
const hostUnits: readonly string[] = [
  "console-getty.service",
  "e2scrub_all.timer",
  "e2scrub_reap.service",
  "fstrim.timer",
  "lvm2-monitor.service",
  "multipathd.service",
  "systemd-modules-load.service",
];

function maskUnits(view: TreeView): TreeChange[] {
  const isThere = (unit: string) => unitPath(view, unit.replace(/@[^.]*/, "@")) !== undefined;
  return hostUnits.filter(isThere).map((unit) => link(`/etc/systemd/system/${unit}`, "/dev/null"));
}

/** Without it resolved asks nobody for a name without a dot. */
const resolvedPath = "/etc/systemd/resolved.conf.d/10-mbctl.conf";
const resolvedText = `# Written by mbctl: the host's resolver knows other machines by their bare names.
[Resolve]
ResolveUnicastSingleLabel=yes
`;

function enableNetwork(
  view: TreeView,
  facts: SystemFacts,
  { network }: SystemSettings,
): TreeChange[] {
  const hasCable = network.connection.kind === "bridge" || network.connection.kind === "macvlan";
  // In the host's network, or in none, there is no interface to wait for.
  const seen = new Set(hasCable ? [] : ["systemd-networkd-wait-online.service"]);
  return [
    ...(facts.network === "networkd" ? enableUnit(view, "systemd-networkd.service", seen) : []),
    ...(facts.hasResolved
      ? [
          ...enableUnit(view, "systemd-resolved.service"),
          write(resolvedPath, resolvedText),
          link("/etc/resolv.conf", "../run/systemd/resolve/stub-resolv.conf"),
        ]
      : []),
  ];
}

/** Where the addresses stand in the tree: networkd gets them by a file that is bound, which is no part of it. */
function settleAddresses(
  view: TreeView,
  facts: SystemFacts,
  { name, network }: SystemSettings,
): TreeChange[] {
  if (network.connection.kind !== "bridge") return [];
  const addresses = bridgeAddresses(name, network, network.fixed);
  const file = networkFileFor(facts.network, addresses);
  // Who asks for a lease writes the servers that it names himself; networkd leaves that to resolved.
  const hasNoWriter = !facts.hasResolved && ["networkd", "none"].includes(facts.network);
  return [
    ...(hasNoWriter ? [write("/etc/resolv.conf", resolvConfText(addresses))] : []),
    ...(file === undefined ? [] : [write(file.path, file.text, file.mode)]),
    ...(file?.path === ifupdownPath ? sourceInterfaces(view) : []),
  ];
}

function resolvConfText({ ulaGateway, ipv4Gateway }: BridgeAddresses): string {
  return `# The host's resolver, on its bridge.\nnameserver ${formatIpv4(ipv4Gateway)}\nnameserver ${formatIpv6(ulaGateway)}\n`;
}

/** Named without a pattern: ifupdown before 0.7.44 (Debian 7) has none. */
function sourceInterfaces(view: TreeView): TreeChange[] {
  const path = "/etc/network/interfaces";
  const present = view.read(path) ?? "auto lo\niface lo inet loopback\n";
  const reads = /^\s*source(-directory)?\s+\/etc\/network\/interfaces\.d(\/\*|\/?$|\/mbctl-host0)/m;
  if (reads.test(present)) return view.read(path) === undefined ? [write(path, present)] : [];
  const text = `${present.replace(/\n*$/, "\n")}source ${ifupdownPath}\n`;
  return [rewriteOrWrite(view, path, text)];
}

function rewriteOrWrite(view: TreeView, path: string, text: string): TreeChange {
  return view.kind(path) === "file" ? rewrite(path, text) : write(path, text);
}

/** The first with rules for a table of its own (RoutingPolicyRule). */
const oldestRules = 235;

function remarks(facts: SystemFacts, { network }: SystemSettings): string[] {
  const { init, name, systemdVersion, network: manager } = facts;
  const why = whyNotBooting(facts);
  const all = [
    why === undefined
      ? undefined
      : `${name} does not boot: ${why}; use --mode direct, in which man8s-init runs a program of it`,
    init === "systemd" || init === "none"
      ? undefined
      : `${name} boots by ${init}, not systemd: there are no login sessions, and it is killed when its time to stop is over`,
  ];
  const ofNetwork = [
    manager === "networkd" && systemdVersion !== undefined && systemdVersion < oldestRules
      ? `the systemd of ${name} knows no routing rules: it answers on its mesh address, and cannot reach machines of other hosts`
      : undefined,
    manager === "ifupdown" || manager === "NetworkManager"
      ? `${name} has no systemd-networkd: ${manager} sets up its network, from a file in its tree`
      : undefined,
    manager === "none" && init !== "none"
      ? `${name} has nothing that sets up its network (systemd-networkd, ifupdown, NetworkManager): it has none until you do`
      : undefined,
  ];
  const isBridge = network.connection.kind === "bridge";
  return [...all, ...(isBridge ? ofNetwork : [])].filter((text) => text !== undefined);
}
