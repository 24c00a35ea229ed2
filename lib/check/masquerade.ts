/**
 * Whether a network is masqueraded, by anybody: networkd, NetworkManager, firewalld, the administrator.
 *
 * @module
 */

/**
 * Looks for a rule that masquerades a network in the text of `nft list ruleset`. A rule covers a network unless it asks for another
 * source; what iptables-nft wrote is listed as `masquerade` or as `xt target "MASQUERADE"`.
 *
 * @param network in CIDR form, IPv4 or IPv6.
 */
export function isMasqueraded(ruleset: string, network: string): boolean {
  const isIpv6 = network.includes(":");
  const tables = ruleset.split(/^(?=table )/m);
  return tables.some((table) => {
    const [, family] = /^table (\S+)/.exec(table) ?? [];
    if (family !== "inet" && family !== (isIpv6 ? "ip6" : "ip")) return false;
    return table
      .split("\n")
      .filter((line) => /\bmasquerade\b/i.test(line) && !line.trimStart().startsWith("chain "))
      .some((rule) => covers(rule, table, network, isIpv6));
  });
}

function covers(rule: string, table: string, network: string, isIpv6: boolean): boolean {
  const other = isIpv6 ? /\bip saddr |nfproto ipv4\b/ : /\bip6 saddr |nfproto ipv6\b/;
  if (other.test(rule)) return false;
  const source = (isIpv6 ? /\bip6 saddr (\S+)/ : /\bip saddr (\S+)/).exec(rule)?.[1];
  if (source === undefined || source === network) return true;
  if (!source.startsWith("@")) return false;
  const set = new RegExp(`\\bset ${source.slice(1)} \\{[^]*?\\n\\t\\}`).exec(table)?.[0] ?? "";
  return set.split(/[\s,{}]+/).includes(network);
}
