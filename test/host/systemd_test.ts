import { expect, test } from "bun:test";
import type { Run, RunResult } from "../../lib/host/run.ts";
import {
  isStopped,
  parseProperties,
  parseTimestamp,
  readLeader,
  readSystemdVersion,
  readUnitStates,
} from "../../lib/host/systemd.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";

/** What the real tools printed; the lab has them live. */
const prints = (stdout: string, calls: (readonly string[])[] = []): Run => {
  return async (argv): Promise<RunResult> => {
    calls.push(argv);
    return { stdout, stderr: "", exitCode: 0 };
  };
};

const versions: readonly (readonly [text: string, version: number])[] = [
  ["systemd 252 (252.39-1~deb12u2)\n+PAM +AUDIT\n", 252],
  ["systemd 257 (257.9-1~deb13u1)\n", 257],
  ["systemd 262~rc1 (262~rc1-1)\n", 262],
];
test.each(versions)("readSystemdVersion() reads %j", async (text, version) => {
  expect(await readSystemdVersion(prints(text))).toBe(version);
});

test("readSystemdVersion() refuses what has no number", async () => {
  await expect(readSystemdVersion(prints("elogind 252\n"))).rejects.toThrow(
    'from "elogind 252": no number',
  );
});

const timestamps: readonly (readonly [text: string, value: string | undefined])[] = [
  ["Sun 2026-11-22 03:19:10 UTC", "2026-11-22T03:19:10.000Z"],
  ["", undefined],
  ["n/a", undefined],
  ["Sun 2026-11-22 03:19:10 CET", undefined],
];
test.each(timestamps)("parseTimestamp() reads %j", (text, value) => {
  const ms = parseTimestamp(text);
  expect(ms === undefined ? undefined : new Date(ms).toISOString()).toBe(value);
});

test("parseProperties() cuts at the first equals sign", () => {
  expect([...parseProperties("A=1\nB=x=y\nC=\nno line\n")]).toEqual([
    ["A", "1"],
    ["B", "x=y"],
    ["C", ""],
  ]);
});

test("readUnitStates() asks once for all units, and finds each by its Id", async () => {
  const calls: (readonly string[])[] = [];
  const output = `MainPID=0
Result=exit-code
ExecMainStatus=3
Id=systemd-nspawn@b.service
ActiveState=failed
UnitFileState=disabled
StateChangeTimestamp=Sun 2026-11-22 03:19:10 UTC

MainPID=77
Result=success
ExecMainStatus=0
Id=systemd-nspawn@a-1.service
ActiveState=active
UnitFileState=enabled
StateChangeTimestamp=
`;
  const names = ["a-1", "b", "c"].map(parseMachineName);
  const states = await readUnitStates(prints(output, calls), names);
  expect([...states.entries()].map(([name, state]) => [name as string, state])).toEqual([
    [
      "a-1",
      {
        active: "active",
        sinceMs: undefined,
        isEnabled: true,
        exitStatus: 0,
        result: "success",
        mainPid: 77,
      },
    ],
    [
      "b",
      {
        active: "failed",
        sinceMs: Date.UTC(2026, 10, 22, 3, 19, 10),
        isEnabled: false,
        exitStatus: 3,
        result: "exit-code",
        mainPid: 0,
      },
    ],
  ]);
  expect(calls.map((argv) => argv.slice(-4))).toEqual([
    ["--", ...["a-1", "b", "c"].map((name) => `systemd-nspawn@${name}.service`)],
  ]);
  expect((await readUnitStates(prints("", calls), [])).size).toBe(0);
  expect(calls.length).toBe(1);
});

const leaders: readonly (readonly [output: string, leader: number | undefined])[] = [
  ["Leader=4711\n", 4711],
  ["Leader=0\n", undefined],
  ["", undefined],
];
test.each(leaders)("readLeader() reads %j", async (output, leader) => {
  expect(await readLeader(prints(output), parseMachineName("web"))).toBe(leader);
});

test("isStopped() takes a unit in between for one that runs", () => {
  const state = (active: string) => ({
    active,
    sinceMs: undefined,
    isEnabled: false,
    exitStatus: 0,
    result: "",
    mainPid: 0,
  });
  const words = [
    "inactive",
    "failed",
    "active",
    "activating",
    "deactivating",
    "reloading",
    "unknown",
  ];
  expect(words.filter((word) => isStopped(state(word)))).toEqual(["inactive", "failed"]);
  expect(isStopped(undefined)).toBe(true);
});
