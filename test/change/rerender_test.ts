import { expect, test } from "bun:test";
import { requireNoConflicts, rerender, toLatin1 } from "../../lib/change/rerender.ts";
import { renderMachine } from "../../lib/render/render.ts";
import { volumeSources } from "../../lib/render/render_binds.ts";
import { lacksVolumeGuard } from "../../lib/nspawn/unit_volumes.ts";
import { facts, image, presentMachine, spec } from "./_machine.ts";

const lines = (text: string) => text.split("\n");

test("rerender() of a machine that did not change gives the files that lie there", () => {
  const present = presentMachine();
  const { merged, conflicts } = rerender(present, spec, image, facts);
  expect(merged).toEqual(present.ours);
  expect(conflicts).toEqual([]);
});

test("rerender() brings what is new, and keeps what the administrator wrote, byte by byte", () => {
  const present = presentMachine();
  const ours = {
    nspawn: `${present.ours.nspawn}# caf\xe9 of mine\n`,
    envFile: `${present.ours.envFile}HAND=made\n`,
    unitDropIn: `${present.ours.unitDropIn}Nice=5\n`,
  };
  const changed = { ...spec, environment: [["MINE", "2"]] as const, stopTimeoutSec: 77 };
  const { merged, rendered, conflicts } = rerender({ ...present, ours }, changed, image, facts);
  expect(conflicts).toEqual([]);
  expect(lines(merged.nspawn)).toContain("# caf\xe9 of mine");
  expect(lines(merged.envFile)).toEqual(expect.arrayContaining(["HAND=made", "MINE=2"]));
  expect(lines(merged.envFile)).not.toContain("MINE=1");
  expect(lines(merged.unitDropIn)).toEqual(expect.arrayContaining(["Nice=5"]));
  expect(merged.unitDropIn).toContain("TimeoutStopSec=");
  expect(rendered.envFile).not.toContain("HAND");
});

test("rerender() writes a file anew that is gone", () => {
  const present = presentMachine();
  const ours = { ...present.ours, nspawn: "" };
  expect(rerender({ ...present, ours }, spec, image, facts).merged).toEqual(present.ours);
});

test("rerender() takes all that differs for the administrator's, where it does not know what was rendered", () => {
  const present = presentMachine();
  const ours = { ...present.ours, envFile: `${present.ours.envFile}HAND=made\n` };
  const { merged, conflicts } = rerender({ ...present, ours, base: undefined }, spec, image, facts);
  expect(merged).toEqual(ours);
  expect(conflicts).toEqual([]);
});

test("rerender() gives the files of an older mbctl what that one had not, and keeps their edits", () => {
  const present = presentMachine();
  const older = renderMachine(spec, image, facts, { isOlder: true });
  const ours = {
    ...present.ours,
    nspawn: `${toLatin1(older.nspawn)}# mine\n`,
    unitDropIn: `${toLatin1(older.unitDropIn)}Nice=5\n`,
  };
  const { merged } = rerender({ ...present, ours, base: undefined }, spec, image, facts);
  expect(lines(older.nspawn)[1]).toBe(
    "# Rendered by mbctl once, when the machine was made. You may edit it: a change counts from",
  );
  expect(merged.nspawn).toBe(`${present.ours.nspawn}# mine\n`);
  expect(older.unitDropIn).not.toContain("mbctl-keep");
  expect(merged.unitDropIn).toBe(`${present.ours.unitDropIn}Nice=5\n`);
});

test("rerender() has the unit of an older mbctl look after volumes in volumes", () => {
  const volumes = [
    { path: "/a", kind: "data" },
    { path: "/a/b", kind: "data" },
  ] as const;
  const nested = { ...spec, volumes };
  const older = renderMachine(nested, image, facts, { isOlder: true });
  expect(lacksVolumeGuard(older.unitDropIn, volumeSources(nested))).toBe(true);
  const present = {
    ...presentMachine(),
    ...{ spec: nested, base: undefined },
    ours: {
      nspawn: toLatin1(older.nspawn),
      envFile: toLatin1(older.envFile),
      unitDropIn: toLatin1(older.unitDropIn),
    },
  };
  const { merged, conflicts } = rerender(present, nested, image, facts);
  expect(conflicts).toEqual([]);
  expect(lacksVolumeGuard(merged.unitDropIn, volumeSources(nested))).toBe(false);
});

test("requireNoConflicts() shows both sides, but no value of the env file, and obeys a preference", () => {
  const present = presentMachine();
  const ours = { ...present.ours, envFile: present.ours.envFile.replace("MINE=1", "MINE=apple") };
  const changed = { ...spec, environment: [["MINE", "pear"]] as const };
  const both = (prefer?: "ours" | "theirs") =>
    rerender({ ...present, ours }, changed, image, facts, prefer);
  let message = "";
  try {
    requireNoConflicts("web", both(), undefined);
  } catch (error) {
    message = (error as Error).message;
  }
  expect(message).toContain("man8env.env");
  expect(message).toContain("MINE");
  expect(message).not.toMatch(/apple|pear/);
  expect(lines(both("ours").merged.envFile)).toContain("MINE=apple");
  expect(lines(both("theirs").merged.envFile)).toContain("MINE=pear");
  requireNoConflicts("web", both("ours"), "ours");
});

test("toLatin1() has a character for each byte", () => {
  expect(toLatin1("é")).toBe("\u00c3\u00a9");
  expect(Buffer.from(toLatin1("日本"), "latin1").toString("utf8")).toBe("日本");
});
