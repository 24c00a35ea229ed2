/**
 * Writes the table of images and systems into the READMEs, from what the end-to-end test of
 * the images left in build/ (test/e2e/images_test.ts).
 *
 *     bun test/images_table.ts          writes it
 *     bun test/images_table.ts --check  only says whether it is up to date
 *
 * @module
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type HostOs, hostOses } from "./lab/host_image.ts";
import { type RealImage, realImages } from "./lab/images/real_images.ts";

/** What a run of the images on one system gave: build/images-OS.json. */
export interface ImageResults {
  /** Major version of the system's systemd. */
  readonly systemd: number;
  /** `ok` for each image that came through; the others are missing. */
  readonly images: Readonly<Record<string, string>>;
}

/** The results of every system that ran. */
export type AllResults = Readonly<Partial<Record<HostOs, ImageResults>>>;

/** The words of one README. */
export interface TableWords {
  readonly image: string;
  readonly ok: string;
  readonly about: Readonly<Record<RealImage, string>>;
}

/** Each README and its words. */
export const readmes: Readonly<Record<string, TableWords>> = {
  "README.md": {
    image: "image",
    ok: "runs",
    about: {
      registry: "a volume",
      nginx: "logs to `/dev/stdout`, workers of another user",
      redis: "a user, a volume",
      postgres: "a named user, a volume, a script as entrypoint",
      scratch: "one static binary and nothing else",
      busybox: "no `/etc/passwd`",
    },
  },
  "README.zh-CN.md": {
    image: "镜像",
    ok: "可运行",
    about: {
      registry: "有一个卷",
      nginx: "日志写到 `/dev/stdout`，工作进程属于另一个用户",
      redis: "指定用户，有一个卷",
      postgres: "按名字指定用户，有一个卷，入口是脚本",
      scratch: "只有一个静态程序",
      busybox: "没有 `/etc/passwd`",
    },
  },
};

const systems: Readonly<Record<HostOs, string>> = {
  debian12: "Debian 12",
  debian13: "Debian 13",
  sid: "Debian sid",
};

const imageMarkers = [
  "<!-- images: begin (bun test/images_table.ts) -->",
  "<!-- images: end -->",
] as const;

/**
 * Renders the table as the formatter would leave it.
 *
 * @throws Error naming all results that are missing: a table never says more than a test run.
 */
export function renderImagesTable(results: AllResults, words: TableWords): string {
  const missing = hostOses.flatMap((os) =>
    realImages
      .filter((image) => results[os]?.images[image] !== "ok")
      .map((image) => `${image} on ${os}`),
  );
  if (missing.length > 0) {
    throw new Error(
      `Cannot render the table of images: there is no good result of ${missing.join(", ")}`,
    );
  }
  const heads = hostOses.map((os) => `${systems[os]}, systemd ${results[os]?.systemd}`);
  const rows = [
    [words.image, ...heads],
    ...realImages.map((image) => [
      `${image}: ${words.about[image]}`,
      ...hostOses.map(() => words.ok),
    ]),
  ];
  const widths = [0, ...heads.map((_, index) => index + 1)].map((column) =>
    Math.max(...rows.map((row) => Bun.stringWidth(row[column] ?? ""))),
  );
  const line = (cells: readonly string[], fill: string) =>
    `| ${cells.map((cell, column) => cell + fill.repeat((widths[column] ?? 0) - Bun.stringWidth(cell))).join(" | ")} |\n`;
  const [head = [], ...body] = rows.map((row) => line(row, " "));
  const rule = line(
    widths.map(() => ""),
    "-",
  );
  return [head, rule, ...body].join("");
}

/**
 * Puts a table between two markers, by default those of the images.
 *
 * @throws Error when a marker is missing or stands twice.
 */
export function replaceTable(
  markdown: string,
  table: string,
  [begin, end]: readonly [string, string] = imageMarkers,
): string {
  const parts = markdown.split(begin);
  const [before = "", rest = ""] = parts;
  const tail = rest.split(end);
  if (parts.length !== 2 || tail.length !== 2) {
    throw new Error(
      `Cannot find the place of the table: "${begin}" and "${end}" must each stand there once`,
    );
  }
  return `${before}${begin}\n\n${table}\n${end}${tail[1]}`;
}

/** Reads the results that are there. */
export function readResults(folder: string): AllResults {
  return Object.fromEntries(
    hostOses
      .map((os) => [os, join(folder, `images-${os}.json`)] as const)
      .filter(([, path]) => existsSync(path))
      .map(([os, path]) => [os, JSON.parse(readFileSync(path, "utf8"))]),
  );
}

if (import.meta.main) {
  const project = join(import.meta.dir, "..");
  const isCheck = process.argv.includes("--check");
  try {
    const results = readResults(join(project, "build"));
    for (const [name, words] of Object.entries(readmes)) {
      const path = join(project, name);
      const before = readFileSync(path, "utf8");
      const after = replaceTable(before, renderImagesTable(results, words));
      if (after === before) continue;
      if (isCheck)
        throw new Error(`Cannot accept ${name}: its table of images is not that of the last run`);
      writeFileSync(path, after);
      console.log(`wrote ${name}`);
    }
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
