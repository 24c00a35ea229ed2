import { expect, test } from "bun:test";
import { statsHeadings, statsRow } from "../../scripts/_stats_table.ts";
import { renderTable } from "../../lib/cli/table.ts";
import { withoutStyles } from "../../lib/cli/terminal.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { toStats } from "../../lib/watch/stats.ts";

const name = parseMachineName("web");
const at = (atMs: number, cpuUsec?: number) => ({
  name,
  state: "running",
  atMs,
  ...(cpuUsec === undefined ? {} : { cpuUsec }),
});

test("toStats() measures the processor between two samples", () => {
  expect(toStats(at(1000, 0), at(2000, 1_500_000))).toEqual({
    name,
    state: "running",
    cpuUsec: 1_500_000,
    cpuPercent: 150,
  });
  expect(toStats(at(0, 1000), at(500, 1250)).cpuPercent).toBe(0.1);
});

test("toStats() says nothing of a share that it cannot know", () => {
  const rows = [
    [undefined, at(1, 5)],
    [at(0), at(1)],
    // Started again meanwhile.
    [at(0, 9000), at(1000, 10)],
  ] as const;
  for (const [before, after] of rows) {
    expect(toStats(before, after)).not.toHaveProperty("cpuPercent");
  }
});

test("the table shows a dash for what is not counted", () => {
  const row = {
    ...toStats(at(0, 0), at(1000, 3_725_000_000)),
    memoryBytes: 1_500_000,
    tasks: 3,
    treeBytes: 0,
  };
  expect(withoutStyles(renderTable(statsHeadings(true), [statsRow(row, true)]))).toBe(
    `NAME  STATE    CPU %     CPU TIME  MEMORY  PEAK  LIMIT  TASKS  NET IN  NET OUT  READ  WRITTEN  TREE  STORAGE
web   running  372500.0  1h02m     1.5 MB  -     -      3      -       -        -     -        0 B   -
`,
  );
});
