import { usageError } from "../errors.ts";

/** One environment variable: its name and its value, both verbatim. */
export type EnvEntry = readonly [name: string, value: string];

/**
 * Whether a POSIX shell could assign this name (`NAME=value`, `export NAME`).
 * `my.var` and `1st` are legal in an environment block, but no shell can set them.
 */
export function isShellIdentifier(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
}

/**
 * Checks a name for `man8env.env`. The kernel wants no NUL and no `=`; a line
 * break would end the line, and a leading `#` would make it a comment.
 *
 * @throws MbctlError (usage) that quotes the name
 */
export function checkEnvName(name: string): void {
  const refuse = (state: string) =>
    usageError(
      `Cannot set the environment variable ${JSON.stringify(name)}: ${state}`,
      "rename the variable; letters, digits and underscores are safe everywhere",
    );
  if (name === "") throw refuse("the name is empty");
  if (name.includes("=")) throw refuse("the name holds an equals sign");
  if (name.includes("\n")) throw refuse("the name holds a line break");
  if (name.includes("\0")) throw refuse("the name holds a NUL");
  if (name.startsWith("#"))
    throw refuse("the name begins with #, which starts a comment in man8env.env");
}

/**
 * Reads `NAME=value`, as `--env` takes it; the value is verbatim, and may be empty.
 *
 * @throws MbctlError (usage) without an equals sign, or for a name that cannot be set
 */
export function parseEnvArgument(text: string): EnvEntry {
  const at = text.indexOf("=");
  if (at < 0) {
    throw usageError(
      `Cannot set the environment variable ${JSON.stringify(text)}: it has no "="`,
      "write NAME=VALUE",
    );
  }
  const name = text.slice(0, at);
  checkEnvName(name);
  return [name, text.slice(at + 1)];
}
