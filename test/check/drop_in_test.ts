import { expect, test } from "bun:test";
import { whyNotCurrent } from "../../lib/check/drop_in.ts";
import { firewallScript } from "../../lib/firewall/firewall_files.ts";
import type { NetworkKind } from "../../lib/network/template.ts";
import { renderUnitDropIn } from "../../lib/nspawn/machine_unit.ts";
import { parseSignal } from "../../lib/signal.ts";

const stop = { stopSignal: parseSignal("SIGRTMIN+3"), stopTimeoutSec: 30 };
const bridge = { ...stop, bridge: "srvgrp0", firewall: firewallScript };
const text = renderUnitDropIn(bridge);
const other = "not what this mbctl writes";

const rows: readonly (readonly [string, string, NetworkKind, string | undefined])[] = [
  ["that of a machine of the bridge", text, { kind: "bridge" }, undefined],
  ["that of a private machine", renderUnitDropIn(stop), { kind: "private" }, undefined],
  [
    "that of a macvlan",
    renderUnitDropIn({ ...stop, macvlan: { parent: "eth0", vlan: 7 } }),
    { kind: "macvlan", parent: "eth0", vlan: 7 },
    undefined,
  ],
  [
    "one of another VLAN",
    renderUnitDropIn({ ...stop, macvlan: { parent: "eth0", vlan: 7 } }),
    { kind: "macvlan", parent: "eth0" },
    other,
  ],
  [
    "one of another bridge",
    renderUnitDropIn({ ...bridge, bridge: "br0" }),
    { kind: "bridge" },
    other,
  ],
  [
    "one without the firewall",
    renderUnitDropIn({ ...stop, bridge: "srvgrp0" }),
    { kind: "bridge" },
    "it starts without its firewall",
  ],
  ["one with a line more", `${text}Nice=1\n`, { kind: "bridge" }, other],
  [
    "one with an unknown signal",
    text.replace("# Stop: SIGRTMIN+3", "# Stop: SIGNONE"),
    { kind: "bridge" },
    other,
  ],
  [
    "one without a time",
    text.replace("SIGKILL after 30 s", "SIGKILL after 0 s"),
    { kind: "bridge" },
    other,
  ],
];
test.each(rows)("whyNotCurrent() judges %s", (_, dropIn, network, why) => {
  expect(whyNotCurrent(dropIn, network, "srvgrp0")).toBe(why as never);
});
