/** Looking at what goes over a host's links. */

import type { Host } from "../lab/host.ts";
import type { HostProcess } from "../lab/host_process.ts";
import { waitFor } from "../lab/wait_for.ts";
import { mbctl } from "./_lab.ts";

/** Runs a command of a machine's image in it, as root, given as words with blanks between; returns all that it writes. */
export async function inside(host: Host, name: string, command: string): Promise<string> {
  const { stdout, stderr } = await mbctl(host, [
    "machines",
    "shell",
    name,
    "--",
    ...command.split(" "),
  ]);
  return stdout + stderr;
}

/** A machine's leased address; empty without one. */
export async function ipv4Of(host: Host, name: string): Promise<string> {
  const shown = await inside(host, name, "ip -4 addr show dev host0");
  return /inet (10\.199\.0\.\d+)\/24 /.exec(shown)?.[1] ?? "";
}

/** Takes a TCP port of a host, as the unit "taker" of somebody whom mbctl does not know. */
export async function takePort(host: Host, port: number): Promise<void> {
  await host.sh(
    `systemd-run --quiet --unit=taker busybox nc -ll -p "$1" -e true
     until ss -Hltn "sport = :$1" | grep -q .; do sleep 0.05; done`,
    [`${port}`],
  );
}

/** Captures packets on a host's interface (tcpdump(8), pcap-filter(7)); returns once it listens. */
export async function capture(
  host: Host,
  device: string,
  filter: string,
  flags: readonly string[] = [],
): Promise<HostProcess> {
  const tcpdump = host.start(["tcpdump", "-l", "-n", "-tt", ...flags, "-i", device, filter]);
  await tcpdump.waitForOutput(/listening on/);
  return tcpdump;
}

/** Where an echo request comes from, as a host's interface sees it while `ping` runs. */
export async function sourceOfPing(
  host: Host,
  device: string,
  target: string,
  ping: () => Promise<unknown>,
): Promise<string> {
  await using tcpdump = await capture(host, device, `(icmp or icmp6) and dst host ${target}`);
  await ping();
  const [, source = ""] = await tcpdump.waitForOutput(/ IP6? (\S+) > \S+: ICMP6?,? echo request/);
  return source;
}

/** An acknowledged DHCP lease that went over the wire. */
export interface LeaseAck {
  /** When, in seconds since the epoch. */
  readonly atSec: number;
  readonly address: string;
  /** How long it holds. */
  readonly leaseSec: number;
}

/** The DHCP acknowledgements in the output of `capture(…, "udp port 67", ["-v"])`. */
export function leaseAcks(output: string): LeaseAck[] {
  return output.split(/^(?=\d+\.\d+ IP )/m).flatMap((packet) => {
    const at = /^\d+\.\d+/.exec(packet)?.[0];
    const address = /Your-IP (\S+)/.exec(packet)?.[1];
    const leaseSec = /Lease-Time[^:\n]*: (\d+)/.exec(packet)?.[1];
    if (
      !/DHCP-Message[^:\n]*: ACK/.test(packet) ||
      at === undefined ||
      address === undefined ||
      leaseSec === undefined
    )
      return [];
    return [{ atSec: Number(at), address, leaseSec: Number(leaseSec) }];
  });
}

/** Waits until a host reaches an address. */
export async function waitForPing(host: Host, address: string): Promise<void> {
  await waitFor(
    async () =>
      (await host.run(["ping", "-c1", "-W1", address], { allowFailure: true })).exitCode === 0,
    {
      what: `${host.name} to reach ${address}`,
      explain: async () => (await host.sh("ip addr; ip -6 route; nft list ruleset || true")).stdout,
    },
  );
}
