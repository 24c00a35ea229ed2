/**
 * How a program is run in a machine: by programs of the host alone, or with a script for the
 * busybox of man8s-init behind them, where something is left to do inside. No value of a variable
 * stands on a command line of the host.
 *
 * @module
 */

import type { EnvEntry } from "../env/env_entry.ts";
import { quoteLine } from "../env/posix_sh.ts";
import { MbctlError } from "../errors.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { enterBounded, enterUnprivileged, type Entrance } from "./enter_as.ts";
import script from "./exec_in_machine.sh" with { type: "text" };
import type { UserIds } from "./image_user.ts";

export interface ExecRequest {
  readonly machine: MachineName;
  readonly entrance: Entrance;
  /** What the program gets, the last of a name counting. */
  readonly environment: readonly EnvEntry[];
  /** Whether a variable must not stand in the environment of a program of the host. */
  readonly isUnsafe: (entry: EnvEntry) => boolean;
  readonly user: UserIds;
  /** Undefined: that of the machine's program. */
  readonly directory?: string | undefined;
  /** The busybox of man8s-init in the machine; undefined where it has none. */
  readonly busybox: string | undefined;
  /** Whether it is a whole system, which has a shell and setpriv(1) of its own for what busybox does elsewhere. */
  readonly isSystem?: boolean | undefined;
  /** The program and its arguments; found in the machine's PATH where it has no slash. */
  readonly command: readonly string[];
  /** Its path in the machine: busybox would take an applet of its own of that name. */
  readonly programPath: string;
}

export interface ExecPlan {
  readonly argv: readonly string[];
  /** Its whole environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** What is left out: there is no man8s-init to do it, or it may not. */
  readonly missing: readonly string[];
}

/** Variables that ash itself sets, computes or obeys, and those of the script. */
const ofTheShell =
  /^(IFS|OPTIND|OPTARG|LINENO|RANDOM|EPOCH.*|PPID|PWD|OLDPWD|SHLVL|PS[0-9]|FUNCNAME|HIST.*|MAIL.*|_|MBCTL_WORD.*|mbctl_.*)$/;

/**
 * Plans the run.
 *
 * @throws {MbctlError} (conflict) where nobody can enter the machine as that user with its capabilities alone.
 */
export function planExec(request: ExecRequest): ExecPlan {
  const { entrance, user, directory, busybox, isSystem, command, programPath, isUnsafe } = request;
  const entries = [...new Map(request.environment)];
  const variables = entries.filter(isUnsafe).map(([name]) => `the variable ${name}`);
  const needs = [
    ...(directory === undefined ? [] : ["another working directory"]),
    ...(user.groups.length === 0 ? [] : ["supplementary groups"]),
    ...variables,
  ];
  const asUser = enterBounded(entrance, user);
  const asRoot = enterBounded(entrance, { uid: 0, gid: 0 });
  const safe = Object.fromEntries(entries.filter((entry) => !isUnsafe(entry)));
  if (asUser === undefined || asRoot === undefined) {
    const words = enterUnprivileged(entrance, user, directory);
    if (words === undefined) throw lacksCapabilities(request);
    return { argv: [...words, ...command], environment: safe, missing: variables };
  }
  const shell =
    busybox === undefined
      ? ["/bin/sh", "-c", script, "sh"]
      : [busybox, "sh", "-c", script, busybox];
  if (needs.length === 0 || (busybox === undefined && isSystem !== true)) {
    return { argv: [...asUser, ...command], environment: safe, missing: needs };
  }
  const isWord = (entry: EnvEntry) =>
    isUnsafe(entry) || !/^[A-Za-z_]\w*$/.test(entry[0]) || ofTheShell.test(entry[0]);
  const words = entries.filter(isWord);
  return {
    argv: [
      ...asRoot,
      ...shell,
      ...[`${user.uid}`, `${user.gid}`],
      ...[user.groups.join(busybox === undefined ? "," : " "), directory ?? ""],
      programPath,
      ...command.slice(1),
    ],
    environment: {
      ...Object.fromEntries(entries.filter((entry) => !isWord(entry))),
      ...Object.fromEntries(
        words.map(([name, value], index) => [`MBCTL_WORD_${index + 1}`, `${name}=${value}`]),
      ),
      MBCTL_WORDS: `${words.length}`,
    },
    missing: [],
  };
}

function lacksCapabilities({ machine, command }: ExecRequest): MbctlError {
  return new MbctlError(
    "conflict",
    `Cannot run a command in "${machine}" with its capabilities alone: it lacks those that the entry takes`,
    {
      hint: `as its root, by another way: mbctl machines shell ${machine} -- ${quoteLine(command)}`,
    },
  );
}
