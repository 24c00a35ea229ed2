import { describe, expect, test } from "bun:test";
import { expectGolden } from "../golden/golden.ts";
import { replaceTable } from "../images_table.ts";
import { sample } from "./pull/_sample.ts";
import { renderMarkdownTable, renderTables } from "./pull/markdown.ts";
import { markers, readmes } from "./pull_report.ts";

describe("the tables of pulls", () => {
  test.each(Object.entries(readmes))("in %s are as the golden file shows", (name, words) => {
    expectGolden(`bench/pull-${name}`, renderTables(sample, words));
  });

  test("go between markers of their own", () => {
    const markdown = `a\n${markers[0]}\nold\n${markers[1]}\nb\n`;
    expect(replaceTable(markdown, "| new |\n", markers)).toBe(
      `a\n${markers[0]}\n\n| new |\n\n${markers[1]}\nb\n`,
    );
  });
});

test("renderMarkdownTable() writes what the formatter leaves alone", async () => {
  const rows = [
    ["what", "ms", "冷拉取"],
    ["a longer name", "1", "-"],
    ["b", "12345", "1 … 2"],
  ];
  const table = renderMarkdownTable(rows);
  const path = `${import.meta.dir}/../../build/table-${process.pid}.md`;
  await Bun.write(path, table);
  try {
    Bun.spawnSync([process.execPath, "fmt", path], { stdout: "ignore", stderr: "ignore" });
    expect(await Bun.file(path).text()).toBe(table);
  } finally {
    await Bun.file(path).delete();
  }
});
