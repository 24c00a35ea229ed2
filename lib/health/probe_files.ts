/**
 * What check_health.sh reads of a machine: its settings, and what it runs in the machine.
 *
 * @module
 */

import { quoteWord, quoteWords } from "../env/posix_sh.ts";
import type { HealthCheck, HealthProbe } from "../spec/health_check.ts";

/** One machine's check, with what the host's script has to know of the machine. */
export interface MachineCheck {
  readonly check: HealthCheck;
  /** The longest pause between two probes while the machine starts. */
  readonly startIntervalMs: number;
  /** The program's working directory, absolute. */
  readonly workingDirectory: string;
  /**
   * Whether the machine's process 1 is its own, and not systemd-nspawn's: `Boot=yes`. Such a system has no man8s-init: its
   * own /bin/sh reads the probe.
   */
  readonly isBooted: boolean;
  /** What a line is given to: the image's SHELL, else `/bin/sh -c`. */
  readonly shell: readonly string[];
  /** The host's static busybox. */
  readonly busybox: string;
}

/** How long a machine may go without one good answer since its start, until it is unhealthy. */
export function startPatienceMs({ startPeriodMs, intervalMs, retries }: HealthCheck): number {
  return startPeriodMs + retries * intervalMs;
}

/** Renders `NAME.conf`: variables, in hundredths of a second where the script counts, in seconds where programs do. */
export function renderSettings(machine: MachineCheck): string {
  const { check, startIntervalMs, workingDirectory, isBooted, busybox } = machine;
  const { probe, intervalMs, timeoutMs, retries, onFailure } = check;
  const hundredths = (ms: number) => `${Math.ceil(ms / 10)}`;
  const values: Readonly<Record<string, string>> = {
    kind: probe.kind === "shell" ? "command" : probe.kind,
    busybox,
    ...(probe.kind === "http" ? { port: `${probe.port}`, path: probe.path } : {}),
    ...(probe.kind === "tcp" ? { port: `${probe.port}` } : {}),
    ...(isCommand(probe) ? { directory: workingDirectory, process: isBooted ? "1" : "2" } : {}),
    ...(isBooted ? { shell: "/bin/sh" } : {}),
    timeout: (timeoutMs / 1000).toFixed(3),
    patience: hundredths(startPatienceMs(check)),
    longest: hundredths(Math.min(startIntervalMs, intervalMs)),
    retries: `${retries}`,
    on_failure: onFailure,
  };
  const lines = Object.entries(values).map(([name, value]) => `${name}=${quoteWord(value)}\n`);
  return `# Rendered by mbctl: the health check of a machine.\n${lines.join("")}`;
}

/** What is left of the shell's own when the program begins (init-templates/90-exec.sh). */
const leave = "unset PWD OLDPWD SHLVL PPID OPTIND IFS PS1 PS4";

/**
 * Renders `NAME.sh`: run in the machine by man8s-init's busybox, as the program's user, after lines that set the
 * program's environment. Undefined where nothing runs in the machine.
 *
 * @throws {MbctlError} (usage) for a word with a NUL.
 */
export function renderProbe({ check, shell, isBooted }: MachineCheck): string | undefined {
  const { probe } = check;
  if (!isCommand(probe)) return undefined;
  const words = probe.kind === "command" ? probe.words : [...shell, probe.line];
  const missing =
    probe.kind === "command" ? "there is no program" : "a shell is needed, and there is no";
  // The shell would rather run an applet of its own than a program of that name, so it is given a path
  // (execvp(3); an empty element of PATH is the working directory).
  return `set -- ${quoteWords(words)}
m8_program=$1
case $1 in
*/*) ;;
*)
	m8_rest=\${PATH-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}:
	while [ -n "$m8_rest" ]; do
		m8_program=\${m8_rest%%:*}
		m8_program=\${m8_program:-.}/$1
		m8_rest=\${m8_rest#*:}
		if [ -f "$m8_program" ] && [ -x "$m8_program" ]; then break; fi
	done
	;;
esac
if ! [ -x "$m8_program" ]; then
	printf '%s "%s" in the image\\n' ${quoteWord(missing)} "$1"
	exit 127
fi
shift
${isBooted ? "" : `${leave}\n`}exec "$m8_program" "$@" </dev/null
`;
}

function isCommand(
  probe: HealthProbe,
): probe is Extract<HealthProbe, { kind: "command" | "shell" }> {
  return probe.kind === "command" || probe.kind === "shell";
}
