/**
 * How a command gets into a lab host.
 *
 * @module
 */

export interface EnterOptions {
  /** Variables beside PATH, HOME, LANG and TERM; nothing of the outer environment gets in. */
  readonly env?: Readonly<Record<string, string>>;
  /** Working directory in the host; `/root` by default. */
  readonly cwd?: string;
}

const environment: Readonly<Record<string, string>> = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/root",
  LANG: "C.UTF-8",
  TERM: "xterm",
};

/** The host's cgroup for what we run in it; made at boot. */
export const commandCgroup = "/sys/fs/cgroup/lab-commands";

/**
 * The argument list that runs `argv` in the namespaces of a host's PID 1, in a cgroup
 * of that host, as root. The command dies when this nsenter dies.
 */
export function enterArgv(
  leader: number,
  argv: readonly string[],
  options: EnterOptions = {},
): string[] {
  const variables = Object.entries({ ...environment, ...options.env });
  return [
    ...[
      "nsenter",
      "--target",
      String(leader),
      "--mount",
      "--uts",
      "--ipc",
      "--net",
      "--pid",
      "--cgroup",
      "--wd",
      "--",
    ],
    ...["/usr/bin/env", "-i", ...variables.map(([key, value]) => `${key}=${value}`)],
    ...["setpriv", "--pdeathsig", "KILL", "--"],
    ...[
      "/bin/sh",
      "-c",
      `echo 0 >${commandCgroup}/cgroup.procs; cd "$1" && shift && unset OLDPWD && exec "$@"`,
      "sh",
    ],
    ...[options.cwd ?? "/root", ...argv],
  ];
}

/** Quotes a word for a POSIX shell. */
export function shellWord(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
