/**
 * The plot: the main comparison as bars, and how the time grows as lines. Drawn for light and
 * dark pages alike; all text is text. Pure.
 *
 * @module
 */
import type { Axis } from "./cases.ts";
import { labels } from "./labels.ts";
import { growing } from "./markdown.ts";
import { type Results, wallOf } from "./results.ts";

/** Of what is drawn; the margin comes around it. */
const width = 880;
const margin = 16;
const barsTop = 56;
const barHeight = 22;
const barGap = 10;
const panelHeight = 190;

const style = `
  .page { fill: #ffffff; }
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; font-size: 15px; }
  .small { font-size: 11px; fill: #59636e; }
  .grid { stroke: #d1d9e0; }
  .whisker { stroke: #1f2328; stroke-width: 1.5; }
  path.line { fill: none; stroke-width: 2.5; }
  .mbctl, .mbctl-own { fill: #0969da; stroke: #0969da; }
  .importctl { fill: #bc4c00; stroke: #bc4c00; }
  .podman { fill: #8250df; stroke: #8250df; }
  .umoci, .umoci-raw { fill: #818b98; stroke: #818b98; }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; }
    text { fill: #e6edf3; }
    .small { fill: #9198a1; }
    .grid { stroke: #3d444d; }
    .whisker { stroke: #e6edf3; }
    .mbctl, .mbctl-own { fill: #4493f8; stroke: #4493f8; }
    .importctl { fill: #f0883e; stroke: #f0883e; }
    .podman { fill: #ab7df8; stroke: #ab7df8; }
  }
`;

/** The rows that become panels, with what stands below them. */
const panels: readonly (readonly [Axis, string])[] = [
  ["size", "size of the image"],
  ["files", "number of files, 100 MB in all"],
  ["layers", "number of layers, 4,000 files"],
];

/** Renders the whole picture. */
export function renderPlot(results: Results): string {
  const bars = renderBars(results);
  const top = bars.bottom + 44;
  const shown = panels.filter(([axis]) => (results.axes[axis]?.length ?? 0) > 1);
  const panelWidth = width / Math.max(1, shown.length);
  const drawn = shown.map(([axis, title], index) =>
    renderPanel(results, axis, title, { left: index * panelWidth, top, width: panelWidth }),
  );
  const height = shown.length === 0 ? bars.bottom + 12 : top + panelHeight + 52;
  const page = `${-margin} ${-margin} ${width + 2 * margin} ${height + 2 * margin}`;
  const megabytes = (results.main.image.blobBytes / 1e6).toFixed(0);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${page}" width="${width + 2 * margin}" height="${height + 2 * margin}" role="img" aria-label="Time of a cold pull, by program">`,
    `<style>${style}</style>`,
    `<rect class="page" x="${-margin}" y="${-margin}" width="100%" height="100%"/>`,
    text(0, 18, "title", `Cold pull of an image of ${megabytes} MB, seconds (shorter is better)`),
    text(
      0,
      38,
      "small",
      `median and range of ${results.main.series[0]?.runs.length} runs, ${results.machine.cores} cores, registry on the same machine, tmpfs`,
    ),
    bars.svg,
    ...(shown.length === 0
      ? []
      : [text(0, top - 14, "title", "How the time grows, seconds (both scales logarithmic)")]),
    ...drawn,
    "</svg>\n",
  ].join("\n");
}

function renderBars({ main }: Results): { readonly svg: string; readonly bottom: number } {
  const rows = main.series
    .flatMap(({ contender }) => {
      const wall = wallOf(main, contender);
      return wall === undefined ? [] : [{ contender, ...wall }];
    })
    .toSorted((a, b) => a.median - b.median);
  const left = 240;
  const scale = (width - left - 60) / Math.max(...rows.map(({ max }) => max));
  const parts = rows.map(({ contender, median, min, max }, index) => {
    const y = barsTop + index * (barHeight + barGap);
    const middle = y + barHeight / 2;
    const x = (ms: number) => round(left + ms * scale);
    return [
      text(left - 8, middle + 4, "end", labels[contender]),
      `<rect class="${contender}" x="${left}" y="${y}" width="${round(median * scale)}" height="${barHeight}" stroke="none"/>`,
      `<line class="whisker" x1="${x(min)}" x2="${x(max)}" y1="${middle}" y2="${middle}"/>`,
      text(x(max) + 8, middle + 4, "", (median / 1000).toFixed(2)),
    ].join("\n");
  });
  return {
    svg: parts.join("\n"),
    bottom: barsTop + rows.length * (barHeight + barGap),
  };
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
}

function renderPanel(results: Results, axis: Axis, title: string, box: Box): string {
  // Among megabytes an image of two kilobytes stands alone, far to the left: it is in the table.
  const points = (results.axes[axis] ?? []).filter(({ image }) => image.blobBytes > 1e6);
  const [x0, x1] = [box.left + 40, box.left + box.width - 16];
  const [y0, y1] = [box.top + panelHeight, box.top + 8];
  const amounts = points.map(({ image }) => amountOf(axis, image));
  const walls = growing.map((id) => points.map((point) => wallOf(point, id)?.median));
  const all = walls.flat().filter((ms) => ms !== undefined);
  const x = logScale(amounts, x0, x1);
  const ticks = decades(Math.min(...all), Math.max(...all));
  const y = logScale(ticks, y0, y1);
  const grid = ticks.map((ms) =>
    [
      `<line class="grid" x1="${x0}" x2="${x1}" y1="${y(ms)}" y2="${y(ms)}"/>`,
      text(x0 - 6, y(ms) + 4, "small end", String(ms / 1000)),
    ].join("\n"),
  );
  const names = points.map(({ label }, index) =>
    text(x(amounts[index] ?? 1), y0 + 16, "small middle", label.replace(/,000$/, "k")),
  );
  const lines = growing.map((id, row) => {
    const places = (walls[row] ?? []).flatMap((ms, index) =>
      ms === undefined ? [] : [`${x(amounts[index] ?? 1)},${y(ms)}`],
    );
    if (places.length === 0) return "";
    const dots = places.map((place) => {
      const [cx, cy] = place.split(",");
      return `<circle class="${id}" cx="${cx}" cy="${cy}" r="3"/>`;
    });
    return [`<path class="line ${id}" d="M${places.join("L")}"/>`, ...dots].join("\n");
  });
  return [...grid, ...names, ...lines, text(x0, y0 + 36, "", title)].filter(Boolean).join("\n");
}

/** What an image stands at on a row's axis. */
function amountOf(axis: Axis, image: Results["main"]["image"]): number {
  if (axis === "files") return image.regularFiles;
  return axis === "layers" ? image.layers : image.blobBytes;
}

/** The powers of ten around two numbers, both included. */
function decades(min: number, max: number): number[] {
  const first = Math.floor(Math.log10(min));
  const last = Math.max(first + 1, Math.ceil(Math.log10(max)));
  return Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index));
}

/** From amounts to places, the smallest at `from` and the largest at `to`. */
function logScale(amounts: readonly number[], from: number, to: number): (value: number) => number {
  const [low, high] = [Math.log(Math.min(...amounts)), Math.log(Math.max(...amounts))];
  return (value) => round(from + ((Math.log(value) - low) / (high - low || 1)) * (to - from));
}

const anchors: Readonly<Record<string, string>> = { end: "end", middle: "middle" };

function text(x: number, y: number, classes: string, content: string): string {
  const anchor = classes.split(" ").flatMap((name) => anchors[name] ?? [])[0];
  const kind = classes.split(" ").filter((name) => name !== "" && anchors[name] === undefined);
  return [
    `<text x="${round(x)}" y="${round(y)}"`,
    kind.length === 0 ? "" : ` class="${kind.join(" ")}"`,
    anchor === undefined ? "" : ` text-anchor="${anchor}"`,
    `>${escapeXml(content)}</text>`,
  ].join("");
}

function escapeXml(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
