/**
 * The tables `[[secrets]]` of machine.toml.
 *
 * @module
 */

import { usageError } from "../errors.ts";
import type { MachineToml } from "./machine_schema.ts";
import { parseSecretName, parseSecretVariable, type SecretUse } from "./secret_use.ts";

type SecretToml = MachineToml["secrets"][number];

/** @throws {MbctlError} (usage) for a name that cannot be, and for one that stands twice. */
export function readSecretUses(tables: readonly SecretToml[]): SecretUse[] {
  const uses = tables.map(readSecretUse);
  const twice = uses.find(({ name }, index) => uses.findIndex((use) => use.name === name) < index);
  if (twice === undefined) return uses;
  throw usageError(`Cannot use the secret "${twice.name}": it stands twice`);
}

function readSecretUse({ name, file_variable, variable, owner, mode }: SecretToml): SecretUse {
  const [uid = 0, gid = 0] = owner?.split(":").map(Number) ?? [];
  return {
    name: parseSecretName(name),
    ...(file_variable === undefined ? {} : { fileVariable: parseSecretVariable(file_variable) }),
    ...(variable === undefined ? {} : { variable: parseSecretVariable(variable) }),
    ...(owner === undefined ? {} : { owner: { uid, gid } }),
    ...(mode === undefined ? {} : { mode: Number.parseInt(mode, 8) }),
  };
}

/** The inverse of reading one; what is the default is left out. */
export function formatSecretUse({
  name,
  fileVariable,
  variable,
  owner,
  mode,
}: SecretUse): SecretToml {
  return {
    name,
    ...(fileVariable === undefined ? {} : { file_variable: fileVariable }),
    ...(variable === undefined ? {} : { variable }),
    ...(owner === undefined ? {} : { owner: `${owner.uid}:${owner.gid}` }),
    ...(mode === undefined ? {} : { mode: mode.toString(8).padStart(4, "0") }),
  };
}
