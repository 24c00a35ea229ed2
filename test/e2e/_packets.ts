/** Packets that a machine or a host should not be able to send, and looking whether they arrive. */

import type { Host } from "../lab/host.ts";
import { inNetwork } from "./_firewall.ts";

/** Sends one ICMPv6 message, given as Perl's pack() writes it, by a raw socket; the kernel adds the checksum. */
const sender = `use Socket ":all"; my ($target, $device, $message) = @ARGV;
  socket(S, AF_INET6, SOCK_RAW, 58) or die $!;
  # IPV6_UNICAST_HOPS, IPV6_MULTICAST_HOPS: neighbour messages count with 255 only.
  setsockopt(S, 41, $_, pack("i", 255)) or die $! for 16, 18;
  my ($index) = \`cat /sys/class/net/$device/ifindex\`;
  my $scope = $target =~ /^f[ef]/ ? $index : 0;
  send(S, pack("H*", $message), 0, pack_sockaddr_in6(0, inet_pton(AF_INET6, $target), $scope)) or die $!`;

/** The words of a command that sends an ICMPv6 message. */
export function sendIcmpv6(target: string, device: string, message: Uint8Array): string[] {
  return ["perl", "-e", sender, target, device, message.toHex()];
}

/** "This address is mine": a neighbour advertisement that overrides what was known (RFC 4861, 4.4). */
export function neighbourAdvertisement(address: string, mac: string): Uint8Array {
  const bytes = (text: string) => Uint8Array.fromHex(text);
  return new Uint8Array([
    ...bytes("8800000020000000"),
    ...bytes(groupsOf(address).join("")),
    ...bytes(`0201${mac.replaceAll(":", "")}`),
  ]);
}

/** "I am a router": a router advertisement that holds for half an hour (RFC 4861, 4.2). */
export const routerAdvertisement = Uint8Array.fromHex("86000000400007080000000000000000");

/** "Packet too big" for a packet that nobody sent (RFC 4443, 3.2). */
export const strayError = Uint8Array.fromHex(`0200000000000500${"60".padEnd(96, "0")}`);

/** Eight groups of four digits. */
function groupsOf(address: string): string[] {
  const [head = "", tail] = address.split("::");
  const groups = (text: string) => text.split(":").filter((group) => group !== "");
  const missing = tail === undefined ? 0 : 8 - groups(head).length - groups(tail).length;
  return [...groups(head), ...Array<string>(missing).fill("0"), ...groups(tail ?? "")].map(
    (group) => group.padStart(4, "0"),
  );
}

/** Where packets that may not arrive go, and one that does. */
export interface Watch {
  readonly host: Host;
  /** The machine whose host0 is watched. */
  readonly machine: string;
  /** pcap-filter(7). */
  readonly filter: string;
}

/**
 * What arrives at a machine while something is sent: all lines of tcpdump(8) up to a ping from the host,
 * which comes last.
 */
export async function arrivals(
  { host, machine, filter }: Watch,
  address: string,
  send: () => Promise<unknown>,
): Promise<string[]> {
  const last = "length 1008";
  const words = ["tcpdump", "-l", "-n", "-i", "host0", `(${filter}) or (icmp6 and greater 1000)`];
  const leader = ["mbctl", "machines", "shell", machine, "--network-only", "--"];
  await using tcpdump = host.start([...leader, ...words]);
  await tcpdump.waitForOutput(/listening on/);
  await send();
  await host.run(["ping", "-c1", "-W5", "-s1000", address]);
  await tcpdump.waitForOutput(new RegExp(`echo request.* ${last}`));
  const lines = tcpdump.stdout().split("\n");
  return lines.filter((line) => line !== "" && !line.includes(last));
}

/** Runs a program in a machine's network while it has one more address. */
export async function withAddress(
  host: Host,
  machine: string,
  address: string,
  argv: readonly string[],
): Promise<void> {
  const length = address.includes(":") ? "128" : "32";
  const script = `ip addr add "$1/${length}" dev host0 $2; shift 2; "$@"; true`;
  const nodad = address.includes(":") ? "nodad" : "";
  try {
    await inNetwork(host, machine, ["sh", "-c", script, "sh", address, nodad, ...argv]);
  } finally {
    await inNetwork(host, machine, ["ip", "addr", "del", `${address}/${length}`, "dev", "host0"]);
  }
}
