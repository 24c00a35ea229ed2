/**
 * What a machine is: an image, and the user's choices.
 *
 * @module
 */

import type { EnvEntry } from "../env/env_entry.ts";
import { type AccessRule, defaultAccess } from "../network/access_rule.ts";
import type { Ipv4 } from "../network/ipv4.ts";
import type { PortRange } from "../network/port.ts";
import type { PublishedPort } from "../network/published_port.ts";
import type { RelayPort } from "../network/relay_port.ts";
import type { MachineName } from "./name.ts";

/** Where what a machine writes to a volume is kept. */
export type Volume =
  /** In the configuration folder: small, part of what rebuilds the machine. */
  | { readonly path: string; readonly kind: "config" }
  /** In the storage folder: the machine's data. */
  | { readonly path: string; readonly kind: "data" }
  /** In a folder of the administrator's own. */
  | { readonly path: string; readonly kind: "host"; readonly source: string }
  /** In the root tree, like everything else: lost when the machine is pulled anew. */
  | { readonly path: string; readonly kind: "skip" };

/** What `machine.toml` holds. */
export interface MachineSpec {
  readonly name: MachineName;
  /** The name of a template: the kind of network. */
  readonly template: string;
  readonly image: {
    /** As the user named it, with what was left out filled in. */
    readonly reference: string;
    /** What the reference named in the registry: of an index, if it named one. */
    readonly digest: string;
    /** The manifest of the platform that was pulled. */
    readonly manifestDigest: string;
  };
  /** The user's variables; the image's own stand in the rendered files. */
  readonly environment: readonly EnvEntry[];
  /** One for each volume that the image declares. */
  readonly volumes: readonly Volume[];
  /** Who may open connections to it from the mesh. */
  readonly allow: readonly AccessRule[];
  /** Ports that everybody may reach. */
  readonly expose: readonly PortRange[];
  /** Ports of the host that lead to it. */
  readonly publish: readonly PublishedPort[];
  /** Ports that a relay makes answer on its mesh address. */
  readonly relay6: readonly RelayPort[];
  /** Its address in the bridge's IPv4 network, where it must not change; DHCP without. */
  readonly ipv4?: Ipv4 | undefined;
}

/** What a user chooses of a machine's network. */
export type NetworkChoices = Pick<
  MachineSpec,
  "template" | "allow" | "expose" | "publish" | "relay6"
>;

/** The choices of a user who made none. */
export const defaultNetworkChoices: NetworkChoices = {
  template: "network_isolated",
  allow: defaultAccess,
  expose: [],
  publish: [],
  relay6: [],
};
