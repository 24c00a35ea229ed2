/** The labs of the end-to-end tests: which hosts they boot, and running mbctl in them. */

import type { Host, HostRunOptions } from "../lab/host.ts";
import { type HostOs, hostOses } from "../lab/host_image.ts";
import type { RunResult } from "../lab/run.ts";

/** The hosts to test on: all, or those in MBCTL_LAB_HOSTS (`make test-e2e HOST=debian12`). */
export const testedHosts: readonly HostOs[] = chosen(process.env.MBCTL_LAB_HOSTS ?? "");

/** The same for what does not differ from one system to the next: one of them. */
export const testedHost: readonly HostOs[] = testedHosts.includes("debian13")
  ? ["debian13"]
  : testedHosts.slice(0, 1);

/** Long enough for the first boot ever, which makes the host's root tree. */
export const labTimeoutMs = 600_000;
/** Long enough for one test in a lab. */
export const testTimeoutMs = 240_000;

/** Runs mbctl in a host; a failure is a result like any other. */
export async function mbctl(
  host: Host,
  words: readonly string[],
  options: Omit<HostRunOptions, "allowFailure"> = {},
): Promise<RunResult> {
  return await host.run(["mbctl", ...words], { ...options, allowFailure: true });
}

/**
 * Runs mbctl in a host and wants it to succeed.
 *
 * @returns its standard output, without the last line's end.
 */
export async function mbctlOut(
  host: Host,
  words: readonly string[],
  options: HostRunOptions = {},
): Promise<string> {
  const { exitCode, stdout, stderr } = await mbctl(host, words, options);
  if (exitCode !== 0)
    throw new Error(`mbctl ${words.join(" ")} exited with ${exitCode}:\n${stdout}${stderr}`);
  return stdout.trimEnd();
}

/** All names below the folders that mbctl writes to; locks, which stay, are left out. */
export async function tracesOfMachines(host: Host): Promise<string[]> {
  const { stdout } = await host.sh(
    `find /var/lib/man8machines /var/lib/man8machine_configs /var/lib/man8machine_storage \
       /etc/systemd/nspawn /var/lib/machines -mindepth 1 -maxdepth 1 2>/dev/null || true
     find /etc/systemd/system -name 'systemd-nspawn@*'`,
  );
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .sort();
}

function chosen(text: string): readonly HostOs[] {
  const names = text.split(/[ ,]+/).filter((name) => name !== "");
  if (names.length === 0) return hostOses;
  return names.map((name) => {
    const os = hostOses.find((known) => known === name);
    if (os === undefined)
      throw new Error(`MBCTL_LAB_HOSTS names "${name}": there are ${hostOses.join(", ")}`);
    return os;
  });
}
