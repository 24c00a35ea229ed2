/**
 * What is written into the tree of a whole system, and what installs one into an image's tree: as data.
 *
 * @module
 */

import type { MachineName } from "../spec/machine_name.ts";
import type { OsChoice } from "../spec/machine_spec.ts";
import type { Ipv4 } from "../network/ipv4.ts";
import type { Host0Facts } from "./host0_network.ts";

/** What a tree is told of its machine. */
export interface SystemSettings {
  readonly name: MachineName;
  readonly user?: OsChoice["user"];
  /** For a system that has no systemd-networkd. */
  readonly network: Host0Facts & { readonly fixed?: Ipv4 | undefined };
}

/** What installs systemd, dbus and login tools into a tree: the image's own package manager, in a machine of its own. */
export interface SystemInstall {
  readonly name: MachineName;
  /** Static, on the host. */
  readonly busybox: string;
  readonly bridge: string;
  /** As man8s-init reads it. */
  readonly envFile: string;
}
