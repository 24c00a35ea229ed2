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
import type { SignalName } from "../signal.ts";
import type { AppDeclaration, AppSpec } from "./app_spec.ts";
import type { Device } from "./device.ts";
import type { HealthChoice } from "./health_check.ts";
import type { Limits } from "./limits.ts";
import type { MachineName } from "./machine_name.ts";
import { noRestart, type RestartPolicy } from "./restart_policy.ts";
import type { SecretUse } from "./secret_use.ts";

/** Where what a machine writes to a path is kept, and how it finds it there. */
export type Volume = VolumePlace & VolumeOptions;

type VolumePlace =
  /** In the configuration folder: small, part of what rebuilds the machine. */
  | { readonly path: string; readonly kind: "config" }
  /** In the storage folder: the machine's data. */
  | { readonly path: string; readonly kind: "data" }
  /** In a folder of the administrator's own. */
  | { readonly path: string; readonly kind: "host"; readonly source: string }
  /** In the root tree, like everything else: lost when the machine is upgraded. */
  | { readonly path: string; readonly kind: "skip" }
  /** In memory, new at each start; `sizeBytes` at most. */
  | { readonly path: string; readonly kind: "tmpfs"; readonly sizeBytes?: number | undefined };

/** For "config", "data" and "host"; `mode` for "tmpfs" too. */
interface VolumeOptions {
  readonly isReadOnly?: boolean | undefined;
  /** Owner of the folder itself, when mbctl makes it: `uid:gid` as the machine sees them. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  /** Its mode, 0 to 0o7777. */
  readonly mode?: number | undefined;
}

/** What `machine.toml` holds. */
export interface MachineSpec extends AppChoices {
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
  /** One for each volume that the image declares, and those that the user adds. */
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

/** What a user chooses of how the program runs. What is left out is the image's, or systemd's default. */
export interface AppChoices {
  /** In place of the image's Entrypoint; with it the image's Cmd is dropped too, as in podman. */
  readonly entrypoint?: readonly string[] | undefined;
  /** In place of the image's Cmd. */
  readonly args?: readonly string[] | undefined;
  /** As the image writes it: `name`, `uid:gid`… */
  readonly user?: string | undefined;
  /** Absolute. */
  readonly workingDirectory?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly stopSignal?: SignalName | undefined;
  readonly stopTimeoutSec?: number | undefined;
  readonly restart: RestartPolicy;
  /** Whether it starts when the host boots; undefined: as systemd has it now. */
  readonly boot?: boolean | undefined;
  /** Whether the host's timer may upgrade it: mbctl-upgrade.timer. */
  readonly autoUpgrade?: boolean | undefined;
  /** Machines that must be well before this one starts. */
  readonly depends: readonly MachineName[];
  readonly health?: HealthChoice | undefined;
  readonly limits: Limits;
  /** Names without `CAP_`, in capitals: over nspawn's own set. */
  readonly capabilities: { readonly add: readonly string[]; readonly drop: readonly string[] };
  /** The root tree cannot be written to; volumes can. */
  readonly isReadOnly: boolean;
  readonly devices: readonly Device[];
  readonly secrets: readonly SecretUse[];
  readonly mode: MachineMode;
  /** For an `os:` reference. */
  readonly os?: OsChoice | undefined;
  /** Applications that run as services of a booted machine. */
  readonly apps: readonly AppSpec[];
  readonly lend: LentCommands;
  /** Machines whose commands it may run. */
  readonly connectors: readonly MachineName[];
}

/** How a machine lives. */
export const machineModes = [
  /** man8s-init runs the image's program. */
  "direct",
  /** A whole system, booted by its own systemd. */
  "base",
  /** As direct, but the program runs only when another machine calls it. */
  "connector",
] as const;
export type MachineMode = (typeof machineModes)[number];

/** How a distribution is made. */
export interface OsChoice {
  /** A URL; the distribution's own without. */
  readonly mirror?: string | undefined;
  /** Over those that every machine gets. */
  readonly packages: readonly string[];
  /** A first user beside root, with a home, and without a password. */
  readonly user?: { readonly name: string; readonly uid?: number | undefined } | undefined;
}

/** Commands that other machines may run in it: the name that they call, and the words of the program. */
export type LentCommands = Readonly<Record<string, readonly string[]>>;

/** The choices of a user who made none. */
export const defaultAppChoices: AppChoices = {
  labels: {},
  restart: noRestart,
  depends: [],
  limits: {},
  capabilities: { add: [], drop: [] },
  isReadOnly: false,
  devices: [],
  secrets: [],
  mode: "direct",
  apps: [],
  lend: {},
  connectors: [],
};

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

/** The choices of a user who made none at all. */
export const defaultChoices: AppChoices & NetworkChoices = {
  ...defaultAppChoices,
  ...defaultNetworkChoices,
};

/** A machine as somebody declares it: what its image's digest is may be left to the registry. */
export interface MachineDeclaration extends Omit<MachineSpec, "image" | "apps"> {
  readonly apps: readonly AppDeclaration[];
  readonly image: {
    readonly reference: string;
    readonly digest?: string | undefined;
    readonly manifestDigest?: string | undefined;
  };
}
