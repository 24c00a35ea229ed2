import { describe, expect, test } from "bun:test";
import { formatIpv6 } from "../../lib/address/ipv6.ts";
import {
  defaultHostNetworks,
  dhcpPool,
  gatewayIpv4,
  gatewayIpv6,
  ipv4Lengths,
  machineUla,
  staticAddresses,
} from "../../lib/network/host_network.ts";
import { formatIpv4, ipv4At, parseIpv4Network } from "../../lib/network/ipv4.ts";

test("the bridge has the first address of each network", () => {
  expect(formatIpv6(gatewayIpv6(defaultHostNetworks.ula))).toBe("fdfc:16ed:7601::1");
  expect(formatIpv4(gatewayIpv4(defaultHostNetworks.ipv4))).toBe("10.199.0.1");
});

test("a machine's ULA ends as its mesh address does", () => {
  expect(formatIpv6(machineUla("TestBWContainer3", defaultHostNetworks.ula))).toBe(
    "fdfc:16ed:7601:0:1d44:bc13:a177:c4d",
  );
});

describe("the addresses of a network", () => {
  test.each([
    ["10.199.0.0/24", "10.199.0.2", "10.199.0.127", "10.199.0.128", "10.199.0.253"],
    ["172.16.16.0/20", "172.16.16.2", "172.16.23.255", "172.16.24.0", "172.16.31.253"],
    ["192.168.3.16/28", "192.168.3.18", "192.168.3.23", "192.168.3.24", "192.168.3.29"],
  ])(
    "of %s are given by hand from %s to %s, by DHCP from %s to %s",
    (text, first, last, firstLeased, lastLeased) => {
      const network = parseIpv4Network(text);
      const byHand = staticAddresses(network);
      const pool = dhcpPool(network);
      const offsets = [byHand.first, byHand.last, pool.offset, pool.offset + pool.size - 1];
      expect(offsets.map((offset) => formatIpv4(ipv4At(network, offset)))).toEqual([
        first,
        last,
        firstLeased,
        lastLeased,
      ]);
    },
  );

  test("are enough in the smallest that is allowed", () => {
    const network = { address: defaultHostNetworks.ipv4.address, length: ipv4Lengths.max };
    expect(dhcpPool(network).size).toBeGreaterThan(4);
  });
});
