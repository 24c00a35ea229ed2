/**
 * machine.toml: reading and writing {@linkcode MachineSpec}.
 *
 * @module
 */

import { stringify } from "smol-toml";
import * as v from "valibot";
import { invalidToml, parseToml } from "../config/toml.ts";
import { describeIssues } from "../config/schema_issues.ts";
import { MbctlError } from "../errors.ts";
import { defaultAccess, formatAccessRule, parseAccessRule } from "../network/access_rule.ts";
import { formatIpv4, parseIpv4 } from "../network/ipv4.ts";
import { formatPortRange, parsePortRange } from "../network/port.ts";
import { formatPublishedPort, parsePublishedPort } from "../network/published_port.ts";
import { formatRelayPort, parseRelayPort } from "../network/relay_port.ts";
import { parseSignal } from "../signal.ts";
import { capabilityName } from "./capability.ts";
import { whyNoDevice } from "./device.ts";
import { formatHealthChoice, readHealthChoice } from "./health_toml.ts";
import { parseMachineName } from "./machine_name.ts";
import { machineSchema, schemaVersion, type MachineToml } from "./machine_schema.ts";
import {
  defaultNetworkChoices,
  type MachineDeclaration,
  type MachineSpec,
} from "./machine_spec.ts";
import { formatMemorySize, parseMemorySize } from "./memory_size.ts";
import { formatRestartPolicy, noRestart, parseRestartPolicy } from "./restart_policy.ts";
import { formatSecretUse, readSecretUses } from "./secret_toml.ts";
import { formatVolume, readVolume } from "./volume_toml.ts";

/**
 * Reads the machine.toml of a machine that is there.
 *
 * @param file the file's name, for messages.
 * @throws {MbctlError} (usage) with file, line or key, and what was expected.
 */
export function parseMachineToml(text: string, file: string): MachineSpec {
  const declared = parseDeclaration(text, file);
  const { reference, digest, manifestDigest } = declared.image;
  if (digest === undefined || manifestDigest === undefined) {
    const key = digest === undefined ? "image.digest" : "image.manifest_digest";
    throw invalidToml(file, `the key "${key}" is missing`);
  }
  return { ...declared, image: { reference, digest, manifestDigest } };
}

/**
 * Reads a declaration: a machine.toml in which the image's digests may be missing, and which may be a mere
 * `image = "REFERENCE"`.
 *
 * @param file the file's name, for messages.
 * @param name what the machine is called where the file does not say.
 * @throws {MbctlError} (usage) with file, line or key, and what was expected.
 */
export function parseDeclaration(text: string, file: string, name?: string): MachineDeclaration {
  const read = v.safeParse(machineSchema, parseToml(text, file));
  if (!read.success)
    throw invalidToml(file, describeIssues(read.issues, { text, schema: machineSchema }));
  const toml = read.output;
  /** Says in which key of which file a value is that cannot be read. */
  const readValue = <T>(key: string, parse: () => T): T => {
    try {
      return parse();
    } catch (error) {
      throw error instanceof MbctlError ? invalidToml(file, `${key}: ${error.message}`) : error;
    }
  };
  const readOptional = <T, R>(key: string, value: T | undefined, parse: (value: T) => R) =>
    value === undefined ? {} : { [key]: readValue(key, () => parse(value)) };
  const called = toml.name ?? name;
  if (called === undefined) throw invalidToml(file, 'the key "name" is missing');
  const image = typeof toml.image === "string" ? { reference: toml.image } : toml.image;
  const { allow } = toml;
  return {
    name: readValue("name", () => parseMachineName(called)),
    template: toml.template ?? defaultNetworkChoices.template,
    image: {
      reference: image.reference,
      digest: "digest" in image ? image.digest : undefined,
      manifestDigest: "manifest_digest" in image ? image.manifest_digest : undefined,
    },
    environment: Object.entries(toml.env),
    volumes: toml.volumes.map((volume) => readValue("volumes", () => readVolume(volume))),
    allow:
      allow === undefined ? defaultAccess : readValue("allow", () => allow.map(parseAccessRule)),
    expose: readValue("expose", () => toml.expose.map((text) => parsePortRange(text))),
    publish: readValue("publish", () => toml.publish.map(parsePublishedPort)),
    relay6: readValue("relay6", () => toml.relay6.map(parseRelayPort)),
    ...readOptional("ipv4", toml.ipv4, parseIpv4),
    ...(toml.entrypoint === undefined ? {} : { entrypoint: toml.entrypoint }),
    ...(toml.args === undefined ? {} : { args: toml.args }),
    ...(toml.user === undefined ? {} : { user: toml.user }),
    ...(toml.workdir === undefined ? {} : { workingDirectory: toml.workdir }),
    labels: toml.labels,
    ...(toml.stop_signal === undefined
      ? {}
      : { stopSignal: readValue("stop_signal", () => parseSignal(toml.stop_signal ?? "")) }),
    ...(toml.stop_timeout_sec === undefined ? {} : { stopTimeoutSec: toml.stop_timeout_sec }),
    restart: readValue("restart", () =>
      toml.restart === undefined ? noRestart : parseRestartPolicy(toml.restart),
    ),
    ...(toml.boot === undefined ? {} : { boot: toml.boot }),
    ...(toml.auto_upgrade === undefined ? {} : { autoUpgrade: toml.auto_upgrade }),
    depends: readValue("depends", () => toml.depends.map(parseMachineName)),
    ...readOptional("health", toml.health, readHealthChoice),
    limits: readValue("limits", () => readLimits(toml.limits)),
    capabilities: {
      add: toml.capabilities.add.map(capabilityName),
      drop: toml.capabilities.drop.map(capabilityName),
    },
    isReadOnly: toml.read_only,
    devices: toml.devices.map(({ source, target, access, if_absent }) => {
      const wrong = whyNoDevice(source, target, access);
      if (wrong !== undefined) throw invalidToml(file, `devices: ${wrong}`);
      const place = source.startsWith("/") ? (target ?? source) : undefined;
      return { source, target: place, access, ifAbsent: if_absent };
    }),
    secrets: readValue("secrets", () => readSecretUses(toml.secrets)),
  };
}

function readLimits(toml: MachineToml["limits"]): MachineSpec["limits"] {
  const { memory, cpus, tasks, io_weight, open_files, disk } = toml;
  return {
    ...(memory === undefined ? {} : { memory: parseMemorySize(memory) }),
    ...(cpus === undefined ? {} : { cpus }),
    ...(tasks === undefined ? {} : { tasks }),
    ...(io_weight === undefined ? {} : { ioWeight: io_weight }),
    ...(open_files === undefined ? {} : { openFiles: open_files }),
    ...(disk === undefined ? {} : { disk: parseMemorySize(disk) }),
  };
}

/** A machine as the table that machine.toml holds; what is the default is left out. */
export function machineTable(spec: MachineDeclaration): Record<string, unknown> {
  const { image, environment, volumes, ipv4, limits, capabilities, health } = spec;
  const list = <T>(key: string, values: readonly T[]) =>
    values.length === 0 ? {} : { [key]: values };
  const one = (key: string, value: unknown) => (value === undefined ? {} : { [key]: value });
  const table = (key: string, value: object) =>
    Object.keys(value).length === 0 ? {} : { [key]: value };
  const size = (bytes: number | undefined) =>
    bytes === undefined ? undefined : formatMemorySize(bytes);
  return {
    schema: schemaVersion,
    name: spec.name,
    template: spec.template,
    ...one("entrypoint", spec.entrypoint),
    ...one("args", spec.args),
    ...one("user", spec.user),
    ...one("workdir", spec.workingDirectory),
    ...one("stop_signal", spec.stopSignal),
    ...one("stop_timeout_sec", spec.stopTimeoutSec),
    ...(spec.restart.when === "no" ? {} : { restart: formatRestartPolicy(spec.restart) }),
    ...one("boot", spec.boot),
    ...one("auto_upgrade", spec.autoUpgrade),
    ...list("depends", spec.depends),
    ...(spec.isReadOnly ? { read_only: true } : {}),
    // The default is left out, so that a later version may have another one.
    ...(spec.allow === defaultAccess ? {} : { allow: spec.allow.map(formatAccessRule) }),
    ...list("expose", spec.expose.map(formatPortRange)),
    ...list("publish", spec.publish.map(formatPublishedPort)),
    ...list("relay6", spec.relay6.map(formatRelayPort)),
    ...one("ipv4", ipv4 === undefined ? undefined : formatIpv4(ipv4)),
    image: {
      reference: image.reference,
      ...one("digest", image.digest),
      ...one("manifest_digest", image.manifestDigest),
    },
    ...table("env", Object.fromEntries(environment)),
    ...table("labels", spec.labels),
    ...table("limits", {
      ...one("memory", size(limits.memory)),
      ...one("cpus", limits.cpus),
      ...one("tasks", limits.tasks),
      ...one("io_weight", limits.ioWeight),
      ...one("open_files", limits.openFiles),
      ...one("disk", size(limits.disk)),
    }),
    ...table("capabilities", {
      ...list("add", capabilities.add),
      ...list("drop", capabilities.drop),
    }),
    ...one("health", health === undefined ? undefined : formatHealthChoice(health)),
    ...list("volumes", volumes.map(formatVolume)),
    ...list(
      "devices",
      spec.devices.map(({ source, target, access, ifAbsent }) => ({
        source,
        ...one("target", target === source ? undefined : target),
        ...(access === "rwm" ? {} : { access }),
        ...(ifAbsent === "fail" ? {} : { if_absent: ifAbsent }),
      })),
    ),
    ...list("secrets", spec.secrets.map(formatSecretUse)),
  };
}

/** Writes a machine.toml; the inverse of {@linkcode parseDeclaration}. */
export function formatMachineToml(spec: MachineDeclaration): string {
  return `# What this machine is, written by mbctl. container.nspawn and man8env.env are rendered from it.\n${stringify(machineTable(spec))}`;
}
