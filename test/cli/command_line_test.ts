import { describe, expect, test } from "bun:test";
import { splitLine } from "../../lib/cli/command_line.ts";

describe("splitLine()", () => {
  const rows: [string, readonly string[], number][] = [
    ["mbctl ", ["mbctl", ""], 0],
    ["mbctl  machines\tst", ["mbctl", "machines", "st"], 0],
    ["mbctl 'a b' c\\ d \"e 'f", ["mbctl", "a b", "c d", "e 'f"], 0],
    ["mbctl '' x", ["mbctl", "", "x"], 0],
    ["mbctl docker.io/redis:", ["mbctl", "docker.io/redis:"], 16],
    ["mbctl --root=/v", ["mbctl", "--root=/v"], 7],
    ["mbctl 'docker.io/redis:", ["mbctl", "docker.io/redis:"], 0],
  ];
  test.each(rows)("%j", (line, words, dropped) => {
    expect(splitLine(line)).toEqual({ words, dropped });
  });
});
