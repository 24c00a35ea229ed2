/**
 * What is read of a host before anything is said about it. `undefined` always means: could not be told.
 *
 * @module
 */

import type { Ipv6Prefix } from "../address/ipv6.ts";
import type { Ipv4Network } from "../network/ipv4.ts";
import type { IpAddress } from "./ip_json.ts";
import type { MachineFiles } from "./machine_files.ts";

export interface HostFacts {
  /** The command of this distribution that installs a program. */
  readonly install: Readonly<Record<InstallableProgram, string>>;
  readonly system: SystemFacts;
  readonly mesh: MeshFacts;
  readonly bridge: BridgeFacts;
  readonly derived: DerivedFacts;
  readonly machines: readonly MachineFiles[];
}

/** Programs that mbctl calls, or that answer its machines. */
export const installable = [
  "cp",
  "ip",
  "machinectl",
  "nft",
  "nsenter",
  "resolvectl",
  "setpriv",
  "skopeo",
  "sync",
  "systemctl",
  "systemd-nspawn",
  "unshare",
  "yggdrasil",
] as const;
export type InstallableProgram = (typeof installable)[number];

/** What was tried; undefined: it works. */
export type Trial = string | undefined;

export interface SystemFacts {
  /** Major version; undefined where the host was not booted by it. */
  readonly systemd: number | undefined;
  /** `6.18.0`, as uname(2) has it. */
  readonly kernel: string;
  readonly userNamespaces: Trial;
  /** user.max_user_namespaces; 0 forbids them. */
  readonly maxUserNamespaces: number | undefined;
  /** Id-mapped mounts, tried on each file system that machines need them of. */
  readonly idMapping: readonly { readonly folder: string; readonly problem: Trial }[];
  readonly nftables: Trial;
  /** Programs that are called and not there. */
  readonly missingPrograms: readonly InstallableProgram[];
  readonly skopeo: { readonly version: string } | "missing" | "silent";
  readonly busybox: { readonly path: string } | { readonly problem: string; readonly hint: string };
  readonly space: readonly {
    readonly folder: string;
    readonly freeBytes: number;
    readonly totalBytes: number;
  }[];
}

export interface MeshFacts {
  readonly isInstalled: boolean;
  readonly hasConfiguration: boolean;
  /** The prefix that the running yggdrasil has; undefined when nobody answers. */
  readonly running: Ipv6Prefix | undefined;
  /** The prefix that holds: of config.toml, else the running yggdrasil's, else that of its key. */
  readonly prefix: Ipv6Prefix | undefined;
  /** Addresses in the env files of machines that are not of the host's networks any more. */
  readonly oldAddresses: readonly { readonly machine: string; readonly address: string }[];
  /** The line that `[hosts]` should have for this host, where it has another. */
  readonly ownLine: string | undefined;
  /** Interfaces on which yggdrasil looks for others. */
  readonly multicast: readonly string[];
  readonly trusted: readonly { readonly name: string; readonly isReachable: boolean }[];
}

export interface BridgeFacts {
  readonly name: string;
  readonly ula: Ipv6Prefix;
  readonly ipv4: Ipv4Network;
  /** Undefined: there is no interface of that name. */
  readonly link: BridgeLink | undefined;
  readonly manager: BridgeManager;
  /** `mbctl host setup` was begun and not ended: what it wrote is not all there yet. */
  readonly isSetupUnfinished: boolean;
  readonly isForwarding: { readonly ipv4: boolean; readonly ipv6: boolean };
  /** The file of /etc/sysctl.d that turns forwarding on. */
  readonly forwardingFile: string | undefined;
  readonly isMasqueraded: { readonly ipv4: boolean; readonly ipv6: boolean };
  readonly hasDhcpServer: boolean;
  readonly resolver: {
    readonly isInstalled: boolean;
    /** The bridge's addresses on which nobody answers. */
    readonly silent: readonly string[];
    /** The drop-in of systemd-resolved that names the bridge's addresses. */
    readonly file: string | undefined;
  };
}

export interface BridgeLink {
  readonly isBridge: boolean;
  readonly isUp: boolean;
  /** Something is plugged in. */
  readonly hasCarrier: boolean;
  readonly addresses: readonly IpAddress[];
  /** IPv6 networks that are on it. */
  readonly routes: readonly string[];
}

/** Who keeps the bridge: the text of networkd's .network file with its drop-ins, or NetworkManager's state. */
export type BridgeManager =
  | { readonly kind: "networkd"; readonly file: string; readonly text: string }
  | { readonly kind: "NetworkManager"; readonly connection: string }
  | { readonly kind: "nobody"; readonly running: readonly string[] };

/** What follows from config.toml and all machine.toml, beside what there is. */
export interface DerivedFacts {
  /** Why it cannot be computed; the rest is then empty. */
  readonly problem: Trial;
  readonly firewall: "equal" | "different" | "absent";
  readonly hasHostsBlock: boolean;
  /** What is wrong with a rule or a template of a machine: nobody reaches it from outside until that is mended. */
  readonly badSettings: readonly string[];
  /** Files of firewall, relays and published ports that are missing, differ or are too many. */
  readonly staleFiles: readonly string[];
}
