/**
 * The networks that a bridge has already: by an earlier set-up, or by hand.
 *
 * @module
 */

import { prefixOf, suffixOf } from "../address/ipv6.ts";
import { gatewayIpv4, ipv4Lengths } from "../network/host_network.ts";
import { parseIpv4Network, formatIpv4, type Ipv4 } from "../network/ipv4.ts";
import type { NetworkWishes } from "./choose_network.ts";
import type { HostFacts } from "./host_facts.ts";
import { networkOf, type SetupFacts } from "./record.ts";

/** What is set up already; undefined where nothing is, or nothing that a bridge of machines could have. */
export function presentNetworks(
  { interfaces }: Pick<HostFacts, "interfaces">,
  bridge: string,
  done: SetupFacts | undefined,
): NetworkWishes {
  if (done !== undefined) return networkOf(done);
  const addresses = interfaces.find(({ name }) => name === bridge)?.addresses ?? [];
  const ula = addresses.flatMap((found) =>
    found.family === 6 &&
    found.length === 64 &&
    found.address >> 120n === 0xfdn &&
    suffixOf(found.address) === 1n
      ? [prefixOf(found.address)]
      : [],
  );
  const ipv4 = addresses.flatMap((found) => {
    const { min, max } = ipv4Lengths;
    if (found.family !== 4 || found.length < min || found.length > max) return [];
    const size = 2 ** (32 - found.length);
    const first = (Math.floor(found.address / size) * size) as Ipv4;
    const network = parseIpv4Network(`${formatIpv4(first)}/${found.length}`);
    return gatewayIpv4(network) === found.address ? [network] : [];
  });
  return { ula: ula[0], ipv4: ipv4[0] };
}
