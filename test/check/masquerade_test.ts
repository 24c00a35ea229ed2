import { expect, test } from "bun:test";
import { isMasqueraded } from "../../lib/check/masquerade.ts";

/** systemd-networkd 252 to 262, by nft 1.0.6 to 1.1.3. */
const networkd = `table ip io.systemd.nat {
	set masq_saddr {
		type ipv4_addr
		flags interval
		elements = { 10.199.0.0/24 }
	}

	chain postrouting {
		type nat hook postrouting priority srcnat + 1; policy accept;
		ip saddr @masq_saddr masquerade
	}
}
table ip6 io.systemd.nat {
	set masq_saddr {
		type ipv6_addr
		flags interval
		elements = { 303:db03:7e13:aaba::1,
			     fdfc:16ed:7601::/64 }
	}

	set other {
		type ipv6_addr
		elements = { fd00::/64 }
	}

	chain postrouting {
		type nat hook postrouting priority srcnat + 1; policy accept;
		ip6 saddr @masq_saddr masquerade
	}
}
`;
const table = (family: string, rule: string) =>
  `table ${family} x {\n\tchain masquerade {\n\t\ttype nat hook postrouting priority srcnat; policy accept;\n\t\t${rule}\n\t}\n}\n`;

const rows: readonly (readonly [string, string, string, boolean])[] = [
  ["networkd's IPv4 set", networkd, "10.199.0.0/24", true],
  ["networkd's IPv6 set, over two lines", networkd, "fdfc:16ed:7601::/64", true],
  ["another IPv4 network", networkd, "10.199.1.0/24", false],
  ["another set of the table", networkd, "fd00::/64", false],
  ["no rules at all", "", "10.199.0.0/24", false],
  [
    "NetworkManager",
    table("ip", "ip saddr 10.199.0.0/24 ip daddr != 10.199.0.0/24 masquerade"),
    "10.199.0.0/24",
    true,
  ],
  [
    "firewalld, all that leaves",
    table("inet", 'meta nfproto ipv4 oifname != "lo" masquerade'),
    "10.199.0.0/24",
    true,
  ],
  [
    "firewalld, the other family",
    table("inet", 'meta nfproto ipv4 oifname != "lo" masquerade'),
    "fd00::/64",
    false,
  ],
  [
    "iptables-nft",
    table("ip", 'oifname "eth0" counter packets 0 bytes 0 xt target "MASQUERADE"'),
    "10.199.0.0/24",
    true,
  ],
  ["the other family's table", table("ip6", 'oifname "eth0" masquerade'), "10.199.0.0/24", false],
  [
    "inet, a source of the other family",
    table("inet", "ip6 saddr fd00::/64 masquerade"),
    "10.199.0.0/24",
    false,
  ],
  ["another source", table("ip", "ip saddr 192.168.0.0/16 masquerade"), "10.199.0.0/24", false],
  ["a set that is not there", table("ip", "ip saddr @gone masquerade"), "10.199.0.0/24", false],
  ["a chain called so", table("ip", "accept"), "10.199.0.0/24", false],
];
test.each(rows)("isMasqueraded() judges %s", (_, ruleset, network, expected) => {
  expect(isMasqueraded(ruleset, network)).toBe(expected);
});
