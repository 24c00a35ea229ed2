/** What keeps a machine from starting or from being reached though its files are all there. */

import { expect, test } from "bun:test";
import { parsePrefix } from "../../lib/address/ipv6.ts";
import { evaluateMachine } from "../../lib/check/evaluate_machine.ts";
import { isSound } from "../../lib/check/finding.ts";
import type { MachineFacts, UnitFacts } from "../../lib/check/machine_facts.ts";
import { goodFiles, goodLive, goodMachine } from "./_facts.ts";

const failed = (unit: Partial<UnitFacts>): MachineFacts => ({
  ...goodMachine,
  live: undefined,
  unit: { ...goodMachine.unit, active: "failed", sub: "failed", result: "exit-code", ...unit },
});
const bad = (facts: MachineFacts) =>
  evaluateMachine(facts)
    .filter(({ verdict }) => verdict !== "ok")
    .map(({ verdict, check, seen, mend }) => [verdict, check, seen, mend]);

test.each(["nft", "/usr/sbin/nft"])("a machine that %s kept from starting", (failedBefore) => {
  const why = "it did not start: its firewall could not be loaded";
  expect(bad(failed({ failedBefore }))).toEqual([
    ["wrong", "unit", why, "mbctl host reload"],
    ["wrong", "reachable", why, "mbctl host reload"],
  ]);
});

test("a machine that another program kept from starting", () => {
  const why = "it did not start: what comes before it failed";
  const logs = "mbctl machines logs web -n 20";
  expect(bad(failed({ failedBefore: "/bin/sh" }))).toEqual([
    ["wrong", "unit", why, logs],
    ["wrong", "reachable", why, logs],
  ]);
});

test("a machine whose template is gone", () => {
  const facts = { ...goodMachine, template: undefined, access: [], templateProblem: "no such" };
  const mend = "mend it, then mbctl host reload";
  expect(bad(facts)).toEqual([
    ["wrong", "template", "no such", mend],
    ["wrong", "reachable", "without its template nobody is let in from outside", mend],
  ]);
});

test("a machine whose machine.toml is broken, and which runs on", () => {
  const files = { ...goodFiles, problem: "Cannot read it", address: undefined };
  const facts = { ...goodMachine, files, spec: undefined, template: undefined, access: [] };
  expect(bad(facts).map(([verdict, check, seen]) => [verdict, check, seen])).toEqual([
    ["wrong", "files", "Cannot read it"],
    ["wrong", "reachable", "Cannot read it"],
  ]);
});

test("a machine with an address of the key before", () => {
  const prefix = parsePrefix("301:1:2:3::/64");
  const why = "300:2e98:a4b0:1789:1cd6:8036:d9af:97e2 is not of the host's prefix, 301:1:2:3::/64";
  expect(bad({ ...goodMachine, prefix })).toEqual([
    ["wrong", "mesh address", why, "mbctl host renumber"],
    ["wrong", "reachable", why, "mbctl host renumber"],
  ]);
  expect(bad({ ...goodMachine, prefix: undefined })).toEqual([]);
});

test("a rule that names a host which is not known", () => {
  expect(bad({ ...goodMachine, unknownHosts: ["hostd"] })).toEqual([
    [
      "wrong",
      "open to",
      "nobody of hostd, which its rules name: config.toml has no such host",
      "mbctl address import --trust --ssh hostd",
    ],
  ]);
});

test("a machine of an older mbctl, which has no ULA, is sound", () => {
  const [host0] = goodLive.interfaces;
  const addresses = host0?.addresses.filter(({ address }) => !address.startsWith("fdfc")) ?? [];
  const facts: MachineFacts = {
    ...goodMachine,
    files: { ...goodFiles, ula: undefined },
    live: {
      ...goodLive,
      interfaces: host0 === undefined ? [] : [{ ...host0, addresses }],
      routes: { ...goodLive.routes, ipv6: [{ to: "default" }] },
    },
  };
  expect(bad(facts)).toEqual([
    ["note", "ULA and IPv4", "10.199.0.130; its env file gives it no ULA", undefined],
  ]);
  expect(isSound(evaluateMachine(facts))).toBe(true);
});
