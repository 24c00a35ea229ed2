/**
 * Where the health checks of machines lie, as the host itself sees them.
 *
 * @module
 */

import { hostSecretsFolder } from "../nspawn/secret_unit.ts";
import type { MachineName } from "../spec/machine_name.ts";

/** The script of all checks (check_health.sh), and the part of it that begins with a machine's start. */
export const healthScript = "/var/lib/mbctl/check_health.sh";
export const startScript = "/var/lib/mbctl/start_health.sh";

/** What is asked; root's alone, as a command may hold secrets. */
export const healthFolder = "/var/lib/mbctl/health";

/** One machine's files. */
export interface HealthPaths {
  /** Variables for the script (probe_files.ts). */
  readonly settings: string;
  /** What runs in the machine. */
  readonly probe: string;
  /** What the script keeps while the machine runs; root's alone. */
  readonly found: {
    /** What was found last (health_report.ts). */
    readonly state: string;
    /** What the probe wrote last; it may be secret. */
    readonly output: string;
    /** The machine's program: its number, its user. */
    readonly program: string;
    /**
     * What is given to the shell in the machine: the program's environment, and {@linkcode HealthPaths.probe}. Of a machine
     * that has secrets it lies among them.
     */
    readonly input: string;
    readonly secretInput: string;
    /** Pipes: of exit codes, and of what is sent to a web server. */
    readonly answer: string;
    readonly request: string;
    /** State and output on their way: a check that is stopped leaves them. */
    readonly nextState: string;
    readonly nextOutput: string;
  };
}

/** The files of the machine `name`. */
export function healthPaths(name: MachineName): HealthPaths {
  const found = `/run/mbctl/health/${name}`;
  return {
    settings: `${healthFolder}/${name}.conf`,
    probe: `${healthFolder}/${name}.sh`,
    found: {
      state: `${found}.state`,
      output: `${found}.output`,
      program: `${found}.app`,
      input: `${found}.probe`,
      secretInput: `${hostSecretsFolder(name)}/.probe`,
      answer: `${found}.answer`,
      request: `${found}.request`,
      nextState: `/run/mbctl/health/.${name}.new`,
      nextOutput: `/run/mbctl/health/.${name}.output`,
    },
  };
}
