import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { findCycle } from "../../lib/spec/depends_cycle.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";

const specs = (needs: Readonly<Record<string, readonly string[]>>) =>
  Object.entries(needs).map(([name, depends]) => ({
    name: parseMachineName(name),
    depends: depends.map(parseMachineName),
  }));

describe("findCycle()", () => {
  test.each([
    [{}, undefined],
    [{ a: ["b"], b: ["c"], c: [] }, undefined],
    [{ a: ["b", "c"], b: ["d"], c: ["d"], d: [] }, undefined],
    [{ a: ["gone"] }, undefined],
    [{ a: ["a"] }, ["a"]],
    [{ a: ["b"], b: ["c"], c: ["b"] }, ["b", "c"]],
    [{ x: [], a: ["b"], b: ["c"], c: ["a"] }, ["a", "b", "c"]],
  ])("of %j is %j", (needs, circle) => {
    expect<unknown>(findCycle(specs(needs as Record<string, string[]>))).toEqual(circle);
  });

  test("what it finds is a circle, and where it finds none there is an order", () => {
    const node = fc.integer({ min: 0, max: 7 });
    const edges = fc.array(fc.tuple(node, node), { maxLength: 16 });
    fc.assert(
      fc.property(edges, (pairs) => {
        const needs = Object.fromEntries(
          Array.from({ length: 8 }, (_, one) => [
            `m${one}`,
            pairs.flatMap(([from, to]) => (from === one ? [`m${to}`] : [])),
          ]),
        );
        const circle = findCycle(specs(needs));
        if (circle !== undefined) {
          for (const [index, name] of circle.entries()) {
            const next = circle[(index + 1) % circle.length] as string;
            expect(needs[name]).toContain(next);
          }
          return;
        }
        // Whoever needs nobody that is left may go: in the end all are gone.
        let left = Object.keys(needs);
        for (let round = 0; round < 8; round++) {
          left = left.filter((name) => needs[name]?.some((needed) => left.includes(needed)));
        }
        expect(left).toEqual([]);
      }),
    );
  });
});
