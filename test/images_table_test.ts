import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type AllResults,
  readmes,
  readResults,
  renderImagesTable,
  replaceTable,
  type TableWords,
} from "./images_table.ts";
import { realImages } from "./lab/images/real_images.ts";

const all = Object.fromEntries(realImages.map((image) => [image, "ok"]));
const results: AllResults = {
  debian12: { systemd: 252, images: all },
  debian13: { systemd: 257, images: all },
  sid: { systemd: 262, images: all },
};
const words: TableWords = {
  image: "镜像",
  ok: "runs",
  about: {
    registry: "one",
    nginx: "two",
    redis: "three",
    postgres: "四",
    scratch: "five",
    busybox: "six",
  },
};

const table = `\
| 镜像          | Debian 12, systemd 252 | Debian 13, systemd 257 | Debian sid, systemd 262 |
| ------------- | ---------------------- | ---------------------- | ----------------------- |
| registry: one | runs                   | runs                   | runs                    |
| nginx: two    | runs                   | runs                   | runs                    |
| redis: three  | runs                   | runs                   | runs                    |
| postgres: 四  | runs                   | runs                   | runs                    |
| scratch: five | runs                   | runs                   | runs                    |
| busybox: six  | runs                   | runs                   | runs                    |
`;

describe("renderImagesTable()", () => {
  test("has a row for each image and a column for each system, wide characters counted as two", () => {
    expect(renderImagesTable(results, words)).toBe(table);
  });

  test("refuses when an image did not come through, and names it", () => {
    const { nginx: _, ...rest } = all;
    const broken = {
      ...results,
      sid: { systemd: 262, images: { ...rest, redis: "failed" } },
    };
    expect(() => renderImagesTable(broken, words)).toThrow(
      "Cannot render the table of images: there is no good result of nginx on sid, redis on sid",
    );
  });

  test("refuses when a system did not run", () => {
    const { debian13: _, ...rest } = results;
    expect(() => renderImagesTable(rest, words)).toThrow("registry on debian13, nginx on debian13");
  });

  test("renders the words of both READMEs", () => {
    for (const own of Object.values(readmes)) {
      expect(renderImagesTable(results, own).split("\n")).toHaveLength(9);
    }
  });
});

describe("replaceTable()", () => {
  const marked = (content: string) =>
    `a\n<!-- images: begin (bun test/images_table.ts) -->${content}<!-- images: end -->\nb\n`;

  test("replaces what stands between the markers, and nothing else", () => {
    expect(replaceTable(marked("\nold | table\n"), "| new |\n")).toBe(marked("\n\n| new |\n\n"));
  });

  test("does nothing the second time", () => {
    const once = replaceTable(marked("\n"), table);
    expect(replaceTable(once, table)).toBe(once);
  });

  test.each(["", marked("") + marked(""), "<!-- images: end -->"])(
    "refuses a text without both markers, or with two pairs: %j",
    (text) => {
      expect(() => replaceTable(text, table)).toThrow("Cannot find the place");
    },
  );
});

test("readResults() reads the systems that have results", () => {
  const folder = mkdtempSync(join(tmpdir(), "mbctl-images-table-"));
  try {
    writeFileSync(join(folder, "images-sid.json"), JSON.stringify(results.sid));
    expect(readResults(folder)).toEqual({ sid: { systemd: 262, images: all } });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
