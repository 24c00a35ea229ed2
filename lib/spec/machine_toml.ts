/**
 * machine.toml: reading and writing {@linkcode MachineSpec}.
 *
 * @module
 */

import { stringify } from "smol-toml";
import * as v from "valibot";
import { invalidToml, parseToml } from "../config/toml.ts";
import { describeIssues } from "../config/schema_issues.ts";
import { unknownDigest } from "../image/digest.ts";
import { defaultAccess, formatAccessRule, parseAccessRule } from "../network/access_rule.ts";
import { formatIpv4, parseIpv4 } from "../network/ipv4.ts";
import { formatPortRange, parsePortRange } from "../network/port.ts";
import { formatPublishedPort, parsePublishedPort } from "../network/published_port.ts";
import { formatRelayPort, parseRelayPort } from "../network/relay_port.ts";
import { completeApps } from "./app_spec.ts";
import { formatApp, formatOs, readApps, readOs } from "./app_toml.ts";
import { whyNoDevice } from "./device.ts";
import { parseMachineName } from "./machine_name.ts";
import { machineSchema, schemaVersion } from "./machine_schema.ts";
import {
  defaultNetworkChoices,
  type MachineDeclaration,
  type MachineSpec,
} from "./machine_spec.ts";
import { isOsReference } from "./os_reference.ts";
import { imageTable, programKeys, programTables, readProgram, readValue } from "./program_toml.ts";
import { formatSecretUse, readSecretUses } from "./secret_toml.ts";

/**
 * Reads the machine.toml of a machine that is there.
 *
 * @param file the file's name, for messages.
 * @throws {MbctlError} (usage) with file, line or key, and what was expected.
 */
export function parseMachineToml(text: string, file: string): MachineSpec {
  const declared = parseDeclaration(text, file);
  return {
    ...declared,
    image: whole(declared.image, file),
    apps: completeApps(declared.apps, []),
  };
}

function whole(
  { reference, digest, manifestDigest }: MachineDeclaration["image"],
  file: string,
): MachineSpec["image"] {
  if (digest !== undefined && manifestDigest !== undefined) {
    return { reference, digest, manifestDigest };
  }
  const key = digest === undefined ? "image.digest" : "image.manifest_digest";
  throw invalidToml(file, `the key "${key}" is missing`);
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
  const called = toml.name ?? name;
  if (called === undefined) throw invalidToml(file, 'the key "name" is missing');
  const { allow, ipv4 } = toml;
  const readKey = <T>(key: string, parse: () => T) => readValue(file, key, parse);
  const program = readProgram(toml, file);
  return {
    name: readKey("name", () => parseMachineName(called)),
    template: toml.template ?? defaultNetworkChoices.template,
    ...program,
    image: isOsReference(program.image.reference)
      ? { digest: unknownDigest, manifestDigest: unknownDigest, ...defined(program.image) }
      : program.image,
    allow: allow === undefined ? defaultAccess : readKey("allow", () => allow.map(parseAccessRule)),
    expose: readKey("expose", () => toml.expose.map((text) => parsePortRange(text))),
    publish: readKey("publish", () => toml.publish.map(parsePublishedPort)),
    relay6: readKey("relay6", () => toml.relay6.map(parseRelayPort)),
    ...(ipv4 === undefined ? {} : { ipv4: readKey("ipv4", () => parseIpv4(ipv4)) }),
    labels: toml.labels,
    ...(toml.boot === undefined ? {} : { boot: toml.boot }),
    ...(toml.auto_upgrade === undefined ? {} : { autoUpgrade: toml.auto_upgrade }),
    depends: readKey("depends", () => toml.depends.map(parseMachineName)),
    devices: toml.devices.map(({ source, target, access, if_absent }) => {
      const wrong = whyNoDevice(source, target, access);
      if (wrong !== undefined) throw invalidToml(file, `devices: ${wrong}`);
      const place = source.startsWith("/") ? (target ?? source) : undefined;
      return { source, target: place, access, ifAbsent: if_absent };
    }),
    secrets: readKey("secrets", () => readSecretUses(toml.secrets)),
    mode: toml.mode,
    ...(toml.os === undefined ? {} : { os: readOs(toml.os) }),
    apps: readApps(toml.apps, file),
    connectors: readKey("connectors", () => toml.connectors.map(parseMachineName)),
  };
}

/** Without the keys that hold nothing: they would hide what they are spread over. */
function defined<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}

/** A machine as the table that machine.toml holds; what is the default is left out. */
export function machineTable(spec: MachineDeclaration): Record<string, unknown> {
  const { image, ipv4 } = spec;
  const list = <T>(key: string, values: readonly T[]) =>
    values.length === 0 ? {} : { [key]: values };
  const one = (key: string, value: unknown) => (value === undefined ? {} : { [key]: value });
  const table = (key: string, value: object) =>
    Object.keys(value).length === 0 ? {} : { [key]: value };
  return {
    schema: schemaVersion,
    name: spec.name,
    ...(spec.mode === "direct" ? {} : { mode: spec.mode }),
    template: spec.template,
    ...programKeys(spec),
    ...one("boot", spec.boot),
    ...one("auto_upgrade", spec.autoUpgrade),
    ...list("depends", spec.depends),
    ...list("connectors", spec.connectors),
    ...(spec.isReadOnly ? { read_only: true } : {}),
    // The default is left out, so that a later version may have another one.
    ...(spec.allow === defaultAccess ? {} : { allow: spec.allow.map(formatAccessRule) }),
    ...list("expose", spec.expose.map(formatPortRange)),
    ...list("publish", spec.publish.map(formatPublishedPort)),
    ...list("relay6", spec.relay6.map(formatRelayPort)),
    ...one("ipv4", ipv4 === undefined ? undefined : formatIpv4(ipv4)),
    ...imageTable(isOsReference(image.reference) ? { reference: image.reference } : image),
    ...(spec.os === undefined ? {} : table("os", formatOs(spec.os))),
    ...table("env", Object.fromEntries(spec.environment)),
    ...table("labels", spec.labels),
    ...programTables(spec),
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
    ...list("apps", spec.apps.map(formatApp)),
  };
}

/** Writes a machine.toml; the inverse of {@linkcode parseDeclaration}. */
export function formatMachineToml(spec: MachineDeclaration): string {
  return `# What this machine is, written by mbctl. container.nspawn and man8env.env are rendered from it.\n${stringify(machineTable(spec))}`;
}
