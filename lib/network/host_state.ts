/**
 * All that decides what a host has beside its machines' own files: firewall, names, relays, published ports.
 *
 * @module
 */

import type { TrustedHost } from "../address/trusted_host.ts";
import type { MachineName } from "../spec/machine_name.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";
import type { HostNetwork } from "./host_network.ts";
import type { NetworkTemplate } from "./template.ts";

/** One machine of the host. */
export interface HostMachine {
  readonly spec: MachineSpec;
  readonly template: NetworkTemplate;
}

/** A host's settings and all of its machines, as one value. */
export interface HostState {
  /** What other hosts call this one: its name in `[hosts]` if it stands there, else its host name. */
  readonly hostName: string;
  readonly network: HostNetwork;
  /** machine-id(5), which the MAC addresses of machines follow from; undefined where there is none yet. */
  readonly machineId?: string | undefined;
  /** Behind the names of machines: `web.hostb.DOMAIN`. */
  readonly domain: string;
  /** The hosts of config.toml, without this one. */
  readonly trusted: readonly TrustedHost[];
  /** Names of machines of other hosts, as they were imported. */
  readonly imported: ReadonlyMap<string, readonly MachineName[]>;
  readonly machines: readonly HostMachine[];
}

/** A file that follows from a host's state. */
export interface DerivedFile {
  /** As the host itself sees it, without `--root`. */
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}
