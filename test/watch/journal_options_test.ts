import { describe, expect, test } from "bun:test";
import { checkJournalOptions } from "../../lib/watch/journal_options.ts";

describe("checkJournalOptions()", () => {
  const good: readonly (readonly string[])[] = [
    [],
    ["-p", "warning", "-r"],
    ["-rfp", "err", "-n5", "--lines=5"],
    ["--since", "-1h", "--until=now"],
    // A value may look like an option: journalctl takes it as one all the same.
    ["--grep", "--unit=x"],
    ["-g", "-u"],
    ["-g-u", "-o", "json"],
    ["PRIORITY=3", "+", "_PID=1", "/usr/bin/x"],
    ["-b", "-1"].slice(0, 1),
    ["-"],
  ];
  test.each(good.map((words) => [words] as const))("takes %j", (words) => {
    expect(() => checkJournalOptions(words)).not.toThrow();
  });

  const bad: readonly (readonly [word: string, words: readonly string[]])[] = [
    ["-u", ["-u", "ssh.service"]],
    ["-ru", ["-ru", "ssh.service"]],
    ["--unit=x", ["--unit=x"]],
    ["--uni=x", ["--uni=x"]],
    ["--user-unit=x", ["--since", "x", "--user-unit=x"]],
    ["--machine=x", ["--machine=x"]],
    ["-M", ["-fM", "x"]],
    ["--directory=/", ["--directory=/"]],
    ["--vacuum-time=1s", ["--vacuum-time=1s"]],
    ["--rotate", ["--rotate"]],
    ["--constructor", ["--constructor"]],
    // The value is attached, so the next word is none.
    ["-u", ["--grep=x", "-u", "y"]],
    ["-u", ["-gx", "-u"]],
    ["-u", ["-n", "-u"]],
  ];
  test.each(bad)("refuses %j in %j", (word, words) => {
    const [option = ""] = word === "-M" ? ["-fM"] : [word];
    expect(() => checkJournalOptions(words)).toThrow(`Cannot pass "${option}" on to journalctl`);
  });
});
