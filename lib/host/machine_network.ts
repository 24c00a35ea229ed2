/**
 * The network of a running machine, and the bridge, by the host's own ip(8).
 *
 * @module
 */

import { formatIpv6, type Ipv6, parseIpv6 } from "../address/ipv6.ts";
import { MbctlError } from "../errors.ts";
import type { MachineName } from "../spec/machine_name.ts";
import type { IpCommand, PresentNetwork, PresentRoute } from "../network/machine_routes.ts";
import { interrupted, type Run } from "./run.ts";
import { readLeader } from "./systemd.ts";

const timeoutMs = 20_000;

/** Runs ip(8) in the network of a machine; one that has ended meanwhile needs nothing. */
export async function runInMachine(
  run: Run,
  name: MachineName,
  commands: readonly IpCommand[],
): Promise<void> {
  const leader = await readLeader(run, name);
  if (leader === undefined) return;
  for (const words of commands) await run([...inNetworkOf(leader), ...words], { timeoutMs });
}

/**
 * Reads the IPv6 addresses and routes of a machine.
 *
 * @returns undefined when it does not run, or has no such interface.
 */
export async function readMachineNetwork(
  run: Run,
  name: MachineName,
  device: string,
): Promise<PresentNetwork | undefined> {
  const leader = await readLeader(run, name);
  if (leader === undefined) return undefined;
  const ask = async (...words: string[]) => {
    const argv = [...inNetworkOf(leader), "-6", "-json", ...words];
    // 1: there is no such interface.
    const { stdout } = await run(argv, { timeoutMs, allowExitCodes: [0, 1] });
    return stdout.trim() === "" ? [] : (JSON.parse(stdout) as Record<string, unknown>[]);
  };
  const links = await ask("addr", "show", "dev", device);
  if (links.length === 0) return undefined;
  const rules = await ask("rule", "show");
  return {
    addresses: addressesOf(links),
    routes: (await ask("route", "show", "table", "all")) as unknown as PresentRoute[],
    hasRule: rules.some(({ priority, table }) => priority === 199 && String(table) === "199"),
  };
}

function inNetworkOf(leader: number): string[] {
  return ["nsenter", `--net=/proc/${leader}/ns/net`, "ip"];
}

/** The addresses in an answer of `ip -json addr`; ip(8) before 6.2 gives empty objects for other links. */
function addressesOf(links: readonly Record<string, unknown>[]): Ipv6[] {
  return links.flatMap(({ addr_info }) =>
    ((addr_info ?? []) as { local?: string }[]).flatMap(({ local }) =>
      local === undefined ? [] : [parseIpv6(local)],
    ),
  );
}

/** A bridge, its new address, and what makes its manager give it. */
export interface BridgeRenumbering {
  readonly bridge: string;
  readonly address: string;
  readonly commands: readonly (readonly string[])[];
}

/**
 * Runs what makes the bridge's manager read its files anew, and waits until the bridge has a mesh address and no other.
 *
 * @throws {MbctlError} (failed) when that does not come about.
 */
export async function renumberBridge(
  run: Run,
  { bridge, address, commands }: BridgeRenumbering,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const argv of commands) await run(argv, { timeoutMs });
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const present = await readMeshAddresses(run, bridge);
    if (present.length === 1 && present[0] === parseIpv6(address)) return;
    if (signal?.aborted) throw interrupted();
    if (performance.now() > deadline) {
      throw new MbctlError(
        "failed",
        `Cannot give "${bridge}" the address ${address} alone: it has ${present.map(formatIpv6).join(", ") || "none"}`,
        { hint: `ip address show ${bridge}` },
      );
    }
    await Bun.sleep(50);
  }
}

/** The addresses in 300::/8 of an interface of the host; none where there is no such interface. */
export async function readMeshAddresses(run: Run, device: string): Promise<Ipv6[]> {
  const argv = ["ip", "-6", "-json", "addr", "show", "dev", device];
  const { stdout } = await run(argv, { timeoutMs, allowExitCodes: [0, 1] });
  return addressesOf(stdout.trim() === "" ? [] : JSON.parse(stdout)).filter(
    (address) => address >> 120n === 3n,
  );
}
