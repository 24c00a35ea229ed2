/** Every script is a verb, every verb has a script, and each speaks as the others do. */

import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { splitLine } from "../../lib/cli/command_line.ts";
import { renderVerbHelp } from "../../lib/cli/help.ts";
import { dispatch } from "../../lib/cli/dispatch.ts";
import { parseArguments } from "../../lib/cli/parse.ts";
import { withoutStyles } from "../../lib/cli/terminal.ts";
import { verbTable } from "../../scripts/mbctl.ts";

const SCRIPTS = join(import.meta.dir, "../../scripts");
/** Without the program itself, and the files that several verbs share. */
const files = readdirSync(SCRIPTS).filter(
  (file) => file.endsWith(".ts") && file !== "mbctl.ts" && !file.startsWith("_"),
);
const names = Object.keys(verbTable);

test("the verb table equals the files", () => {
  expect(names.map((name) => `${name.replaceAll(" ", "-")}.ts`).sort()).toEqual(files.sort());
});

describe.each(names)("%s", (name) => {
  const source = readFileSync(join(SCRIPTS, `${name.replaceAll(" ", "-")}.ts`), "utf8");
  const load = async () => {
    const module = await verbTable[name]?.();
    if (module === undefined) throw new Error(`${name} has no entry`);
    return module.default;
  };

  test("has its own name", async () => {
    expect((await load()).name).toBe(name);
  });

  test("runs by itself too", () => {
    expect(source.endsWith("\nif (import.meta.main) await runScript(verb);\n")).toBe(true);
  });

  test("has a summary that fits a list", async () => {
    const { summary } = await load();
    expect(summary).toMatch(/^[a-z].*[^.]$/);
    expect(summary.length).toBeLessThanOrEqual(58);
  });

  test("has examples that parse", async () => {
    const verb = await load();
    expect(verb.examples.length).toBeGreaterThan(0);
    for (const { command } of verb.examples) {
      // Examples may stand in a pipe or in another program's arguments.
      const line = /\bmbctl ([^|>)]*)/.exec(command)?.[1]?.trim() ?? "";
      const { name: named, leading, rest } = dispatch(verbTable, splitLine(line).words);
      expect(named).toBe(name);
      parseArguments(verb, [...leading, ...rest]);
    }
  });

  test("has a help page of 80 columns", async () => {
    const [page = ""] = withoutStyles(renderVerbHelp(await load())).split("\nExamples:\n");
    expect(page.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });
});
