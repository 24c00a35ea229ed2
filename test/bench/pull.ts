/**
 * Pulls of images, by mbctl and by others, in one run on one machine: `make bench-pull`, or
 * `bun test/bench/pull.ts` (root). QUICK=1 in the environment: the main comparison alone.
 *
 * What comes out is printed, and left in build/bench-pull.json; pull_report.ts makes the
 * READMEs' tables and the plot of it. Timings of a shared machine are no test: the figures that
 * have a wish beside them are shown with it, and judged by whoever reads them.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { availableParallelism, cpus, freemem, loadavg, release } from "node:os";
import { join } from "node:path";
import { renderColumns } from "./medians.ts";
import { benchApplying } from "./pull/applying.ts";
import { Arena } from "./pull/arena.ts";
import { type Axis, axes, axisNames, main, type Point } from "./pull/cases.ts";
import { contenders } from "./pull/contenders.ts";
import { type BuiltImage, buildImage } from "./pull/images.ts";
import { growing, mainRows } from "./pull/markdown.ts";
import { enterOwnMounts } from "./pull/own_mounts.ts";
import { race } from "./pull/race.ts";
import { type FileSystem, goalsOf, type Pulls, renderGoals, type Results } from "./pull/results.ts";
import { cloneOn } from "./pull/warm.ts";

/** Timed runs of each: of the main comparison, of the rows, of second machines. */
const wholeRounds = { main: 5, rows: 3, clones: 5 };
const quickRounds = { main: 3, rows: 0, clones: 0 };

/** Memory that a pull of the largest image needs, all copies of it counted. */
const largeNeedsBytes = 12e9;

const startMs = performance.now();

/** Says on stderr what is going on. */
function say(line: string): void {
  const seconds = ((performance.now() - startMs) / 1000).toFixed(0);
  process.stderr.write(`bench: ${seconds.padStart(4)} s  ${line}\n`);
}

async function bench(isQuick: boolean, signal: AbortSignal): Promise<Results> {
  const rowNames = isQuick ? [] : axisNames;
  const rounds = isQuick ? quickRounds : wholeRounds;
  const built = new Map<string, BuiltImage>();
  for (const image of [main, ...rowNames.flatMap((axis) => axes[axis].map(({ image }) => image))]) {
    if (image.plainBytes > 2e9 && freemem() < largeNeedsBytes) {
      say(`left out: ${image.name}, which needs ${largeNeedsBytes / 1e9} GB of free memory`);
      continue;
    }
    signal.throwIfAborted();
    built.set(image.name, await buildImage(image));
  }
  await using arena = await Arena.open();
  const versions = Object.fromEntries(
    await Promise.all(
      contenders.map(async (contender) => [contender.id, await contender.version(arena)] as const),
    ),
  );
  const factsOf = ({ dir: _, ...facts }: BuiltImage) => facts;
  const mainImage = built.get(main.name) as BuiltImage;
  say(`pulls of ${main.name}, by all`);
  const mainPulls: Pulls = {
    image: factsOf(mainImage),
    series: await race(arena, mainImage, contenders, {
      rounds: rounds.main,
      watch: "apart",
      signal,
    }),
  };
  const racers = contenders.filter(({ id }) => growing.includes(id));
  const pull = async ({ image: spec, megabytesPerSecond }: Point): Promise<Pulls | undefined> => {
    const image = built.get(spec.name);
    if (image === mainImage && megabytesPerSecond === undefined) return mainPulls;
    if (image === undefined) return undefined;
    say(`pulls of ${image.name}`);
    try {
      await arena.limitLink(megabytesPerSecond);
    } catch (error) {
      say(`left out: ${megabytesPerSecond} MB/s, which this kernel does not do: ${error}`);
      return undefined;
    }
    const options = { rounds: rounds.rows, watch: "always", signal } as const;
    const series = await race(arena, image, racers, options);
    await arena.limitLink();
    return { image: factsOf(image), series };
  };
  const rows: Partial<Record<Axis, (Pulls & { readonly label: string })[]>> = {};
  for (const axis of rowNames) {
    const points = [];
    for (const point of axes[axis]) {
      const pulls = await pull(point);
      if (pulls !== undefined) points.push({ label: point.label, ...pulls });
    }
    rows[axis] = points;
  }
  say("layers alone, beside the floor");
  const applying = await benchApplying(arena, mainImage, {
    rounds: rounds.main,
    signal,
  });
  const clones = [];
  for (const { fileSystem, name, isTreeKept = false } of isQuick ? [] : clonePlan) {
    const image = built.get(name);
    if (image === undefined) continue;
    say(`second machines of ${name} on ${fileSystem}`);
    const hasCopies = image === mainImage;
    const options = { rounds: rounds.clones, hasCopies, isTreeKept, signal };
    clones.push(await cloneOn(fileSystem, arena, image, options));
  }
  return {
    day: new Date().toISOString().slice(0, 10),
    machine: { cores: availableParallelism(), model: cpuModel(), kernel: release() },
    versions,
    main: mainPulls,
    axes: rows,
    clones,
    applying,
  };
}

/** Every size on btrfs, where it is to cost the same; the main image where trees are copied. */
const clonePlan: readonly {
  readonly fileSystem: FileSystem;
  readonly name: string;
  readonly isTreeKept?: boolean;
}[] = [
  ...["2kb", "50mb", "200mb", "1gb"].map((name) => ({ fileSystem: "btrfs" as const, name })),
  { fileSystem: "xfs", name: main.name },
  { fileSystem: "ext4", name: main.name },
  { fileSystem: "ext4", name: main.name, isTreeKept: true },
];

function cpuModel(): string {
  const model = /^model name\s*: (.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1];
  return model ?? cpus()[0]?.model ?? process.arch;
}

function print(results: Results): void {
  const columns = ["cold pull, seconds", "median", "range", "CPU", "peak MB"];
  console.log(renderColumns([columns, ...mainRows(results.main)]));
  console.log(renderColumns([["", "value", "wanted", ""], ...renderGoals(goalsOf(results))]));
}

/** @returns the exit code. */
async function run(): Promise<number> {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(name, () => controller.abort(new Error(`interrupted by ${name}`)));
  try {
    const isQuick = (process.env.QUICK ?? "") !== "";
    const loadBefore = loadavg()[0] ?? 0;
    const results = await bench(isQuick, controller.signal);
    const build = join(import.meta.dir, "../../build");
    await mkdir(build, { recursive: true });
    // A quick run has no tables to make.
    const name = isQuick ? "bench-pull-quick.json" : "bench-pull.json";
    await Bun.write(join(build, name), `${JSON.stringify(results, null, 1)}\n`);
    print(results);
    console.log(`load before the run: ${loadBefore.toFixed(2)}; raw figures: build/${name}`);
    return 0;
  } catch (error) {
    if (controller.signal.aborted) console.error(String(controller.signal.reason));
    else console.error(error);
    return controller.signal.aborted ? 130 : 1;
  }
}

if (import.meta.main) {
  enterOwnMounts();
  process.exitCode = await run();
}
