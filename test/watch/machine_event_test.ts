import { describe, expect, test } from "bun:test";
import { type JournalFields, parseJournalLine, readEvent } from "../../lib/watch/machine_event.ts";

const time = { __REALTIME_TIMESTAMP: "1795350000123456" };
const entry = (fields: Readonly<Record<string, string>>): JournalFields =>
  new Map(Object.entries({ ...time, ...fields }));
const unit = { _PID: "1", UNIT: "systemd-nspawn@web.service" };

describe("parseJournalLine()", () => {
  test("reads texts, and leaves out what is none", () => {
    const line = '{"MESSAGE":"a","BINARY":[1,2],"TOO_LARGE":null,"TWICE":["a","b"]}';
    expect(parseJournalLine(line)).toEqual(new Map([["MESSAGE", "a"]]));
  });

  test.each(["", "-- No entries --", "{", "[]", "null"])("gives nothing for %j", (line) => {
    expect(parseJournalLine(line)).toBeUndefined();
  });
});

describe("readEvent()", () => {
  const rows: readonly (readonly [
    what: string,
    fields: Readonly<Record<string, string>>,
    event: string,
    message: string,
    more: Readonly<Record<string, string>>,
  ])[] = [
    ["a start", { MESSAGE_ID: "39f53479d3a045ac8e11786248231fbf" }, "start", "started", {}],
    ["a stop", { MESSAGE_ID: "9d1aaa27d60140bd96365438aad20286" }, "stop", "stopped", {}],
    [
      "an exit",
      {
        MESSAGE_ID: "98e322203f7a4ed290d09fe03c09fe15",
        COMMAND: "ExecStart",
        EXIT_CODE: "exited",
        EXIT_STATUS: "7",
      },
      "exit",
      "exited with 7",
      { exitCode: "exited", exitStatus: "7" },
    ],
    [
      "a kill",
      {
        MESSAGE_ID: "98e322203f7a4ed290d09fe03c09fe15",
        COMMAND: "ExecStart",
        EXIT_CODE: "killed",
        EXIT_STATUS: "9",
      },
      "exit",
      "killed by signal 9",
      { exitCode: "killed", exitStatus: "9" },
    ],
    [
      "a failure",
      { MESSAGE_ID: "d9b373ed55a64feb8242e02dbe79a49c", UNIT_RESULT: "timeout" },
      "fail",
      "failed: timeout",
      { result: "timeout" },
    ],
    [
      "a restart",
      { MESSAGE_ID: "5eb03494b6584870a536b337290809b2" },
      "restart",
      "systemd starts it again",
      {},
    ],
  ];
  test.each(rows)("reads %s of systemd's", (_, fields, event, message, more) => {
    expect(readEvent(entry({ ...unit, ...fields }))).toEqual({
      time: "2026-11-22T12:20:00.123Z",
      machine: "web" as never,
      event,
      source: "systemd",
      message,
      fields: more,
    });
  });

  test("reads an event of mbctl's, with its fields", () => {
    const fields = {
      _UID: "0",
      MBCTL_EVENT: "upgrade",
      MBCTL_MACHINE: "web",
      MBCTL_FROM_DIGEST: "sha256:1",
      MESSAGE: "web: now runs app:2",
    };
    expect(readEvent(entry(fields))).toEqual({
      time: "2026-11-22T12:20:00.123Z",
      machine: "web" as never,
      event: "upgrade",
      source: "mbctl",
      message: "now runs app:2",
      fields: { fromDigest: "sha256:1" },
    });
  });

  const others: readonly (readonly [what: string, fields: Readonly<Record<string, string>>])[] = [
    ["another user's", { _UID: "1000", MBCTL_EVENT: "apply", MBCTL_MACHINE: "web" }],
    ["no machine's", { _UID: "0", MBCTL_EVENT: "apply", MBCTL_MACHINE: "../web" }],
    [
      "another program's word of a unit",
      { ...unit, _PID: "77", MESSAGE_ID: "39f53479d3a045ac8e11786248231fbf" },
    ],
    [
      "another unit's",
      { _PID: "1", UNIT: "ssh.service", MESSAGE_ID: "39f53479d3a045ac8e11786248231fbf" },
    ],
    [
      "a helper's exit",
      { ...unit, MESSAGE_ID: "98e322203f7a4ed290d09fe03c09fe15", COMMAND: "ExecStartPre" },
    ],
    ["some other message", { ...unit, MESSAGE_ID: "toString" }],
    [
      "without a time",
      { __REALTIME_TIMESTAMP: "x", ...unit, MESSAGE_ID: "39f53479d3a045ac8e11786248231fbf" },
    ],
  ];
  test.each(others)("leaves out %s", (_, fields) => {
    expect(readEvent(entry(fields))).toBeUndefined();
  });
});
