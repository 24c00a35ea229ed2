/** What a test asks of a machine's health. */

import type { Host } from "../lab/host.ts";
import { waitFor } from "../lab/wait_for.ts";
import { mbctlOut } from "./_lab.ts";

/** What `machines list --json` says of a machine's health. */
export async function healthOf(host: Host, name: string): Promise<string | undefined> {
  const { machines } = JSON.parse(await mbctlOut(host, ["machines", "list", "--json"])) as {
    machines: { name: string; health?: string }[];
  };
  return machines.find((machine) => machine.name === name)?.health;
}

/** Waits until a machine is healthy, unhealthy… */
export async function waitForHealth(host: Host, name: string, health: string): Promise<void> {
  await waitFor(async () => (await healthOf(host, name)) === health, {
    what: `${name} to be ${health}`,
    explain: async () =>
      (
        await host.sh(
          'tail -n 50 /run/mbctl/health/"$1".*; journalctl -n 50 --no-pager -u "mbctl-*$1*"',
          [name],
          { allowFailure: true },
        )
      ).stdout,
  });
}

/** What the last probe wrote. */
export async function outputOf(host: Host, name: string): Promise<string> {
  return (await host.run(["cat", `/run/mbctl/health/${name}.output`])).stdout;
}

/** Gives a machine a health check of the user's, in place of another. */
export async function setHealth(host: Host, name: string, lines: string): Promise<void> {
  await host.sh(
    `file=/var/lib/man8machine_configs/$1/machine.toml
     sed -i '/^\\[health\\]/,$d' "$file"; printf '\\n[health]\\n%s\\n' "$2" >>"$file"; exec mbctl host reload`,
    [name, lines],
  );
}

/** Runs a line in a machine, as its root. */
export async function sh(host: Host, name: string, line: string): Promise<string> {
  return await mbctlOut(host, ["machines", "shell", name, "--", "/bin/sh", "-c", line]);
}

/** One property of a unit. */
export async function property(host: Host, unit: string, key: string): Promise<string> {
  const { stdout } = await host.run(["systemctl", "show", `--property=${key}`, "--value", unit]);
  return stdout.trim();
}
