/**
 * How a machine gets its secrets: what its rendered files say of them. No value stands here.
 *
 * @module
 */

import type { EnvEntry } from "../env/env_entry.ts";
import { SECRETS_SOURCE } from "../init/init_files.ts";
import { type MachinePaths, secretFile } from "../paths.ts";
import type { NspawnBind } from "../nspawn/render.ts";
import { hostSecretsFolder, type SecretCredential } from "../nspawn/secret_unit.ts";
import type { MachineName } from "../spec/machine_name.ts";
import type { SecretUse } from "../spec/secret_use.ts";

/** The folder in a machine that holds its secrets, a file each. */
export const secretsFolder = "/run/secrets";

/** What the unit loads, in the order of machine.toml. */
export function secretCredentials(
  paths: MachinePaths,
  uses: readonly SecretUse[],
): SecretCredential[] {
  return uses.map(({ name }) => ({ name, file: secretFile(paths, name) }));
}

/** What the nspawn file binds: the folder that the unit fills. */
export function secretBinds(name: MachineName, uses: readonly SecretUse[]): NspawnBind[] {
  if (uses.length === 0) return [];
  return [
    {
      source: hostSecretsFolder(name),
      target: SECRETS_SOURCE,
      // A ramfs takes no id-mapped mount.
      isIdmapped: false,
      isReadOnly: true,
    },
  ];
}

/**
 * What man8s-init reads (init-templates/README.md): a word for each secret,
 * `NAME:MODE:UID:GID:FILE_VARIABLE:VARIABLE`; what is empty is not wanted.
 */
export function secretVariables(uses: readonly SecretUse[]): EnvEntry[] {
  if (uses.length === 0) return [];
  const words = uses.map(({ name, mode = 0o400, owner, fileVariable = "", variable = "" }) =>
    [
      name,
      mode.toString(8).padStart(4, "0"),
      owner?.uid ?? "",
      owner?.gid ?? "",
      fileVariable,
      variable,
    ].join(":"),
  );
  return [["MAN8S_SECRETS", words.join(" ")]];
}
