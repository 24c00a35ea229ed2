/**
 * Which of a machine's secrets its program gets, and how: `[[secrets]]`. Values stand nowhere here.
 *
 * @module
 */

import { usageError } from "../errors.ts";
import type { Branded } from "../brand.ts";

/** The name of a secret: also a file name below /run/secrets, and a credential's (systemd.exec(5)). */
export type SecretName = Branded<string, "SecretName">;

export interface SecretUse {
  readonly name: SecretName;
  /** A variable that gets the path of the file: the `NAME_FILE` convention of images. */
  readonly fileVariable?: string | undefined;
  /** A variable that gets the value itself, set by man8s-init. */
  readonly variable?: string | undefined;
  /** Who may read the file, as the machine sees it; the program's user by default. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  /** The file's mode; 0o400 by default. */
  readonly mode?: number | undefined;
}

/** Whether a text can be the name of a secret. */
export function isSecretName(text: string): text is SecretName {
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/.test(text);
}

/** @throws {MbctlError} (usage) */
export function parseSecretName(text: string): SecretName {
  if (isSecretName(text)) return text;
  throw usageError(
    `Cannot call a secret ${JSON.stringify(text)}: not 1 to 64 letters, digits, "_", "." and "-"`,
  );
}

/**
 * Names that man8s-init's shell takes for itself (init-templates/20-environment.sh), or the C library, before which
 * `machines shell` guards itself: they would have to stand on a command line, where everybody on the host could read
 * the value.
 */
const shellsOwn =
  /^(m8_.*|MAN8S_.*|IFS|OPTIND|LINENO|RANDOM|EPOCH.*|PPID|PWD|OLDPWD|SHLVL|PS[0-9]|FUNCNAME|HIST.*|LD_.*|LC_.*|GLIBC_.*|MALLOC_.*)$/;

/**
 * The name of a variable that a secret's value or path may stand in.
 *
 * @throws {MbctlError} (usage)
 */
export function parseSecretVariable(text: string): string {
  const state = !/^[A-Za-z_][A-Za-z0-9_]*$/.test(text)
    ? "it is no name of a variable"
    : shellsOwn.test(text)
      ? "man8s-init uses that name itself"
      : undefined;
  if (state === undefined) return text;
  throw usageError(`Cannot put a secret into the variable ${JSON.stringify(text)}: ${state}`);
}

/**
 * `--owner UID:GID`.
 *
 * @throws {MbctlError} (usage)
 */
export function parseSecretOwner(text: string): NonNullable<SecretUse["owner"]> {
  const [, uid, gid] = /^(\d{1,5}):(\d{1,5})$/.exec(text) ?? [];
  if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  throw usageError(
    `Cannot give a secret to ${JSON.stringify(text)}: it is not UID:GID, in numbers`,
  );
}

/**
 * `--mode MODE`, octal.
 *
 * @throws {MbctlError} (usage)
 */
export function parseSecretMode(text: string): number {
  if (/^[0-7]{3,4}$/.test(text)) return Number.parseInt(text, 8);
  throw usageError(`Cannot use the mode ${JSON.stringify(text)}: it is not like 0440`);
}
