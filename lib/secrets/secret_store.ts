/**
 * The values of a machine's secrets: encrypted files `.mbctl/secrets/KEY.cred` in its configuration folder.
 *
 * @module
 */

import { statSync } from "node:fs";
import { MbctlError, usageError } from "../errors.ts";
import {
  listDirectory,
  makeDirectory,
  nameExists,
  removeFile,
  syncDirectory,
  writeFileDurably,
} from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { requireRoot } from "../host/privilege.ts";
import { machinePaths, secretFile } from "../paths.ts";
import { INIT_DIR } from "../init/init_files.ts";
import { resolveInside } from "../trees/root_tree.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { isSecretName, type SecretName, type SecretUse } from "../spec/secret_use.ts";
import { whyNoSecret, whyNotUsable, whyTooMuch } from "./check_value.ts";
import { openSecret, sealSecret } from "./seal.ts";

/** One secret as `secrets list` shows it. */
export interface ListedSecret {
  readonly name: SecretName;
  /** "missing": machine.toml wants it, and nobody has set it; "unreadable": this host cannot decrypt it. */
  readonly state: "set" | "missing" | "unreadable";
  /** When it was set; undefined when it is missing. */
  readonly setAt: Date | undefined;
  /** How the program gets it; undefined when machine.toml does not name it. */
  readonly use: SecretUse | undefined;
}

/**
 * The value of a secret.
 *
 * @throws {MbctlError} (usage) when it is not set, (failed) when it cannot be decrypted, (host) without root or systemd-creds.
 */
export async function readSecret(
  host: Host,
  name: MachineName,
  key: SecretName,
): Promise<Uint8Array> {
  requireKey(host, "read secrets");
  const file = secretFile(machinePaths(host.root, name), key);
  if (!nameExists(file)) throw notSet(name, key);
  return await openSecret(host.run, key, file);
}

/**
 * Encrypts a value for this host and puts it into the machine's configuration folder, which must be there.
 *
 * @param use how the program gets it, if it is known.
 * @throws {MbctlError} (usage) for a value that cannot be used so, (host) without root or systemd-creds.
 */
export async function writeSecret(
  host: Host,
  name: MachineName,
  key: SecretName,
  value: Uint8Array,
  use: SecretUse = { name: key },
): Promise<void> {
  requireKey(host, "set secrets");
  const paths = machinePaths(host.root, name);
  const others = listKeys(host, name).filter((other) => other !== key);
  // Base64: what a file holds is at most three quarters of its size.
  const sizes = others.map((other) => statSync(secretFile(paths, other)).size * 0.75);
  const why =
    whyNoSecret(value) ?? whyNotUsable(value, use) ?? whyTooMuch([...sizes, value.length]);
  if (why !== undefined) throw usageError(`Cannot set the secret "${key}" of "${name}": ${why}`);
  const text = await sealSecret(host.run, key, value);
  makeDirectory(paths.applied.folder, 0o700);
  makeDirectory(paths.applied.secrets, 0o700);
  writeFileDurably(secretFile(paths, key), text, 0o600);
}

/** Removes the value of a secret; none is no error. */
export function removeSecret(host: Host, name: MachineName, key: SecretName): void {
  const paths = machinePaths(host.root, name);
  const file = secretFile(paths, key);
  if (!nameExists(file)) return;
  removeFile(file);
  syncDirectory(paths.applied.secrets);
}

/** The secrets that are set, sorted; whether they can be read is another matter. */
export function listKeys(host: Host, name: MachineName): SecretName[] {
  const { secrets } = machinePaths(host.root, name).applied;
  return listDirectory(secrets).flatMap((file) => {
    const key = file.endsWith(".cred") ? file.slice(0, -".cred".length) : "";
    return isSecretName(key) ? [key] : [];
  });
}

/** All secrets of a machine, those that are set and those that its machine.toml names. */
export async function listSecrets(
  host: Host,
  name: MachineName,
  uses: readonly SecretUse[],
): Promise<ListedSecret[]> {
  const paths = machinePaths(host.root, name);
  const keys = new Set([...listKeys(host, name), ...uses.map((use) => use.name)]);
  const secrets: ListedSecret[] = [];
  for (const key of [...keys].sort()) {
    const use = uses.find((candidate) => candidate.name === key);
    const file = secretFile(paths, key);
    const isSet = nameExists(file);
    const state = isSet ? ((await isReadable(host, name, key)) ? "set" : "unreadable") : "missing";
    secrets.push({ name: key, state, setAt: isSet ? statSync(file).mtime : undefined, use });
  }
  return secrets;
}

/**
 * Wants every secret of a machine to be there, so that its start does not end in systemd's own words.
 *
 * @throws {MbctlError} (conflict) for one that is not set, (failed) for one that cannot be decrypted or used.
 */
export async function requireSecrets(
  host: Host,
  name: MachineName,
  uses: readonly SecretUse[],
): Promise<void> {
  if (uses.length > 0 && !hasPlacer(machinePaths(host.root, name).tree)) {
    throw new MbctlError(
      "conflict",
      `Cannot start the machine "${name}": its man8s-init is of an mbctl that knew no secrets`,
      { hint: `mbctl oci man8init ${machinePaths(host.root, name).tree}` },
    );
  }
  for (const use of uses) {
    const file = secretFile(machinePaths(host.root, name), use.name);
    if (!nameExists(file)) {
      throw new MbctlError(
        "conflict",
        `Cannot start the machine "${name}": its secret "${use.name}" is not set`,
        { hint: `mbctl secrets set ${name} ${use.name}` },
      );
    }
    const why = whyNotUsable(await openSecret(host.run, use.name, file), use);
    if (why === undefined) continue;
    throw new MbctlError(
      "failed",
      `Cannot start the machine "${name}": its secret "${use.name}": ${why}`,
      { hint: `mbctl machines edit ${name}` },
    );
  }
}

/** Whether the man8s-init of a tree places secrets. */
function hasPlacer(tree: string): boolean {
  return resolveInside(tree, `${INIT_DIR}/43-secrets.sh`).exists;
}

async function isReadable(host: Host, name: MachineName, key: SecretName): Promise<boolean> {
  // Another root's secrets are encrypted with another key.
  if (!host.isLive) return true;
  try {
    await readSecret(host, name, key);
    return true;
  } catch (error) {
    if (error instanceof MbctlError && error.kind === "failed") return false;
    throw error;
  }
}

/** @throws {MbctlError} (usage) the error for a secret that nobody has set. */
export function notSet(name: MachineName, key: SecretName): MbctlError {
  return new MbctlError("usage", `Cannot find the secret "${key}" of "${name}": it is not set`, {
    hint: `mbctl secrets set ${name} ${key}`,
  });
}

function requireKey(host: Host, what: string): void {
  if (!host.isLive) {
    throw new MbctlError(
      "host",
      `Cannot ${what} below ${host.root}: they are encrypted with the key of the host that runs`,
      { hint: "leave out --root" },
    );
  }
  requireRoot(what);
}
