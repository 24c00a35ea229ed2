/**
 * From an image's configuration and the user's choices to the files of a
 * machine. Pure: the host's facts come in as values.
 *
 * @module
 */

import { formatIpv6 } from "../address/ipv6.ts";
import { machineAddress } from "../address/machine_address.ts";
import { formatEnvFile } from "../env/env_file.ts";
import type { EnvEntry } from "../env/env_entry.ts";
import { splitEnvironment } from "../env/split_environment.ts";
import { firewallScript } from "../firewall/firewall_files.ts";
import { healthyUnit } from "../health/unit_names.ts";
import type { ImageConfig } from "../image/config.ts";
import { renderUnitDropIn } from "../nspawn/machine_unit.ts";
import {
  DEFAULT_NSPAWN_SETTINGS,
  type NspawnNetwork,
  type NspawnSettings,
  OLDER_NSPAWN_HEADER,
  renderNspawn,
  SYSTEM_NSPAWN_SETTINGS,
} from "../nspawn/render.ts";
import { gatewayIpv4, type HostNetwork, machineUla } from "../network/host_network.ts";
import { formatIpv4 } from "../network/ipv4.ts";
import { macvlanDevice, machineInterface, type NetworkKind } from "../network/template.ts";
import { renderHost0Network } from "../os/host0_network.ts";
import { DEFAULT_STOP_SIGNAL } from "../signal.ts";
import { secretCredentials } from "../secrets/delivery.ts";
import { formatMachineToml } from "../spec/machine_toml.ts";
import { machinePaths } from "../paths.ts";
import { nspawnCapabilities } from "../spec/capability.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";
import { machineBinds, machineTmpfs, volumeSources } from "./render_binds.ts";
import { programVariables, runsAsRoot } from "./render_program.ts";

/** What rendering has to know of the host. */
export interface HostFacts extends HostNetwork {
  /** How the machine is connected: its template, the parent of a macvlan filled in. */
  readonly connection: NetworkKind;
  /** Major version of systemd: newer keys are written only where they are known. */
  readonly systemdVersion: number;
  readonly stopTimeoutSec: number;
}

/** The texts of a machine's files. */
export interface MachineFiles {
  readonly machineToml: string;
  readonly nspawn: string;
  /** Holds what may be secret: 0600. */
  readonly envFile: string;
  readonly unitDropIn: string;
  /** Of a whole system that has an interface of its own: what its systemd-networkd reads. Never merged. */
  readonly network?: string | undefined;
}

/** As systemd's own default: a whole system stops each of its services. */
const SYSTEM_STOP_SEC = 90;

/**
 * Renders all files of a machine. Paths in them are those that the host itself
 * sees, without `--root`.
 *
 * @param options `isOlder` renders them as an older mbctl did: once, without a copy of the unit's drop-ins, and without a look
 * at volumes in volumes.
 * @throws {MbctlError} (usage) when a value of the image fits no file, or when
 * the image names no program to run.
 */
export function renderMachine(
  spec: MachineSpec,
  image: ImageConfig,
  facts: HostFacts,
  { isOlder = false }: { readonly isOlder?: boolean } = {},
): MachineFiles {
  const isSystem = spec.mode === "base";
  // A whole system sets its own: neither its process 1 nor its services get anything from here.
  const environment = isSystem
    ? { nspawn: [], file: [] }
    : splitEnvironment(image.env, spec.environment);
  const paths = machinePaths("/", spec.name);
  const network = isSystem ? renderHost0Network(spec.name, facts, spec.ipv4) : undefined;
  const stopTimeoutSec =
    spec.stopTimeoutSec ?? Math.max(facts.stopTimeoutSec, isSystem ? SYSTEM_STOP_SEC : 0);
  return {
    machineToml: formatMachineToml(spec),
    nspawn: renderNspawn(
      {
        ...(isSystem ? SYSTEM_NSPAWN_SETTINGS : programSettings(spec, image)),
        environment: environment.nspawn,
        ...nspawnCapabilities(spec.capabilities, runsAsRoot(spec, image)),
        openFiles: spec.limits.openFiles,
        binds: machineBinds(spec, network !== undefined),
        tmpfs: machineTmpfs(spec),
        network: nspawnNetwork(facts),
      },
      facts.systemdVersion,
      isOlder ? OLDER_NSPAWN_HEADER : undefined,
    ),
    envFile: formatEnvFile([...ownVariables(spec, image, facts), ...environment.file]),
    unitDropIn: renderUnitDropIn({
      stopSignal: isSystem
        ? undefined
        : (spec.stopSignal ?? image.stopSignal ?? DEFAULT_STOP_SIGNAL),
      stopTimeoutSec,
      ...(facts.connection.kind === "bridge"
        ? { bridge: facts.bridge, firewall: firewallScript }
        : {}),
      macvlan: facts.connection.kind === "macvlan" ? facts.connection : undefined,
      secrets: secretCredentials(paths, spec.secrets),
      systemdVersion: facts.systemdVersion,
      depends: spec.depends.map(healthyUnit),
      restart: spec.restart,
      limits: spec.limits,
      devices: spec.devices,
      ...(isOlder ? {} : { volumeSources: volumeSources(spec), dropInCopies: paths.applied.units }),
    }),
    ...(network === undefined ? {} : { network }),
  };
}

/** A file cannot be put over a root tree that is read-only, but mounted over one that is there. */
const readOnlySettings = { isReadOnly: true, resolvConf: "bind-stub", timezone: "bind" };

function programSettings(spec: MachineSpec, image: ImageConfig): NspawnSettings {
  return {
    ...DEFAULT_NSPAWN_SETTINGS,
    workingDirectory: spec.workingDirectory ?? image.workingDir,
    ...(spec.isReadOnly ? readOnlySettings : {}),
  };
}

function nspawnNetwork({ connection, bridge }: HostFacts): NspawnNetwork {
  switch (connection.kind) {
    case "bridge":
      return { isVirtualEthernet: true, bridge };
    case "macvlan":
      return { isVirtualEthernet: false, macvlan: macvlanDevice(connection) };
    case "host":
      return { isPrivate: false, isVirtualEthernet: false };
    case "private":
      return { isPrivate: true, isVirtualEthernet: false };
  }
}

function ownVariables(spec: MachineSpec, image: ImageConfig, facts: HostFacts): EnvEntry[] {
  return [
    ...networkVariables(spec, facts),
    ["MAN8S_OCI_IMAGE_URL", spec.image.reference],
    // Of a whole system the file is read on the host alone.
    ...(spec.mode === "base" ? [] : programVariables(spec, image)),
  ];
}

/** What man8s-init reads of a machine's name and network. */
export function networkVariables(spec: MachineSpec, facts: HostFacts): EnvEntry[] {
  return [
    ["MAN8S_CONTAINER_NAME", spec.name],
    ["MAN8S_CONTAINER_TEMPLATE", spec.template],
    ["MAN8S_NETWORK_INTERFACE", machineInterface(facts.connection)],
    ...(facts.connection.kind === "bridge" ? bridgeAddresses(spec, facts) : []),
  ];
}

/** What man8s-init sets on the machine's end of its cable to the bridge (init-templates/README.md). */
function bridgeAddresses({ name, ipv4 }: MachineSpec, facts: HostFacts): EnvEntry[] {
  return [
    ["MAN8S_YGGDRASIL_ADDRESS", formatIpv6(machineAddress(name, facts.prefix))],
    ["MAN8S_ULA_ADDRESS", formatIpv6(machineUla(name, facts.ula))],
    ...(ipv4 === undefined
      ? []
      : ([
          ["MAN8S_IPV4_ADDRESS", `${formatIpv4(ipv4)}/${facts.ipv4.length}`],
          ["MAN8S_IPV4_GATEWAY", formatIpv4(gatewayIpv4(facts.ipv4))],
        ] as const)),
  ];
}
