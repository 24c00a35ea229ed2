/**
 * The same machine with its mesh address set in plain ways: with duplicate address detection, as everybody else
 * has it. All else is mbctl's: unit, nspawn file, bridge, firewall, the address itself.
 *
 * @module
 */
import { join } from "node:path";
import type { Host } from "../lab/host.ts";
import { hostImage } from "../lab/host_image.ts";
import { run } from "../lab/run.ts";

/** A machine whose nspawn file was edited. */
export interface Peer {
  readonly name: string;
  readonly address: string;
}

const configuration = (name: string) => `/var/lib/man8machine_configs/${name}/container.nspawn`;

/** What runs instead of man8s-init. $1: the address, $2: the host's prefix. */
const plainScript =
  "ip link set host0 up && ip -6 addr add $1/64 dev host0 && ip -6 route add 200::/7 via $2::1 dev host0 && : >/out/started && exec sleep 1000";

/** Commands of ip(8) in place of man8s-init; `pull` has made the machine. */
export async function makePlain(host: Host, { name, address }: Peer): Promise<void> {
  const words = `/man8s-init/busybox sh -c "${plainScript}" sh ${address} ${prefixOf(address)}`;
  await host.sh('sed -i "s|^Parameters=.*|Parameters=$2|" "$1"', [
    configuration(name),
    // Backslashes keep sed from taking `&` for what it matched.
    words.replaceAll("&", "\\&"),
  ]);
}

/** A Debian whose systemd-networkd sets the address: the root tree of a lab host in place of the image's. */
export async function makeNetworkd(host: Host, { name, address }: Peer): Promise<void> {
  const tree = `/var/lib/man8machines/${name}`;
  const outside = join(host.dir, "root", tree);
  await run(["rm", "-rf", outside]);
  await run(["cp", "-a", "--reflink=auto", await hostImage(host.os), outside], {
    timeoutMs: 120_000,
  });
  await host.writeFile(
    `${tree}/etc/systemd/network/10-host0.network`,
    `[Match]\nName=host0\n[Network]\nDHCP=yes\nAddress=${address}/64\n[Route]\nDestination=200::/7\nGateway=${prefixOf(address)}::1\n`,
  );
  await host.sh(
    'sed -i "s/^Boot=.*/Boot=yes/; /^ProcessTwo=/d; /^Parameters=/d; /^WorkingDirectory=/d" "$1"; : >"$2/man8env.env"',
    [configuration(name), tree],
  );
}

/** Of an address that has no `::` in its first half. */
function prefixOf(address: string): string {
  return address.split(":").slice(0, 4).join(":");
}
