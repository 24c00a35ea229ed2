/**
 * The service manager of a running machine, asked and told from the host. What it says is the machine's word.
 *
 * @module
 */

import { DEFAULT_PATH } from "../env/split_environment.ts";
import { MbctlError } from "../errors.ts";
import { type Host, undisturbed } from "../host/host.ts";
import { intoCgroupOf, isOwnInit } from "../host/namespaces.ts";
import { childEnvironment } from "../host/run.ts";
import { readLeader } from "../host/systemd.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { enterBounded } from "../watch/enter_as.ts";
import { readEntrance } from "../watch/machine_entry.ts";

/** A service that stops may take so long, and its manager must not hold us up for ever. */
const controlTimeoutMs = 150_000;
const askTimeoutMs = 5000;
/** More than a thousand applications say. */
const answerLimitBytes = 1024 * 1024;

/** How a program of a machine is run in it. */
export interface MachineSystemd {
  readonly leader: number;
  /** Runs systemctl; its exit code is not looked at. */
  systemctl(words: readonly string[]): Promise<string>;
  /** The same with networkctl. */
  networkctl(words: readonly string[]): Promise<string>;
}

/** The systemd of a machine; undefined where it does not run, or has none. */
export async function findSystemd(
  host: Host,
  name: MachineName,
  timeoutMs = askTimeoutMs,
): Promise<MachineSystemd | undefined> {
  if (!host.isLive) return undefined;
  const leader = await readLeader(host.run, name);
  if (leader === undefined || !isOwnInit(leader)) return undefined;
  const enter = enterBounded(readEntrance(leader, leader), { uid: 0, gid: 0 });
  if (enter === undefined) return undefined;
  // What goes by the name of systemctl there may be anything: the machine's limits hold for it.
  const run = async (words: readonly string[]) => {
    const { stdout } = await host.run([...intoCgroupOf(leader), ...enter, ...words], {
      timeoutMs,
      env: machineEnvironment(),
      outputLimitBytes: answerLimitBytes,
      allowExitCodes: anyExitCode,
    });
    return stdout;
  };
  return {
    leader,
    systemctl: async (words) => await run(["systemctl", ...words]),
    networkctl: async (words) => await run(["networkctl", ...words]),
  };
}

/** Nothing of ours: proxies with passwords may be in it. */
function machineEnvironment(): Record<string, string | undefined> {
  const none = Object.keys(childEnvironment()).map((name) => [name, undefined]);
  return { ...Object.fromEntries(none), PATH: DEFAULT_PATH };
}

const anyExitCode = Array.from({ length: 256 }, (_, code) => code);

/**
 * Tells the systemd of a machine what to do, where it runs. A failure is a warning: what is on the disk counts from the
 * machine's next start.
 */
export async function tellSystemd(
  host: Host,
  name: MachineName,
  commands: readonly (readonly string[])[],
  warn: (text: string) => void,
): Promise<void> {
  try {
    const systemd = await findSystemd(undisturbed(host), name, controlTimeoutMs);
    for (const words of commands) await systemd?.systemctl(words);
  } catch (error) {
    if (!(error instanceof MbctlError)) throw error;
    warn(`"${name}" was not told: ${error.message}; it counts from its next start`);
  }
}
