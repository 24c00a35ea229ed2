/**
 * The tables of the READMEs. Pure.
 *
 * @module
 */
import { type Axis, axisNames } from "./cases.ts";
import { type ContenderId, labels } from "./labels.ts";
import type { Peak, Run } from "./measure.ts";
import { type Applying, cpu, type Pulls, type Results, seriesOf, wall } from "./results.ts";

/** The words of one README. */
export interface PullWords {
  /** What the figures are of. */
  readonly about: (facts: Facts) => string;
  readonly main: readonly [string, string, string, string, string];
  readonly rows: string;
  readonly axes: Readonly<Record<Axis, (label: string) => string>>;
  readonly clones: readonly [string, string, string, string];
  readonly treeKept: string;
  /** Layers alone, and the floor, in seconds. */
  readonly applying: (ours: string, floor: string) => string;
  readonly versions: (list: string) => string;
}

/** Facts of a run, as text. */
export interface Facts {
  readonly day: string;
  readonly machine: string;
  readonly kernel: string;
  readonly megabytes: string;
  readonly layers: number;
  readonly entries: string;
  readonly runs: number;
}

/** Who stands in the rows along which something grows. */
export const growing: readonly ContenderId[] = ["mbctl", "importctl", "podman"];

/** All tables, a blank line between them, as the formatter would leave them. */
export function renderTables(results: Results, words: PullWords): string {
  const { main, machine, day } = results;
  const facts: Facts = {
    day,
    machine: `${machine.cores} x ${machine.model}`,
    kernel: machine.kernel,
    megabytes: (main.image.blobBytes / 1e6).toFixed(0),
    layers: main.image.layers,
    entries: main.image.entries.toLocaleString("en-US"),
    runs: main.series[0]?.runs.length ?? 0,
  };
  const versions = Object.entries(results.versions).map(([, version]) => version);
  const parts = [
    `${words.about(facts)}\n`,
    renderMarkdownTable([words.main, ...mainRows(main)]),
    renderMarkdownTable([
      [words.rows, ...growing.map((id) => labels[id])],
      ...axisNames.flatMap((axis) =>
        (results.axes[axis] ?? []).map((point) => [
          words.axes[axis](point.label),
          ...growing.map((id) => cell(point, id)),
        ]),
      ),
    ]),
    ...(results.clones.length === 0
      ? []
      : [renderMarkdownTable([words.clones, ...cloneRows(results, words)])]),
    ...(results.applying === undefined ? [] : [`${applyingLine(results.applying, words)}\n`]),
    `${words.versions([...new Set(versions.filter(Boolean))].join(", "))}\n`,
  ];
  return parts.join("\n");
}

/** The main comparison, fastest first. */
export function mainRows({ series }: Pulls): readonly (readonly string[])[] {
  return series
    .map(({ contender, runs, peak }) => ({ contender, peak, wall: wall(runs), cpu: cpu(runs) }))
    .toSorted((a, b) => a.wall.median - b.wall.median)
    .map(({ contender, peak, wall, cpu }) => [
      labels[contender],
      seconds(wall.median),
      `${seconds(wall.min)} … ${seconds(wall.max)}`,
      seconds(cpu.median),
      megabytes(peak),
    ]);
}

function applyingLine({ ours, floor }: Applying, words: PullWords): string {
  return words.applying(seconds(wall(ours).median), seconds(wall(floor).median));
}

/** Second machines, a row for each file system and image. */
function cloneRows({ clones, axes }: Results, words: PullWords): readonly (readonly string[])[] {
  const ms = (runs: readonly Run[]) => (runs.length === 0 ? "-" : wall(runs).median.toFixed(0));
  return clones.map(({ fileSystem, image, isTreeKept, machine, copy, copyAndSync }) => {
    const label = axes.size?.find((point) => point.image.name === image)?.label ?? image;
    const what = [fileSystem, label, ...(isTreeKept ? [words.treeKept] : [])].join(", ");
    return [what, ms(machine), ms(copy), ms(copyAndSync)];
  });
}

/** `1.42 / 2.30 / 90`, or a dash. */
function cell(pulls: Pulls, contender: ContenderId): string {
  const series = seriesOf(pulls, contender);
  if (series === undefined || series.runs.length === 0) return "-";
  const { runs, peak } = series;
  return [seconds(wall(runs).median), seconds(cpu(runs).median), megabytes(peak)].join(" / ");
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}

function megabytes({ pssBytes }: Peak): string {
  return (pssBytes / 1e6).toFixed(0);
}

/** A table, the first column to the left and the others to the right. */
export function renderMarkdownTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(3, ...rows.map((cells) => Bun.stringWidth(cells[column] ?? ""))),
  );
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |\n`;
  const [head = [], ...body] = rows.map((cells) =>
    line(
      widths.map((width, column) => {
        const text = cells[column] ?? "";
        const fill = " ".repeat(width - Bun.stringWidth(text));
        return column === 0 ? text + fill : fill + text;
      }),
    ),
  );
  const rule = line(
    widths.map((width, column) => (column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)),
  );
  return [head, rule, ...body].join("");
}
