import { expect, test } from "bun:test";
import {
  convertHealthAction,
  convertHealthCommand,
  convertHealthRetries,
  healthTime,
  turnOff,
} from "../../lib/podman/health.ts";
import type { HealthProbe } from "../../lib/spec/health_check.ts";
import { converted, noFiles } from "./_tools.ts";

const shell = (line: string): HealthProbe => ({ kind: "shell", line });
const command = (...words: string[]): HealthProbe => ({ kind: "command", words });

const good: readonly (readonly [value: string, probe: HealthProbe])[] = [
  ["curl -f http://localhost/ || exit 1", shell("curl -f http://localhost/ || exit 1")],
  ["CMD-SHELL pg_isready -U postgres", shell("pg_isready -U postgres")],
  ["CMD pg_isready -U postgres", command("pg_isready", "-U", "postgres")],
  ["cmdline --ok", shell("cmdline --ok")],
  ['["CMD","redis-cli","ping"]', command("redis-cli", "ping")],
  ['["CMD-SHELL","redis-cli ping"]', shell("redis-cli ping")],
  ['["redis-cli","ping"]', command("redis-cli", "ping")],
  ['["redis-cli ping"]', shell("redis-cli ping")],
  ["[ -e /ready ]", shell("[ -e /ready ]")],
];

test.each(good)("convertHealthCommand() reads %s", (value, probe) => {
  expect(converted(convertHealthCommand, value).health).toEqual({ probe });
});

test.each(["none", "NONE", '["NONE"]'])(
  "convertHealthCommand() turns the check off: %s",
  (value) => {
    expect(converted(convertHealthCommand, value).health).toBe("none");
  },
);

test.each(["", "  ", "CMD-SHELL", '["CMD"]'])("convertHealthCommand() refuses %j", (value) => {
  expect(() => converted(convertHealthCommand, value)).toThrow("the command is empty");
});

test("times and retries of 0 are the image's", () => {
  for (const convert of [
    healthTime("intervalMs"),
    healthTime("startPeriodMs"),
    convertHealthRetries,
  ]) {
    expect(converted(convert, "0").health).toEqual({});
  }
  expect(converted(healthTime("intervalMs"), "1m30s").health).toEqual({ intervalMs: 90_000 });
  expect(converted(convertHealthRetries, "5").health).toEqual({ retries: 5 });
});

test("a check without a timer is listed", () => {
  const { health, remarks } = converted(healthTime("intervalMs"), "disable");
  expect([health, remarks.map(({ kind }) => kind)]).toEqual([{}, ["unsupported"]]);
});

test("convertHealthAction() reads podman's words, and says what becomes of kill", () => {
  expect(converted(convertHealthAction, "stop")).toMatchObject({
    health: { onFailure: "stop" },
    remarks: [],
  });
  expect(converted(convertHealthAction, "kill")).toMatchObject({
    health: { onFailure: "restart" },
    remarks: [{ kind: "note" }],
  });
  expect(() => converted(convertHealthAction, "reboot")).toThrow('Cannot read the action "reboot"');
});

test("a check that is turned off is on again with a command", () => {
  const draft = converted(turnOff, "true");
  convertHealthCommand(draft, { value: "true", written: "it", tools: noFiles });
  expect(draft.health).toEqual({ probe: shell("true") });
});

test.each(["x", "-1", "1.5"])("convertHealthRetries() refuses %s", (value) => {
  expect(() => converted(convertHealthRetries, value)).toThrow("it is no number");
});
