import { expect, test } from "bun:test";
import { evaluateHost } from "../../lib/check/evaluate_host.ts";
import { goodHost, goodLink } from "./_facts.ts";
import { bare, bridge, link, mesh, networkManager, old, expectOneLine, type Row } from "./_rows.ts";

const rows: readonly Row[] = [
  [
    "a setup that was killed",
    bridge({ isSetupUnfinished: true }),
    "wrong",
    "setup",
    "begun and not ended",
    "mbctl host setup",
  ],
  [
    "no bridge",
    bridge({ link: undefined }),
    "missing",
    "bridge",
    "no srvgrp0",
    "systemctl restart systemd-networkd",
  ],
  [
    "no bridge, and no file for it",
    bridge({ link: undefined, manager: bare }),
    "missing",
    "bridge",
    "no srvgrp0",
    "mbctl host setup",
  ],
  [
    "no bridge, and a file that makes it without our addresses",
    bridge({
      link: undefined,
      manager: { kind: "networkd", file: "/etc/x.network", text: "Kind=bridge\n" },
    }),
    "missing",
    "bridge",
    "no srvgrp0",
    "mbctl host setup",
  ],
  [
    "an interface that is no bridge",
    link({ isBridge: false }),
    "wrong",
    "bridge",
    "srvgrp0 is no bridge",
    "give another name: mbctl host setup --bridge NAME",
  ],
  [
    "a bridge that is down",
    link({ isUp: false }),
    "wrong",
    "bridge",
    "srvgrp0 is down",
    "ip link set srvgrp0 up",
  ],
  [
    "no addresses",
    link({ addresses: [] }),
    "wrong",
    "bridge",
    "srvgrp0 lacks 300:2e98:a4b0:1789::1, fdfc:16ed:7601::1, 10.199.0.1",
    "networkctl reconfigure srvgrp0",
  ],
  [
    "no route to the machines",
    link({ routes: ["fdfc:16ed:7601::/64"] }),
    "wrong",
    "bridge",
    "srvgrp0 lacks 300:2e98:a4b0:1789::/64",
    "networkctl reconfigure srvgrp0",
  ],
  [
    "the bridge of an old key",
    mesh({ prefix: old, running: old }),
    "wrong",
    "bridge",
    "srvgrp0 lacks 300:1:2:3::1, 300:1:2:3::/64",
    "mbctl host renumber",
  ],
  [
    "nobody who keeps it",
    bridge({ manager: { kind: "nobody", running: [] } }),
    "wrong",
    "network",
    "neither systemd-networkd nor NetworkManager runs",
    "mbctl host setup",
  ],
  [
    "a manager without a file for it",
    bridge({ manager: { kind: "nobody", running: ["NetworkManager"] } }),
    "warning",
    "network",
    "NetworkManager runs, but does not keep srvgrp0",
    "mbctl host setup",
  ],
  [
    "forwarding off for IPv4",
    bridge({ isForwarding: { ipv4: false, ipv6: true } }),
    "wrong",
    "forwarding",
    "off for IPv4",
    "sysctl --load=/etc/sysctl.d/80-man8s-forwarding.conf",
  ],
  [
    "forwarding off",
    bridge({ isForwarding: { ipv4: false, ipv6: false } }),
    "wrong",
    "forwarding",
    "off for IPv4 and IPv6",
    "sysctl --load=/etc/sysctl.d/80-man8s-forwarding.conf",
  ],
  [
    "forwarding off, without a file",
    bridge({ isForwarding: { ipv4: true, ipv6: false }, forwardingFile: undefined }),
    "wrong",
    "forwarding",
    "off for IPv6",
    "mbctl host setup",
  ],
  [
    "no masquerading",
    bridge({ isMasqueraded: { ipv4: false, ipv6: false } }),
    "wrong",
    "masquerading",
    "none for 10.199.0.0/24 and fdfc:16ed:7601::/64",
    "systemctl restart systemd-networkd",
  ],
  [
    "no masquerading by NetworkManager",
    bridge({ isMasqueraded: { ipv4: true, ipv6: false }, manager: networkManager }),
    "wrong",
    "masquerading",
    "none for fdfc:16ed:7601::/64",
    "nmcli connection up srvgrp0",
  ],
  [
    "no bridge of NetworkManager's",
    bridge({ link: undefined, manager: networkManager }),
    "missing",
    "bridge",
    "no srvgrp0",
    "nmcli connection up srvgrp0",
  ],
  [
    "no DHCP server of NetworkManager's",
    bridge({ hasDhcpServer: false, manager: networkManager }),
    "wrong",
    "DHCP",
    "machines get no IPv4",
    "nmcli connection up srvgrp0",
  ],
  [
    "no resolver of NetworkManager's",
    bridge({
      resolver: { isInstalled: false, silent: ["10.199.0.1", "fdfc::1"], file: undefined },
      manager: networkManager,
    }),
    "wrong",
    "names",
    "no resolver answers on 10.199.0.1: machines",
    "nmcli connection up srvgrp0",
  ],
  [
    "no DHCP server",
    bridge({ hasDhcpServer: false }),
    "wrong",
    "DHCP",
    "machines get no IPv4",
    "systemctl restart systemd-networkd",
  ],
  [
    "no resolver",
    bridge({ resolver: { ...goodHost.bridge.resolver, silent: ["10.199.0.1"] } }),
    "wrong",
    "names",
    "no resolver answers on 10.199.0.1",
    "systemctl restart systemd-resolved",
  ],
  [
    "a resolver without our settings",
    bridge({ resolver: { isInstalled: true, silent: ["10.199.0.1"], file: undefined } }),
    "wrong",
    "names",
    "no resolver answers",
    "mbctl host setup",
  ],
  [
    "no resolver installed",
    bridge({ resolver: { isInstalled: false, silent: ["10.199.0.1"], file: undefined } }),
    "wrong",
    "names",
    "no resolver answers",
    "apt install resolvectl; mbctl host setup",
  ],
];

test.each(rows)(
  "evaluateBridge() tells of %s in one line, with what mends it",
  (_, facts, verdict, check, seen, mend) => {
    expectOneLine(facts, { verdict, check, seen, mend });
  },
);

test("evaluateBridge() wants NetworkManager's resolver on IPv4 alone", () => {
  const resolver = { isInstalled: false, silent: ["fdfc::1"], file: undefined };
  const findings = evaluateHost(bridge({ resolver, manager: networkManager }));
  expect(findings.filter(({ verdict }) => verdict !== "ok")).toEqual([]);
});

test("evaluateBridge() mends all by the setup while that is not ended", () => {
  const findings = evaluateHost(
    bridge({
      isSetupUnfinished: true,
      link: { ...goodLink, addresses: [] },
      isForwarding: { ipv4: false, ipv6: false },
      isMasqueraded: { ipv4: false, ipv6: false },
      hasDhcpServer: false,
      resolver: { ...goodHost.bridge.resolver, silent: ["10.199.0.1"] },
    }),
  ).filter(({ verdict }) => verdict !== "ok");
  expect(findings.map(({ check, mend }) => [check, mend])).toEqual(
    ["setup", "bridge", "forwarding", "masquerading", "DHCP", "names"].map((check) => [
      check,
      "mbctl host setup",
    ]),
  );
});
