/**
 * Which interface leads out of a host, by the kernel's route tables as text.
 *
 * @module
 */

/** RTF_UP and not RTF_REJECT (linux/route.h). */
const isUsable = (flags: string) => (Number.parseInt(flags, 16) & 0x201) === 0x1;

/**
 * The interface of the default route: that of IPv4 with the lowest metric, else that of IPv6.
 *
 * @param ipv4 /proc/net/route: interface, destination, gateway, flags, two counters, metric, mask; numbers in hexadecimal but for the metric.
 * @param ipv6 /proc/net/ipv6_route: destination, its length, source, its length, next hop, metric, two counters, flags, interface.
 * @returns undefined when there is no such route.
 */
export function parseDefaultRoute(ipv4: string, ipv6: string): string | undefined {
  const routes = [
    ...rows(ipv4).flatMap(([device, destination, , flags = "", , , metric, mask]) =>
      destination === "00000000" && mask === "00000000" && isUsable(flags)
        ? [{ device, metric: Number(metric) }]
        : [],
    ),
    // An IPv4 route goes before any of IPv6, whatever the metric.
    ...rows(ipv6).flatMap(([destination, length, , , , metric = "", , , flags = "", device]) =>
      destination === "0".repeat(32) && length === "00" && isUsable(flags) && device !== "lo"
        ? [{ device, metric: 2 ** 32 + Number.parseInt(metric, 16) }]
        : [],
    ),
  ];
  return routes.sort((a, b) => a.metric - b.metric)[0]?.device;
}

function rows(text: string): string[][] {
  return text.split("\n").map((line) => line.trim().split(/\s+/));
}
