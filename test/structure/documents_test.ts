/** The documents name commands and files that there are, and are alike (test/docs reads the rest). */

import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { project, textOf } from "./_sources.ts";

const english = "README.md";
const chinese = "README.zh-CN.md";

/** The contents of the fenced blocks of a language. */
function blocks(markdown: string, language: string): string[] {
  return [...markdown.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map(
    ([, content = ""]) => content,
  );
}

/** The commands of a README: its sh blocks, without the comments, which are in its own language. */
function commands(markdown: string): string[] {
  return blocks(markdown, "sh").flatMap((block) =>
    block
      .split("\n")
      .map((line) => line.replace(/(^|\s)#\s.*$/, "").trimEnd())
      .filter((line) => line !== ""),
  );
}

describe("README", () => {
  test("names the test command that .ci/run calls, and the demo", () => {
    expect(commands(textOf(english))).toContain("make test");
    expect(commands(textOf(english))).toContain("make demo");
    expect(textOf(".ci/run")).toMatch(/^make test$/m);
  });

  test("names only targets that the Makefile has", () => {
    const used = commands(textOf(english)).flatMap((line) =>
      [...line.matchAll(/\bmake ([a-z-]+)/g)].map(([, target = ""]) => target),
    );
    const known = [...textOf("Makefile").matchAll(/^([a-z-]+):/gm)].map(([, target]) => target);
    expect(used.filter((target) => !known.includes(target))).toEqual([]);
  });

  test("shows examples/addresses.ts as it is", () => {
    expect(blocks(textOf(english), "ts")).toContain(textOf("examples/addresses.ts"));
  });

  test("links to files that exist", () => {
    for (const readme of [english, chinese]) {
      const targets = [...textOf(readme).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(
        ([, target = ""]) => target,
      );
      expect(targets.filter((target) => !existsSync(join(project, target)))).toEqual([]);
    }
  });

  test("in Chinese has the same commands and the same examples", () => {
    expect(commands(textOf(chinese))).toEqual(commands(textOf(english)));
    expect(blocks(textOf(chinese), "ts")).toEqual(blocks(textOf(english), "ts"));
  });
});

test("CHANGELOG.md begins with what is not released, or with the version of package.json", () => {
  const { version } = JSON.parse(textOf("package.json"));
  const first = /^## \[([^\]]+)\]/m.exec(textOf("CHANGELOG.md"))?.[1];
  expect(["Unreleased", version]).toContain(first);
});
