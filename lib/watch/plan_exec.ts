/**
 * How a program is run in a machine: by nsenter(1) of the host alone, or with a script for the
 * busybox of man8s-init behind it, where something is left to do inside. No value of a variable
 * stands on a command line of the host.
 *
 * @module
 */

import type { EnvEntry } from "../env/env_entry.ts";
import script from "./exec_in_machine.sh" with { type: "text" };
import type { UserIds } from "./image_user.ts";

export interface ExecRequest {
  /** Options of nsenter that bring a process into the machine. */
  readonly enter: readonly string[];
  /** What the program gets, the last of a name counting. */
  readonly environment: readonly EnvEntry[];
  /** Whether a variable must not stand in the environment of a program of the host. */
  readonly isUnsafe: (entry: EnvEntry) => boolean;
  readonly user: UserIds;
  /** Undefined: that of the machine's program. */
  readonly directory?: string | undefined;
  /** The busybox of man8s-init in the machine; undefined where it has none. */
  readonly busybox: string | undefined;
  /** The program and its arguments; found in the machine's PATH where it has no slash. */
  readonly command: readonly string[];
  /** Its path in the machine: busybox would take an applet of its own of that name. */
  readonly programPath: string;
}

export interface ExecPlan {
  readonly argv: readonly string[];
  /** nsenter's whole environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** What is left out, as there is no man8s-init to do it. */
  readonly missing: readonly string[];
}

/** Variables that ash itself sets, computes or obeys, and those of the script. */
const ofTheShell =
  /^(IFS|OPTIND|OPTARG|LINENO|RANDOM|EPOCH.*|PPID|PWD|OLDPWD|SHLVL|PS[0-9]|FUNCNAME|HIST.*|MAIL.*|_|MBCTL_WORD.*|mbctl_.*)$/;

/** Plans the run. */
export function planExec(request: ExecRequest): ExecPlan {
  const { enter, user, directory, busybox, command, programPath, isUnsafe } = request;
  const entries = [...new Map(request.environment)];
  const unsafe = entries.filter(isUnsafe);
  const needs = [
    ...(directory === undefined ? [] : ["another working directory"]),
    ...(user.groups.length === 0 ? [] : ["supplementary groups"]),
    ...unsafe.map(([name]) => `the variable ${name}`),
  ];
  if (needs.length === 0 || busybox === undefined) {
    return {
      argv: ["nsenter", ...enter, `--setgid=${user.gid}`, `--setuid=${user.uid}`, "--", ...command],
      environment: Object.fromEntries(entries.filter((entry) => !isUnsafe(entry))),
      missing: needs,
    };
  }
  const isWord = (entry: EnvEntry) =>
    isUnsafe(entry) || !/^[A-Za-z_]\w*$/.test(entry[0]) || ofTheShell.test(entry[0]);
  const words = entries.filter(isWord);
  return {
    argv: [
      "nsenter",
      ...enter,
      // As root of the machine; the caller's own groups are left behind.
      "--setgid=0",
      "--setuid=0",
      "--",
      ...[busybox, "sh", "-c", script, busybox],
      ...[`${user.uid}`, `${user.gid}`, user.groups.join(" "), directory ?? ""],
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
