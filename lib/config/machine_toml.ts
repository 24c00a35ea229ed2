/**
 * machine.toml: reading and writing {@linkcode MachineSpec}.
 *
 * @module
 */

import { parse, stringify, TomlError } from "smol-toml";
import * as v from "valibot";
import { MbctlError } from "../errors.ts";
import { defaultAccess, formatAccessRule, parseAccessRule } from "../network/access_rule.ts";
import { formatIpv4, parseIpv4 } from "../network/ipv4.ts";
import { formatPortRange, parsePortRange } from "../network/port.ts";
import { formatPublishedPort, parsePublishedPort } from "../network/published_port.ts";
import { formatRelayPort, parseRelayPort } from "../network/relay_port.ts";
import { parseMachineName } from "../machine/name.ts";
import { describeIssues } from "./schema_issues.ts";
import type { MachineSpec, Volume } from "../machine/spec.ts";

/** The version of the file's schema; a reader refuses a later one. */
export const schemaVersion = 1;

const absolutePath = v.pipe(v.string(), v.regex(/^\//, "an absolute path"));

const schema = v.strictObject({
  schema: v.literal(schemaVersion),
  name: v.string(),
  template: v.pipe(v.string(), v.nonEmpty()),
  allow: v.optional(v.array(v.string())),
  expose: v.optional(v.array(v.string()), []),
  publish: v.optional(v.array(v.string()), []),
  relay6: v.optional(v.array(v.string()), []),
  ipv4: v.optional(v.string()),
  image: v.strictObject({
    reference: v.string(),
    digest: v.string(),
    manifest_digest: v.string(),
  }),
  env: v.optional(v.record(v.string(), v.string()), {}),
  volumes: v.optional(
    v.array(
      v.variant("kind", [
        v.strictObject({ path: absolutePath, kind: v.picklist(["config", "data", "skip"]) }),
        v.strictObject({ path: absolutePath, kind: v.literal("host"), source: absolutePath }),
      ]),
    ),
    [],
  ),
});

/**
 * Reads a machine.toml.
 *
 * @param file the file's name, for messages.
 * @throws {MbctlError} (usage) with file, line or key, and what was expected.
 */
export function parseMachineToml(text: string, file: string): MachineSpec {
  const read = v.safeParse(schema, parseToml(text, file));
  if (!read.success) throw invalid(file, describeIssues(read.issues));
  const { name, template, image, env, volumes, ipv4 } = read.output;
  const { allow, expose, publish, relay6 } = read.output;
  /** Says in which key of which file a value is that cannot be read. */
  const readValue = <T>(key: string, parse: () => T): T => {
    try {
      return parse();
    } catch (error) {
      throw error instanceof MbctlError ? invalid(file, `${key}: ${error.message}`) : error;
    }
  };
  return {
    name: readValue("name", () => parseMachineName(name)),
    template,
    image: {
      reference: image.reference,
      digest: image.digest,
      manifestDigest: image.manifest_digest,
    },
    environment: Object.entries(env),
    volumes: volumes as readonly Volume[],
    allow:
      allow === undefined ? defaultAccess : readValue("allow", () => allow.map(parseAccessRule)),
    expose: readValue("expose", () => expose.map((text) => parsePortRange(text))),
    publish: readValue("publish", () => publish.map(parsePublishedPort)),
    relay6: readValue("relay6", () => relay6.map(parseRelayPort)),
    ...(ipv4 === undefined ? {} : { ipv4: readValue("ipv4", () => parseIpv4(ipv4)) }),
  };
}

/** Writes a machine.toml; the inverse of {@linkcode parseMachineToml}. */
export function formatMachineToml(spec: MachineSpec): string {
  const { name, template, image, environment, volumes, ipv4 } = spec;
  const list = (texts: readonly string[], key: string) =>
    texts.length === 0 ? {} : { [key]: texts };
  const data = {
    schema: schemaVersion,
    name,
    template,
    // The default is left out, so that a later version may have another one.
    ...(spec.allow === defaultAccess ? {} : { allow: spec.allow.map(formatAccessRule) }),
    ...list(spec.expose.map(formatPortRange), "expose"),
    ...list(spec.publish.map(formatPublishedPort), "publish"),
    ...list(spec.relay6.map(formatRelayPort), "relay6"),
    ...(ipv4 === undefined ? {} : { ipv4: formatIpv4(ipv4) }),
    image: {
      reference: image.reference,
      digest: image.digest,
      manifest_digest: image.manifestDigest,
    },
    ...(environment.length === 0 ? {} : { env: Object.fromEntries(environment) }),
    ...(volumes.length === 0 ? {} : { volumes }),
  };
  return `# What this machine is, written by mbctl. container.nspawn and man8env.env are rendered from it.\n${stringify(data)}`;
}

/**
 * Reads TOML.
 *
 * @throws {MbctlError} (usage) with file, line and column.
 */
export function parseToml(text: string, file: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [reason] = error.message.split("\n");
    throw invalid(file, `line ${error.line}, column ${error.column}: ${reason}`);
  }
}

function invalid(file: string, state: string): MbctlError {
  return new MbctlError("usage", `Cannot read ${JSON.stringify(file)}: ${state}`, {
    hint: "mend the file; its format is in the README",
  });
}
