import { expect, test } from "bun:test";
import { expectGolden } from "../../golden/golden.ts";
import { sample } from "./_sample.ts";
import { renderPlot } from "./svg.ts";

test("renderPlot() draws what the golden file shows", () => {
  expectGolden("bench/pull.svg", renderPlot(sample));
});

test("renderPlot() of a quick run has bars and no panels", () => {
  const plot = renderPlot({ ...sample, axes: {} });
  expect(plot.match(/<rect /g)).toHaveLength(1 + 6);
  expect(plot).not.toContain("<path");
});

test("renderPlot() keeps everything inside of the picture", () => {
  const plot = renderPlot(sample);
  const [left = 0, top = 0, width = 0, height = 0] = (/viewBox="([^"]*)"/.exec(plot)?.[1] ?? "")
    .split(" ")
    .map(Number);
  const places = [...plot.matchAll(/ c?([xy])[12]?="([^"]*)"/g)];
  expect(places.length).toBeGreaterThan(100);
  for (const [, axis, value] of places) {
    const [from, size] = axis === "x" ? [left, width] : [top, height];
    expect(Number(value)).toBeGreaterThanOrEqual(from);
    expect(Number(value)).toBeLessThanOrEqual(from + size);
  }
});

test("renderPlot() is XML", () => {
  const parse = ["-c", "import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.stdin)"];
  const { exitCode, stderr } = Bun.spawnSync(["python3", ...parse], {
    stdin: Buffer.from(renderPlot(sample)),
    stderr: "pipe",
  });
  expect({ exitCode, stderr: stderr.toString() }).toEqual({ exitCode: 0, stderr: "" });
});
