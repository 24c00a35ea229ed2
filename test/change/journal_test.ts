import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parsePrefix } from "../../lib/address/ipv6.ts";
import { type Journal, journalStep, readJournal } from "../../lib/change/journal.ts";
import type { Step } from "../../lib/steps/step.ts";
import { defaultHostNetworks } from "../../lib/network/host_network.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "mbctl-journal-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const steps: readonly Step[] = [
  { kind: "settle", from: "/a", to: "/b" },
  { kind: "write-file", path: "/c", text: 'ä"\n\u0000', mode: 0o600, encoding: "latin1" },
  // Addresses are numbers of 128 bits.
  {
    ...{ kind: "settle-system", tree: "/t" },
    settings: {
      name: parseMachineName("web"),
      network: {
        ...{ ...defaultHostNetworks, connection: { kind: "bridge" } },
        prefix: parsePrefix("300:2e98:a4b0:1789::/64"),
      },
    },
  },
];
const journals: readonly Journal[] = [
  { phase: "prepare", verb: "apply", steps },
  { phase: "commit", verb: "apply", steps },
  { phase: "commit", verb: "upgrade", steps, verify: { graceMs: 1, back: steps } },
  { phase: "verify", verb: "upgrade", verify: { graceMs: 1, back: steps } },
];

test.each(journals)("readJournal() reads what was written: %#", (journal) => {
  const path = join(folder, "journal");
  const step = journalStep(path, journal);
  if (step.kind !== "write-file") throw new TypeError("it is written in one step");
  // It holds what files hold: it is root's alone.
  expect([step.path, step.mode]).toEqual([path, 0o600]);
  writeFileSync(path, step.text);
  expect(readJournal(path)).toEqual(journal);
});

test("readJournal() finds none where no change is under way", () => {
  expect(readJournal(join(folder, "none"))).toBeUndefined();
});

test.each([
  ["half of one", '{"version":1,"journal":{"phase":"com'],
  ["one of a later mbctl", '{"version":2,"journal":{"phase":"prepare","verb":"x","steps":[]}}'],
  ["an unknown phase", '{"version":1,"journal":{"phase":"rest","verb":"x","steps":[]}}'],
  ["a step without a kind", '{"version":1,"journal":{"phase":"prepare","verb":"x","steps":[{}]}}'],
  ["nothing", ""],
])("readJournal() refuses %s", (_, text) => {
  const path = join(folder, "damaged");
  writeFileSync(path, text);
  expect(() => readJournal(path)).toThrow(
    `Cannot read the journal "${path}": it is not one of this mbctl`,
  );
});
