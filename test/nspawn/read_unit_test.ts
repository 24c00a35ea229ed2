import { expect, test } from "bun:test";
import { renderUnitDropIn } from "../../lib/nspawn/machine_unit.ts";
import { addFirewall, readStopSettings } from "../../lib/nspawn/read_unit.ts";
import { parseSignal } from "../../lib/signal.ts";

const stop = { stopSignal: parseSignal("SIGQUIT"), stopTimeoutSec: 10 };
const bridge = "srvgrp0";
const firewall = "/var/lib/mbctl/firewall.nft";

test("readStopSettings() is the inverse of renderUnitDropIn()", () => {
  for (const signal of ["SIGTERM", "SIGQUIT", "SIGRTMIN+3"]) {
    const settings = { stopSignal: parseSignal(signal), stopTimeoutSec: 3600 };
    expect(readStopSettings(renderUnitDropIn(settings))).toEqual(settings);
  }
});

test.each([
  ["nothing", ""],
  ["a signal that is none", renderUnitDropIn(stop).replace("# Stop: SIGQUIT", "# Stop: SIGNONE")],
  ["no time", renderUnitDropIn(stop).replace("SIGKILL after 10 s", "SIGKILL after 0 s")],
])("readStopSettings() does not know %s", (_, text) => {
  expect(readStopSettings(text)).toBeUndefined();
});

test("addFirewall() changes a drop-in without one, and no other", () => {
  const before = renderUnitDropIn({ ...stop, bridge });
  const after = renderUnitDropIn({ ...stop, bridge, firewall });
  expect(addFirewall(before, bridge, firewall)).toBe(after);
  expect(addFirewall(after, bridge, firewall)).toBeUndefined();
  expect(addFirewall(before, "br0", firewall)).toBeUndefined();
  expect(addFirewall(`${before}Nice=1\n`, bridge, firewall)).toBeUndefined();
  expect(addFirewall("[Service]\n", bridge, firewall)).toBeUndefined();
});
