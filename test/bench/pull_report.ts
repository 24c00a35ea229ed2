/**
 * Writes the tables of pulls into the READMEs, and the plot into docs/, from what the last whole
 * run of the bench left in build/ (pull.ts).
 *
 *     bun test/bench/pull_report.ts
 *
 * @module
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { replaceTable } from "../images_table.ts";
import { type PullWords, renderTables } from "./pull/markdown.ts";
import type { Results } from "./pull/results.ts";
import { renderPlot } from "./pull/svg.ts";

/** Where the tables stand. */
export const markers = [
  "<!-- bench-pull: begin (bun test/bench/pull_report.ts) -->",
  "<!-- bench-pull: end -->",
] as const;

/** Each README and its words. */
export const readmes: Readonly<Record<string, PullWords>> = {
  "README.md": {
    about: ({ day, machine, kernel, megabytes, layers, entries, runs }) =>
      `An image of ${megabytes} MB in ${layers} gzip layers, ${entries} entries, from a registry on the same machine to a tmpfs. Medians of ${runs}, in turn; CPU is of all processes together, memory their sum at its highest. ${machine}, Linux ${kernel}, ${day}.`,
    main: ["cold pull", "seconds", "fastest … slowest", "CPU seconds", "memory MB"],
    rows: "seconds / CPU seconds / MB",
    axes: {
      size: (label) => label,
      files: (label) => `100 MB in ${label} files`,
      layers: (label) => `4,000 files in ${label} ${label === "1" ? "layer" : "layers"}`,
      compression: (label) => `200 MB, ${label}`,
      link: (label) => `200 MB, from a registry that sends ${label}`,
    },
    clones: ["second machine of an image", "mbctl, ms", "cp -a, ms", "cp -a and sync, ms"],
    treeKept: '`image_trees = "always"`',
    applying: (ours, floor) =>
      `Layers alone, from files to a tree: ${ours} s. The least that this can cost, in C: ${floor} s (igzip, the same system calls and SHA-256 at once, nothing checked).`,
    versions: (list) => `Versions: ${list}.`,
  },
  "README.zh-CN.md": {
    about: ({ day, machine, kernel, megabytes, layers, entries, runs }) =>
      `镜像 ${megabytes} MB，${layers} 个 gzip 层，${entries} 个条目，从同一台机器上的镜像仓库拉取到 tmpfs。各程序轮流运行，取 ${runs} 次的中位数；CPU 是全部进程之和，内存是全部进程之和的最高值。${machine}，Linux ${kernel}，${day}。`,
    main: ["冷拉取", "秒", "最快 … 最慢", "CPU 秒", "内存 MB"],
    rows: "秒 / CPU 秒 / MB",
    axes: {
      size: (label) => label,
      files: (label) => `100 MB，${label} 个文件`,
      layers: (label) => `4,000 个文件，${label} 层`,
      compression: (label) => `200 MB，${label}`,
      link: (label) => `200 MB，仓库限速 ${label}`,
    },
    clones: ["同一镜像的第二台机器", "mbctl，毫秒", "cp -a，毫秒", "cp -a 加 sync，毫秒"],
    treeKept: '`image_trees = "always"`',
    applying: (ours, floor) =>
      `只解开镜像层（从文件到目录树）：${ours} 秒。用 C 写的下限：${floor} 秒（igzip、同样的系统调用和 SHA-256 并行，不做任何检查）。`,
    versions: (list) => `版本：${list}。`,
  },
};

if (import.meta.main) {
  const project = join(import.meta.dir, "../..");
  try {
    const path = join(project, "build/bench-pull.json");
    const results: Results = JSON.parse(readFileSync(path, "utf8"));
    mkdirSync(join(project, "docs"), { recursive: true });
    writeFileSync(join(project, "docs/bench-pull.svg"), renderPlot(results));
    console.log("wrote docs/bench-pull.svg");
    for (const [name, words] of Object.entries(readmes)) {
      const path = join(project, name);
      const before = readFileSync(path, "utf8");
      const after = replaceTable(before, renderTables(results, words), markers);
      if (after === before) continue;
      writeFileSync(path, after);
      console.log(`wrote ${name}`);
    }
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
