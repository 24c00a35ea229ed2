/** Ethernet frames as no ordinary program would send them, written byte by byte. */

import { parseIpv6 } from "../../lib/address/ipv6.ts";

const bytes = (hex: string) => Uint8Array.fromHex(hex.replaceAll(":", ""));
const address = (text: string) => bytes(parseIpv6(text).toString(16).padStart(32, "0"));
const word = (value: number) => [value >> 8, value & 255];

/** Sends frames in the order given, in the network that it runs in (packet(7)). */
const sender = `my ($device, @frames) = @ARGV;
  socket(S, 17, 3, 0) or die $!;
  # SIOCGIFINDEX
  ioctl(S, 0x8933, my $request = pack("a16x24", $device)) or die $!;
  my $index = unpack("x16l", $request);
  send(S, pack("H*", $_), 0, pack("SnlSCCa8", 17, 0, $index, 0, 0, 6, "")) or die $! for @frames`;

/** The words of a command that sends frames. */
export function sendFrames(device: string, frames: readonly Uint8Array[]): string[] {
  return ["perl", "-e", sender, device, ...frames.map((frame) => frame.toHex())];
}

/** A frame of IPv6, from a MAC address that nobody has. */
export function ipv6Frame(
  mac: string,
  [from, to]: readonly [from: string, to: string],
  nextHeader: number,
  payload: Uint8Array,
  source = "02:00:00:00:00:77",
): Uint8Array {
  const header = [0x60, 0, 0, 0, ...word(payload.length), nextHeader, 255];
  return new Uint8Array([
    ...bytes(mac),
    ...bytes(source),
    ...word(0x86dd),
    ...header,
    ...address(from),
    ...address(to),
    ...payload,
  ]);
}

/** A message in two pieces, the first of 16 bytes, each behind a fragment header (RFC 8200, 4.5). */
export function twoPieces(nextHeader: number, message: Uint8Array): [Uint8Array, Uint8Array] {
  const piece = (offsetAndMore: number, part: Uint8Array) =>
    new Uint8Array([nextHeader, 0, ...word(offsetAndMore), 0, 0, 0x7d, 7, ...part]);
  return [piece(1, message.subarray(0, 16)), piece(16, message.subarray(16))];
}

/** A datagram of UDP. */
export function datagram(
  [from, to]: readonly [from: string, to: string],
  port: number,
  text: string,
): Uint8Array {
  const data = new TextEncoder().encode(text);
  const message = new Uint8Array([
    ...word(5555),
    ...word(port),
    ...word(8 + data.length),
    0,
    0,
    ...data,
  ]);
  return withChecksum([from, to], 17, 6, message);
}

/** Fills in the checksum of UDP or ICMPv6 (RFC 8200, 8.1). */
export function withChecksum(
  [from, to]: readonly [from: string, to: string],
  protocol: number,
  at: number,
  message: Uint8Array,
): Uint8Array {
  const pseudo = [...address(from), ...address(to), 0, 0, ...word(message.length), 0, 0, 0];
  const all = [...pseudo, protocol, ...message, 0];
  let sum = 0;
  for (let index = 0; index + 1 < all.length; index += 2)
    sum += ((all[index] ?? 0) << 8) + (all[index + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  const filled = message.slice();
  filled.set(word(~sum & 0xffff), at);
  return filled;
}
