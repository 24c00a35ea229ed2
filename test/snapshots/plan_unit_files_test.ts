import { expect, test } from "bun:test";
import { describeStep } from "../../lib/steps/step.ts";
import { keepUnitFiles, restoreUnitFiles } from "../../lib/snapshots/plan_unit_files.ts";

const file = (name: string, text: string) => ({ name, text });

test("keepUnitFiles() copies drop-ins byte by byte, and none that was there before stays", () => {
  expect(keepUnitFiles("/c/unit.d", [file("50-mbctl.conf", "\xff")])).toEqual([
    { kind: "remove", path: "/c/unit.d" },
    { kind: "make-directory", path: "/c/unit.d", mode: 0o700 },
    {
      kind: "write-file",
      path: "/c/unit.d/50-mbctl.conf",
      text: "\xff",
      mode: 0o600,
      encoding: "latin1",
    },
  ]);
});

test("restoreUnitFiles() puts those of then in place, and takes away those that came later", () => {
  const former = [file("50-mbctl.conf", "then")];
  const present = [file("50-mbctl.conf", "now"), file("90-mine.conf", "mine")];
  const { prepare, undo, redo } = restoreUnitFiles("/d", former, present);
  expect(prepare.map(describeStep)).toEqual([
    "make directory /d (755)",
    "write /d/.50-mbctl.conf.mbctl-next (644, 4 bytes)",
  ]);
  expect(undo.map(describeStep)).toEqual(["remove /d/.50-mbctl.conf.mbctl-next"]);
  expect(redo.map(describeStep)).toEqual([
    "put /d/.50-mbctl.conf.mbctl-next in the place of /d/50-mbctl.conf",
    "remove /d/90-mine.conf",
  ]);
});
