/**
 * machine.toml: reading and writing {@linkcode MachineSpec}.
 *
 * @module
 */

import { parse, stringify, TomlError } from "smol-toml";
import * as v from "valibot";
import { MbctlError } from "../errors.ts";
import { parseMachineName } from "./name.ts";
import { type MachineSpec, templates, type Volume } from "./spec.ts";

/** The version of the file's schema; a reader refuses a later one. */
export const schemaVersion = 1;

const absolutePath = v.pipe(v.string(), v.startsWith("/"));

const schema = v.strictObject({
  schema: v.literal(schemaVersion),
  name: v.string(),
  template: v.picklist(templates),
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
  if (!read.success) throw invalid(file, v.summarize(read.issues));
  const { name, template, image, env, volumes } = read.output;
  return {
    name: parseMachineName(name),
    template,
    image: {
      reference: image.reference,
      digest: image.digest,
      manifestDigest: image.manifest_digest,
    },
    environment: Object.entries(env),
    volumes: volumes as readonly Volume[],
  };
}

/** Writes a machine.toml; the inverse of {@linkcode parseMachineToml}. */
export function formatMachineToml(spec: MachineSpec): string {
  const { name, template, image, environment, volumes } = spec;
  const data = {
    schema: schemaVersion,
    name,
    template,
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
