/**
 * What a machine is: an image, and the user's choices.
 *
 * @module
 */

import type { EnvEntry } from "../env/env_entry.ts";
import type { MachineName } from "./name.ts";

/** The kinds of network that a machine can get. */
export const templates = ["network_isolated"] as const;
export type Template = (typeof templates)[number];

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
  readonly template: Template;
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
}
