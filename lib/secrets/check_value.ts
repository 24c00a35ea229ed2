/**
 * What a secret's value may be, so that it reaches the program.
 *
 * @module
 */

import type { SecretUse } from "../spec/secret_use.ts";

/**
 * The size of one value, in bytes. systemd takes 1 MiB for an encrypted file up to 257 (CREDENTIAL_SIZE_MAX), and it
 * is written in base64.
 */
export const secretLimitBytes = 512 * 1024;
/** All values of a machine, in bytes: systemd keeps them in a tmpfs of 1 MiB, in whole pages. */
const totalLimitBytes = 960 * 1024;
const pageBytes = 4096;
/** execve(2), MAX_ARG_STRLEN: one variable with its name, its `=` and the NUL behind it. */
const variableLimitBytes = 128 * 1024;

/** Why a value can be no secret at all; undefined when it can. */
export function whyNoSecret(value: Uint8Array): string | undefined {
  if (value.length === 0) return "it is empty";
  if (value.length <= secretLimitBytes) return undefined;
  return `it has ${value.length} bytes, more than ${secretLimitBytes}`;
}

/** Why a value cannot be used as machine.toml says; undefined when it can. */
export function whyNotUsable(value: Uint8Array, { variable }: SecretUse): string | undefined {
  if (variable === undefined) return undefined;
  if (value.includes(0)) {
    return `a variable (${variable}) cannot hold a zero byte: use file_variable, or the file alone`;
  }
  if (variable.length + value.length + 2 <= variableLimitBytes) return undefined;
  return `a variable (${variable}) cannot hold more than ${variableLimitBytes} bytes: use file_variable, or the file alone`;
}

/** Why the values of a machine are too much together; undefined when they are not. */
export function whyTooMuch(sizesBytes: readonly number[]): string | undefined {
  const pages = sizesBytes.map((size) => Math.ceil(size / pageBytes) * pageBytes);
  const total = pages.reduce((sum, size) => sum + size, 0);
  if (total <= totalLimitBytes) return undefined;
  return `with it the machine's secrets take ${total} bytes of memory, more than ${totalLimitBytes}`;
}
