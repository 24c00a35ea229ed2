/** Rows of tests: what is changed of a good host, and the one line that tells of it. */

import { expect } from "bun:test";
import { parsePrefix } from "../../lib/address/ipv6.ts";
import { evaluateHost } from "../../lib/check/evaluate_host.ts";
import { type Finding, isSound } from "../../lib/check/finding.ts";
import type {
  BridgeFacts,
  BridgeLink,
  HostFacts,
  SystemFacts,
} from "../../lib/check/host_facts.ts";
import type { MachineFiles } from "../../lib/check/machine_files.ts";
import { goodFiles, goodHost, goodLink } from "./_facts.ts";

export const system = (change: Partial<SystemFacts>): HostFacts => ({
  ...goodHost,
  system: { ...goodHost.system, ...change },
});
export const mesh = (change: Partial<HostFacts["mesh"]>): HostFacts => ({
  ...goodHost,
  mesh: { ...goodHost.mesh, ...change },
});
export const bridge = (change: Partial<BridgeFacts>): HostFacts => ({
  ...goodHost,
  bridge: { ...goodHost.bridge, ...change },
});
export const link = (change: Partial<BridgeLink>): HostFacts =>
  bridge({ link: { ...goodLink, ...change } });
export const derived = (change: Partial<HostFacts["derived"]>): HostFacts => ({
  ...goodHost,
  derived: { ...goodHost.derived, ...change },
});
export const machine = (change: Partial<MachineFiles>): HostFacts => ({
  ...goodHost,
  machines: [{ ...goodFiles, ...change }],
});
/** networkd keeps the bridge by a file that asks for nothing. */
export const bare: BridgeFacts["manager"] = { kind: "networkd", file: "/etc/x.network", text: "" };
export const networkManager: BridgeFacts["manager"] = {
  kind: "NetworkManager",
  connection: "srvgrp0",
};
export const old = parsePrefix("300:1:2:3::/64");

/** What is changed; how the line that tells of it stands, its check, a part of what was seen, what mends it. */
export type Row = readonly [
  string,
  HostFacts,
  Finding["verdict"],
  string,
  string,
  string | undefined,
];

/** Wants one line alone to be other than ok, and the whole to be sound unless that line says otherwise. */
export function expectOneLine(facts: HostFacts, expected: Finding): void {
  const { verdict, check, seen, mend } = expected;
  const findings = evaluateHost(facts);
  expect(findings.filter((finding) => finding.verdict !== "ok")).toEqual([
    {
      check,
      verdict,
      seen: expect.stringContaining(seen),
      ...(mend === undefined ? {} : { mend }),
    },
  ]);
  expect(isSound(findings)).toBe(verdict === "warning" || verdict === "note");
}
