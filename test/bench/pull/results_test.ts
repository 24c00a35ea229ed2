import { describe, expect, test } from "bun:test";
import { pullsOf, runsOf, sample } from "./_sample.ts";
import { cpu, goalsOf, renderGoals, wall, wallOf } from "./results.ts";

test("wall() and cpu() take medians of their own column", () => {
  const runs = runsOf(5, 1, 3);
  expect(wall(runs)).toEqual({ median: 3, min: 1, max: 5, count: 3 });
  expect(cpu(runs)).toEqual({ median: 6, min: 2, max: 10, count: 3 });
});

test("wallOf() knows nothing of a contender that did not run", () => {
  const pulls = pullsOf("x", {}, { mbctl: [1], podman: [] });
  expect(wallOf(pulls, "mbctl")?.median).toBe(1);
  expect(wallOf(pulls, "podman")).toBeUndefined();
  expect(wallOf(pulls, "importctl")).toBeUndefined();
});

describe("goalsOf()", () => {
  test("divides medians, and takes the start of the process off on btrfs", () => {
    expect(goalsOf(sample)).toEqual([
      { what: "cold pull: mbctl / podman", value: 1400 / 6000, atMost: 0.25 },
      { what: "cold pull: mbctl / importctl", value: 1400 / 3000, atMost: 0.6 },
      { what: "applying: mbctl / floor", value: 1.5, atMost: 2 },
      {
        what: "second machine of 1gb on btrfs, beyond process start",
        value: 80,
        atMost: 100,
        unit: "ms",
      },
      {
        what: "second machine of 200mb on ext4, tree kept: mbctl / cp -a",
        value: 0.45,
        atMost: 0.6,
      },
      { what: "memory of a pull of 1 GB", value: 20, atMost: 150, unit: "MB" },
    ]);
  });

  test("of a quick run has what was measured, and nothing else", () => {
    const { applying: _, ...rest } = sample;
    const goals = goalsOf({ ...rest, axes: {}, clones: [] });
    expect(goals.map(({ what }) => what)).toEqual([
      "cold pull: mbctl / podman",
      "cold pull: mbctl / importctl",
    ]);
  });
});

test("renderGoals() says of each whether it is met, the limit included", () => {
  const goals = [
    { what: "a", value: 0.25, atMost: 0.25 },
    { what: "b", value: 0.251, atMost: 0.25 },
    { what: "c", value: 151.2, atMost: 150, unit: "MB" as const },
  ];
  expect(renderGoals(goals)).toEqual([
    ["a", "0.25", "at most 0.25", "met"],
    ["b", "0.25", "at most 0.25", "NOT MET"],
    ["c", "151 MB", "at most 150 MB", "NOT MET"],
  ]);
});
