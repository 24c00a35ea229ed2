import { expect, test } from "bun:test";
import { machineMac } from "../../lib/firewall/machine_mac.ts";
import { portName } from "../../lib/firewall/port_name.ts";
import { siphash24 } from "../../lib/firewall/siphash.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";

test("siphash24() gives the vectors of its paper and of the reference implementation", () => {
  const upTo = (length: number) => Uint8Array.from({ length }, (_, index) => index);
  const rows = [
    [0, "726fdb47dd0e0e31"],
    [1, "74f839c593dc67fd"],
    [7, "ab0200f58b01d137"],
    [8, "93f5f5799a932462"],
    [15, "a129ca6149be45e5"],
    [63, "958a324ceb064572"],
  ] as const;
  for (const [length, hash] of rows) {
    expect([length, siphash24(upTo(length), upTo(16)).toString(16).padStart(16, "0")]).toEqual([
      length,
      hash,
    ]);
  }
});

test.each([
  ["short", "vb-short"],
  ["exactly12abc", "vb-exactly12abc"],
  ["exactly13abcd", "vb-exactly10Ykx"],
  ["averylongmachinename", "vb-averylonIC9O"],
  ["averylongmachinename2", "vb-averylonwK4p"],
  ["a.b-c.d-e.f-g.h", "vb-a.b-c.d-oLQM"],
  ["x".repeat(64), "vb-xxxxxxxx_4IG"],
  ["UPPER-and-lower-9", "vb-UPPER-anwNpX"],
])("portName() of %s is %s, as real nspawn of systemd 252, 257 and 262 names it", (name, port) => {
  expect(portName(parseMachineName(name))).toBe(port);
});

test.each([
  ["28971181eb3a04abf676311c10cb81af", "short", "8e:63:e7:be:1f:e3"],
  ["1fb031bd59abb33f0ec68fb4f437149a", "exactly13abcd", "ee:b8:c5:b1:e1:7b"],
  ["118d9e10222a2802a7d5e138e4970198", "a.b-c.d-e.f-g.h", "8a:a0:1e:10:b6:2a"],
])(
  "machineMac() on the host %s of %s is %s, as real nspawn of 252, 257 and 262 has it",
  (host, name, mac) => {
    expect(machineMac(host, parseMachineName(name))).toBe(mac);
  },
);
