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
import { MbctlError, usageError } from "../errors.ts";
import { firewallScript } from "../firewall/firewall_files.ts";
import { healthyUnit } from "../health/unit_names.ts";
import type { ImageConfig } from "../image/config.ts";
import { ENV_FILE_PATH } from "../init/init_files.ts";
import { renderUnitDropIn } from "../nspawn/machine_unit.ts";
import {
  DEFAULT_NSPAWN_SETTINGS,
  type NspawnBind,
  type NspawnNetwork,
  type NspawnTmpfs,
  OLDER_NSPAWN_HEADER,
  renderNspawn,
} from "../nspawn/render.ts";
import { deviceNodes } from "../nspawn/unit_devices.ts";
import { gatewayIpv4, type HostNetwork, machineUla } from "../network/host_network.ts";
import { formatIpv4 } from "../network/ipv4.ts";
import { macvlanDevice, machineInterface, type NetworkKind } from "../network/template.ts";
import { DEFAULT_STOP_SIGNAL } from "../signal.ts";
import { secretBinds, secretCredentials, secretVariables } from "../secrets/delivery.ts";
import { formatMachineToml } from "../spec/machine_toml.ts";
import { machinePaths } from "./paths.ts";
import { nspawnCapabilities } from "../spec/capability.ts";
import type { AppChoices, MachineSpec } from "../spec/machine_spec.ts";
import { outerFirst, volumeSource } from "../spec/volume.ts";

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
  const environment = splitEnvironment(image.env, spec.environment);
  const paths = machinePaths("/", spec.name);
  return {
    machineToml: formatMachineToml(spec),
    nspawn: renderNspawn(
      {
        ...DEFAULT_NSPAWN_SETTINGS,
        environment: environment.nspawn,
        workingDirectory: spec.workingDirectory ?? image.workingDir,
        ...nspawnCapabilities(spec.capabilities, runsAsRoot(spec, image)),
        openFiles: spec.limits.openFiles,
        ...(spec.isReadOnly ? readOnlySettings : {}),
        binds: binds(spec),
        tmpfs: tmpfs(spec),
        network: nspawnNetwork(facts),
      },
      facts.systemdVersion,
      isOlder ? OLDER_NSPAWN_HEADER : undefined,
    ),
    envFile: formatEnvFile([...ownVariables(spec, image, facts), ...environment.file]),
    unitDropIn: renderUnitDropIn({
      stopSignal: spec.stopSignal ?? image.stopSignal ?? DEFAULT_STOP_SIGNAL,
      stopTimeoutSec: spec.stopTimeoutSec ?? facts.stopTimeoutSec,
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
  };
}

/** The folders of the host that a machine's volumes bind. */
export function volumeSources({ name, volumes }: MachineSpec): string[] {
  const paths = machinePaths("/", name);
  return volumes.flatMap((volume) => volumeSource(paths, volume) ?? []);
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

/**
 * The program that a machine runs: the image's entrypoint, then its command (OCI image-spec, config.md), each unless
 * the user chose another. An entrypoint of the user's drops the image's command, as in podman.
 *
 * @throws {MbctlError} (usage) when there is none.
 */
export function applicationArgs(
  image: ImageConfig,
  { entrypoint, args }: Pick<AppChoices, "entrypoint" | "args"> = {},
): readonly string[] {
  const words = [
    ...(entrypoint ?? image.entrypoint),
    ...(args ?? (entrypoint === undefined ? image.cmd : [])),
  ];
  if (words[0] === "") {
    throw usageError(
      "Cannot run the image: the name of the program is empty",
      "name it in entrypoint or args",
    );
  }
  if (words.length > 0) return words;
  throw new MbctlError(
    "usage",
    "Cannot run the image: it names no program, neither Entrypoint nor Cmd",
    {
      hint: "name one as args; mbctl oci download IMAGE PATH takes its root tree alone",
    },
  );
}

function binds(spec: MachineSpec): NspawnBind[] {
  const paths = machinePaths("/", spec.name);
  const bind = (source: string, target: string, isReadOnly = false) => ({
    source,
    target,
    isIdmapped: true,
    isReadOnly,
  });
  return [
    bind(paths.envFile, ENV_FILE_PATH),
    ...secretBinds(spec.name, spec.secrets),
    ...outerFirst(spec.volumes).flatMap((volume) => {
      const source = volumeSource(paths, volume);
      return source === undefined ? [] : [bind(source, volume.path, volume.isReadOnly)];
    }),
    ...deviceNodes(spec.name, spec.devices).map(({ source, target }) => ({
      source,
      target,
      isIdmapped: false,
      isReadOnly: false,
    })),
  ];
}

/** Whether the program's user is root, as far as that can be told without the image's passwd. */
export function runsAsRoot({ user }: Pick<AppChoices, "user">, image: ImageConfig): boolean {
  return /^(|root|0+)(:|$)/.test(user ?? image.user);
}

/** A file cannot be put over a root tree that is read-only, but mounted over one that is there. */
const readOnlySettings = { isReadOnly: true, resolvConf: "bind-stub", timezone: "bind" };

/** podman's modes: everybody may write, whoever the program is. */
const TMPFS_MODE = 0o1777;

function tmpfs({ volumes, isReadOnly }: MachineSpec): NspawnTmpfs[] {
  const chosen = outerFirst(volumes).flatMap((volume): NspawnTmpfs[] =>
    volume.kind === "tmpfs"
      ? [{ target: volume.path, mode: volume.mode ?? TMPFS_MODE, sizeBytes: volume.sizeBytes }]
      : [],
  );
  const isKept = volumes.some(({ path, kind }) => path === "/var/tmp" && kind !== "skip");
  // As podman does; nspawn itself has one on /run and /tmp.
  return isReadOnly && !isKept ? [...chosen, { target: "/var/tmp", mode: TMPFS_MODE }] : chosen;
}

/** What a root tree must have for its machine to start, the more so where nspawn cannot make it. */
export interface TreeNeeds {
  readonly directories: readonly string[];
  /** Empty where they are missing. */
  readonly files?: readonly string[];
}

/** What the tree of a machine must have: where it works, and where something is mounted. */
export function treeNeeds(spec: MachineSpec, image: ImageConfig): TreeNeeds {
  return {
    directories: [
      spec.workingDirectory ?? image.workingDir,
      // nspawn makes the mount points of others, but not in a root tree that is read-only.
      ...outerFirst(spec.volumes).flatMap(({ path, kind }) => {
        const isExpected = image.volumes.includes(path) && kind !== "tmpfs" && !spec.isReadOnly;
        return kind === "skip" || isExpected ? [] : [path];
      }),
      ...(spec.isReadOnly ? ["/var/tmp"] : []),
    ],
    ...(spec.isReadOnly ? { files: ["/etc/resolv.conf", "/etc/localtime"] } : {}),
  };
}

function ownVariables(spec: MachineSpec, image: ImageConfig, facts: HostFacts): EnvEntry[] {
  return [
    ["MAN8S_CONTAINER_NAME", spec.name],
    ["MAN8S_CONTAINER_TEMPLATE", spec.template],
    ["MAN8S_NETWORK_INTERFACE", machineInterface(facts.connection)],
    ...(facts.connection.kind === "bridge" ? bridgeAddresses(spec, facts) : []),
    ["MAN8S_OCI_IMAGE_URL", spec.image.reference],
    ...secretVariables(spec.secrets),
    ["MAN8S_APPLICATION_USER", spec.user ?? image.user],
    ["MAN8S_APPLICATION_ARGS", formatApplicationArgs(applicationArgs(image, spec))],
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
