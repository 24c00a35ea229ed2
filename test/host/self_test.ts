import { expect, test } from "bun:test";
import { join } from "node:path";
import { type ChildWork, selfCommand } from "../../lib/host/self.ts";

const program = join(import.meta.dir, "../../scripts/mbctl.ts");

/** What the compiled program imports as a child: name of the work and absolute path of its file. */
async function compiledChildren(): Promise<[string, string][]> {
  const text = await Bun.file(program).text();
  const rows = text.matchAll(
    /^ {2}"?([a-z-]+)"?: \(\) => import\("(\.\.\/lib\/[^"]+_child\.ts)"\)/gm,
  );
  return [...rows].map(([, work = "", file = ""]) => [work, join(program, "..", file)]);
}

test("selfCommand() starts, from source, the very file that the compiled program imports", async () => {
  const children = await compiledChildren();
  expect(children.map(([work]) => work)).toContain("connector-serve");
  const started = children.map(([work]) => [work, selfCommand(work as ChildWork)[1]]);
  expect(started).toEqual(children);
});
