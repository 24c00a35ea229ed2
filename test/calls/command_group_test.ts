import { afterEach, expect, test } from "bun:test";
import { chownSync, mkdirSync, readdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { CommandGroup, cgroupRoot, sweepGroups } from "../../lib/calls/command_group.ts";

/** Stands for the cgroup of a machine. */
const machine = join(cgroupRoot, `mbctl-test-group-${process.pid}`);
mkdirSync(machine);
const groups = () =>
  readdirSync(machine, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();

afterEach(() => {
  for (const name of groups()) rmdirSync(join(machine, name));
  rmdirSync(machine);
});

test("sweepGroups() removes what a killed server of the pair left, and nothing that the machine made", () => {
  const own = new CommandGroup(machine, "web_db");
  const prefix = own.path.slice(machine.length + 1).replace(/\..*$/, "");
  for (const name of [`${prefix}.1-1`, `${prefix}.1-2`, `${prefix}-other.1-1`, "payload"])
    mkdirSync(join(machine, name));
  // Made by the machine's root: as deep as it likes, it would be in the way of each call.
  chownSync(join(machine, `${prefix}.1-2`), 70_000, 70_000);
  sweepGroups(machine, "web_db");
  expect(groups()).toEqual(
    [own.path.slice(machine.length + 1), `${prefix}-other.1-1`, `${prefix}.1-2`, "payload"].sort(),
  );
});
