/**
 * From an image's configuration and the user's choices to the files of a
 * machine. Pure: the host's facts come in as values.
 *
 * @module
 */

import { formatIpv6 } from "../address/ipv6.ts";
import { machineAddress } from "../address/machine_address.ts";
import { formatApplicationArgs } from "../env/application_args.ts";
import { formatEnvFile } from "../env/env_file.ts";
import type { EnvEntry } from "../env/env_entry.ts";
import { splitEnvironment } from "../env/split_environment.ts";
import { MbctlError } from "../errors.ts";
import { firewallScript } from "../firewall/firewall_files.ts";
import type { ImageConfig } from "../image/config.ts";
import { ENV_FILE_PATH } from "../init/init_files.ts";
import { renderUnitDropIn } from "../nspawn/machine_unit.ts";
import {
  DEFAULT_NSPAWN_SETTINGS,
  type NspawnBind,
  type NspawnNetwork,
  renderNspawn,
} from "../nspawn/render.ts";
import { gatewayIpv4, type HostNetwork, machineUla } from "../network/host_network.ts";
import { formatIpv4 } from "../network/ipv4.ts";
import { macvlanDevice, machineInterface, type NetworkKind } from "../network/template.ts";
import { DEFAULT_STOP_SIGNAL } from "../signal.ts";
import { formatMachineToml } from "../config/machine_toml.ts";
import { machinePaths } from "./paths.ts";
import type { MachineSpec } from "./spec.ts";
import { outerFirst, volumeSource } from "./volumes.ts";

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
}

/**
 * Renders all files of a machine. Paths in them are those that the host itself
 * sees, without `--root`.
 *
 * @throws {MbctlError} (usage) when a value of the image fits no file, or when
 * the image names no program to run.
 */
export function renderMachine(
  spec: MachineSpec,
  image: ImageConfig,
  facts: HostFacts,
): MachineFiles {
  const environment = splitEnvironment(image.env, spec.environment);
  const stopSignal = image.stopSignal ?? DEFAULT_STOP_SIGNAL;
  return {
    machineToml: formatMachineToml(spec),
    nspawn: renderNspawn(
      {
        ...DEFAULT_NSPAWN_SETTINGS,
        environment: environment.nspawn,
        workingDirectory: image.workingDir,
        binds: binds(spec),
        network: nspawnNetwork(facts),
      },
      facts.systemdVersion,
    ),
    envFile: formatEnvFile([...ownVariables(spec, image, facts), ...environment.file]),
    unitDropIn: renderUnitDropIn({
      stopSignal,
      stopTimeoutSec: facts.stopTimeoutSec,
      ...(facts.connection.kind === "bridge"
        ? { bridge: facts.bridge, firewall: firewallScript }
        : {}),
      macvlan: facts.connection.kind === "macvlan" ? facts.connection : undefined,
    }),
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

/** The program that an image runs: its entrypoint, then its command (OCI image-spec, config.md). */
export function applicationArgs(image: ImageConfig): readonly string[] {
  const words = [...image.entrypoint, ...image.cmd];
  if (words.length > 0) return words;
  throw new MbctlError(
    "usage",
    "Cannot run the image: it names no program, neither Entrypoint nor Cmd",
    {
      hint: "mbctl oci download IMAGE PATH takes its root tree alone",
    },
  );
}

function binds(spec: MachineSpec): NspawnBind[] {
  const paths = machinePaths("/", spec.name);
  const bind = (source: string, target: string) => ({
    source,
    target,
    isIdmapped: true,
    isReadOnly: false,
  });
  return [
    bind(paths.envFile, ENV_FILE_PATH),
    ...outerFirst(spec.volumes).flatMap((volume) => {
      const source = volumeSource(paths, volume);
      return source === undefined ? [] : [bind(source, volume.path)];
    }),
  ];
}

function ownVariables(spec: MachineSpec, image: ImageConfig, facts: HostFacts): EnvEntry[] {
  return [
    ["MAN8S_CONTAINER_NAME", spec.name],
    ["MAN8S_CONTAINER_TEMPLATE", spec.template],
    ["MAN8S_NETWORK_INTERFACE", machineInterface(facts.connection)],
    ...(facts.connection.kind === "bridge" ? bridgeAddresses(spec, facts) : []),
    ["MAN8S_OCI_IMAGE_URL", spec.image.reference],
    ["MAN8S_APPLICATION_USER", image.user],
    ["MAN8S_APPLICATION_ARGS", formatApplicationArgs(applicationArgs(image))],
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
