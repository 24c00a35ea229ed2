import { expect, test } from "bun:test";
import { evaluateMachine } from "../../lib/check/evaluate_machine.ts";
import { howChanged } from "../../lib/check/drop_in.ts";
import { firewallScript } from "../../lib/firewall/firewall_files.ts";
import type { NetworkKind } from "../../lib/network/template.ts";
import { renderUnitDropIn } from "../../lib/nspawn/machine_unit.ts";
import { parseSignal } from "../../lib/signal.ts";
import { goodMachine } from "./_facts.ts";

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
test.each(rows)("howChanged() judges %s", (_, dropIn, network, why) => {
  expect(howChanged(dropIn, undefined, network, "srvgrp0")).toEqual(
    why === undefined ? undefined : { state: why, isEdit: false },
  );
});

test("howChanged() compares with what mbctl last rendered, where that is known", () => {
  const rendered = renderUnitDropIn({ ...bridge, restart: { when: "always" } });
  const judge = (dropIn: string) => howChanged(dropIn, rendered, { kind: "bridge" }, "srvgrp0");
  expect(judge(rendered)).toBeUndefined();
  expect(judge(`${rendered}Nice=1\n`)).toEqual({ state: "it was edited by hand", isEdit: true });
  expect(judge(renderUnitDropIn(stop))).toEqual({
    state: "it starts without its firewall",
    isEdit: false,
  });
});

test("evaluateMachine() only notes an edit, and says how it is seen", () => {
  const { dropIn } = goodMachine;
  const facts = { ...goodMachine, dropIn: `${dropIn}Nice=1\n`, renderedDropIn: dropIn };
  expect(evaluateMachine(facts)).toContainEqual({
    verdict: "note",
    check: "unit settings",
    seen: "the drop-in of systemd-nspawn@web.service: it was edited by hand",
    mend: "mbctl machines diff web",
  });
});
