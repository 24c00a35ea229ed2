/**
 * Where each variable of a machine goes. The everyday ones (PATH, TERM, HOME, LANG) go into
 * the nspawn file, all others into man8env.env, verbatim. A value with a line
 * break fits neither grammar (systemd reads `Environment=` of a .nspawn file with quotes, but without
 * escapes), so it goes into the nspawn file as MAN8S_ESCAPED_KEY, which man8s-init decodes.
 *
 * @module
 */
import { usageError } from "../errors.ts";
import { checkEnvName, type EnvEntry, isShellIdentifier } from "./env_entry.ts";

/** Names beginning so are mbctl's own. */
const RESERVED_PREFIX = "MAN8S_";
/** Prefix of a variable whose value is escaped; the rest of the name is the variable. */
const ESCAPED_PREFIX = "MAN8S_ESCAPED_";

/** The variables that nspawn itself sets, or that a shell needs before the env file is read. */
const EVERYDAY = ["PATH", "TERM", "HOME", "LANG"] as const;

/** What most images assume, and Docker sets (github.com/moby/moby, oci/defaults); used when an image sets no PATH. */
export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const DEFAULTS: readonly EnvEntry[] = [
  ["PATH", DEFAULT_PATH],
  // The console of a unit is a pseudo-terminal without a person; systemd 262 would say "dumb".
  ["TERM", "xterm-256color"],
  ["LANG", "C.UTF-8"],
  // No HOME: man8s-init takes it from the image's passwd, unless the image or the user sets it.
];

export interface SplitEnvironment {
  /** For `Environment=` of the nspawn file: the everyday variables, then the escaped ones. */
  readonly nspawn: readonly EnvEntry[];
  /** For man8env.env, in the order of first appearance. */
  readonly file: readonly EnvEntry[];
}

/**
 * Merges the image's variables with the user's (the later one of a name wins,
 * the user's over the image's) and says where each goes.
 *
 * @throws MbctlError (usage) for a name that no file can hold, a name beginning with
 * MAN8S_, a NUL, or a line break in a variable whose name no shell can set
 */
export function splitEnvironment(
  image: readonly EnvEntry[],
  user: readonly EnvEntry[] = [],
): SplitEnvironment {
  const merged = new Map<string, string>();
  for (const [name, value] of [...image, ...user]) {
    checkEnvName(name);
    if (name.startsWith(RESERVED_PREFIX)) {
      throw usageError(
        `Cannot set the environment variable "${name}": names beginning with ${RESERVED_PREFIX} are mbctl's own`,
        "rename the variable",
      );
    }
    if (value.includes("\0")) {
      throw usageError(`Cannot set the environment variable "${name}": its value holds a NUL`);
    }
    merged.set(name, value);
  }

  const everyday = new Map(DEFAULTS);
  const escaped: EnvEntry[] = [];
  const file: EnvEntry[] = [];
  for (const [name, value] of merged) {
    const isEveryday = (EVERYDAY as readonly string[]).includes(name);
    // systemd takes a carriage return for an end of line too (read_line() in its fileio.c).
    if (value.includes("\n") || (isEveryday && value.includes("\r"))) {
      if (!isShellIdentifier(name)) {
        throw usageError(
          `Cannot set the environment variable "${name}": its value holds a line break, and its name is none that a shell can set`,
          `rename the variable, or take the line break out: --env '${name}=…'`,
        );
      }
      everyday.delete(name);
      escaped.push([`${ESCAPED_PREFIX}${name}`, escapeLineBreaks(value)]);
    } else if (isEveryday) {
      everyday.set(name, value);
    } else {
      file.push([name, value]);
    }
  }
  const ordered = EVERYDAY.flatMap((name): EnvEntry[] => {
    const value = everyday.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  return { nspawn: [...ordered, ...escaped], file };
}

/** Writes a backslash as `\\`, a line feed as `\n`, a carriage return as `\r`: a subset of what `printf %b` reads. */
export function escapeLineBreaks(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\r", "\\r");
}

/** The inverse of `escapeLineBreaks()`; a backslash before any other character stays. */
export function unescapeLineBreaks(text: string): string {
  return text.replace(/\\([\\nr])/g, (_, letter: string) =>
    letter === "n" ? "\n" : letter === "r" ? "\r" : "\\",
  );
}
