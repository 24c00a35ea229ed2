import { expect, test } from "bun:test";
import { parseDefaultRoute } from "../../lib/network/default_route.ts";

/** As Linux 6.18 writes them. */
const heading =
  "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT                                                       \n";
const ipv4 = (device: string, metric: number, flags = "0003") =>
  `${device}\t00000000\t0101A8C0\t${flags}\t0\t0\t${metric}\t00000000\t0\t0\t0                                                                            \n`;
const onLink = "eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0  \n";
const zeros = "0".repeat(32);
const ipv6 = (device: string, metric: string, flags = "00450003") =>
  `${zeros} 00 ${zeros} 00 fe800000000000000000000000000001 ${metric} 00000001 00000000 ${flags} ${device.padStart(8)}\n`;
/** The kernel's own, in every namespace. */
const unreachable = `${zeros} 00 ${zeros} 00 ${zeros} ffffffff 00000001 00000000 00200200       lo\n`;

test.each([
  ["nothing", "", "", undefined],
  ["no default route", heading + onLink, unreachable, undefined],
  ["one", heading + onLink + ipv4("eth0", 100), unreachable, "eth0"],
  ["the lowest metric", heading + ipv4("wlan0", 600) + ipv4("eth0", 100), "", "eth0"],
  ["a rejected one is none", heading + ipv4("eth0", 0, "0201") + ipv4("eth1", 9), "", "eth1"],
  ["one that is down is none", heading + ipv4("eth0", 0, "0002"), "", undefined],
  [
    "IPv6 alone",
    heading,
    unreachable + ipv6("eth1", "00000400") + ipv6("eth2", "00000064"),
    "eth2",
  ],
  ["IPv4 goes before IPv6", heading + ipv4("eth0", 5000), ipv6("eth1", "00000001"), "eth0"],
])("parseDefaultRoute(): %s", (_, table4, table6, device) => {
  expect(parseDefaultRoute(table4, table6)).toBe(device);
});
