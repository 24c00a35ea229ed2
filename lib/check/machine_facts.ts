/**
 * What is read of one machine before anything is said about it.
 *
 * @module
 */

import type { Ipv6Prefix } from "../address/ipv6.ts";
import type { Access } from "../firewall/access.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";
import type { Ipv4Network } from "../network/ipv4.ts";
import type { NetworkTemplate } from "../network/template.ts";
import type { IpInterface, IpRoute, IpRule } from "./ip_json.ts";
import type { MachineFiles } from "./machine_files.ts";
import type { SecretState } from "./machine_secrets.ts";
import type { Listener } from "./sockets.ts";

export interface MachineFacts {
  readonly files: MachineFiles;
  /** Undefined when machine.toml cannot be read, as the next one. */
  readonly spec: MachineSpec | undefined;
  readonly template: NetworkTemplate | undefined;
  /** Why its template cannot be read. */
  readonly templateProblem: string | undefined;
  /** Hosts that its rules name, and config.toml does not. */
  readonly unknownHosts: readonly string[];
  /** The host's /64 on the mesh, where it is known. */
  readonly prefix: Ipv6Prefix | undefined;
  /** The host's bridge for its machines, and the IPv4 network there. */
  readonly bridge: string;
  readonly ipv4: Ipv4Network;
  readonly unit: UnitFacts;
  /** The text of its unit's drop-in. */
  readonly dropIn: string | undefined;
  /** The same as mbctl last rendered it; undefined for a machine of an older mbctl. */
  readonly renderedDropIn?: string | undefined;
  /** Undefined while it does not run. */
  readonly live: LiveFacts | undefined;
  /** Published ports that nobody listens on, on the host, each with the unit that should. */
  readonly silentPorts: readonly { readonly port: string; readonly unit: string }[];
  /** Units of its relays and published ports that have failed. */
  readonly failedUnits: readonly string[];
  /** The secrets that it wants. */
  readonly secrets: readonly SecretState[];
  /** Who may open connections to it; empty when that cannot be told. */
  readonly access: readonly Access[];
}

/** What systemd says of the machine's unit, in its own words (systemctl(1), show). */
export interface UnitFacts {
  readonly active: string;
  readonly sub: string;
  readonly result: string;
  readonly exitStatus: number;
  /** The program that was to run before the machine, and failed; "" for one that is forgotten, undefined for none. */
  readonly failedBefore: string | undefined;
  /** How often systemd has started it anew by itself. */
  readonly restarts: number;
  /** A file of the unit was changed and not read again. */
  readonly needsReload: boolean;
}

/** A machine that runs, as its network namespace shows it. */
export interface LiveFacts {
  readonly interfaces: readonly IpInterface[];
  readonly rules: readonly IpRule[];
  /** Table 199: the way into the mesh. */
  readonly meshRoutes: readonly IpRoute[];
  readonly routes: { readonly ipv4: readonly IpRoute[]; readonly ipv6: readonly IpRoute[] };
  readonly listeners: readonly Listener[];
  /** Whether its mesh address answers a ping of the host; undefined: not asked. */
  readonly answersPing: boolean | undefined;
  /** TCP ports that others should reach and the host does not. */
  readonly refusingPorts: readonly number[];
}
