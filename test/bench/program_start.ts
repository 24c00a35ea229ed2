/**
 * Start-up of the compiled program, beside a compiled program that does nothing.
 *
 * @module
 */
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mbctlBinary } from "../lab/lab.ts";
import { compileProgram } from "./compile.ts";
import { head, renderColumns, row, type Spread, spreadOf } from "./medians.ts";

/** Runs of each; the first ones fill caches and do not count. */
const runs = 40;
const warmUps = 5;

/** Measures, and returns the table as text. The ratio is told, and judged by whoever reads it. */
export async function benchProgramStart(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "mbctl-bench-"));
  try {
    const empty = await compileEmpty(folder);
    const programs: readonly (readonly [string, readonly string[]])[] = [
      ["an empty compiled Bun program", [empty]],
      ["mbctl version", [mbctlBinary, "version"]],
      ["mbctl machines list --root (empty)", [mbctlBinary, "machines", "list", "--root", folder]],
    ];
    const times = programs.map((): number[] => []);
    for (let round = -warmUps; round < runs; round++) {
      // One of each in turn: what else the machine does hits all alike.
      for (const [index, [, argv]] of programs.entries()) {
        const ms = timeOf(argv);
        if (round >= 0) times[index]?.push(ms);
      }
    }
    const spreads = times.map(spreadOf);
    const rows = programs.map(([what], index) => row(what, spreads[index] as Spread));
    const [floor, ours] = [spreads[0] as Spread, spreads[1] as Spread];
    const [median, min] = [ours.median / floor.median, ours.min / floor.min].map((ratio) =>
      ratio.toFixed(2),
    );
    return [
      renderColumns([["start-up of the program", ...head.slice(1)], ...rows]),
      `mbctl version takes ${median} times as long as the empty program, ${min} by the fastest (wanted: less than 3).\n`,
      `Sizes: ${[empty, mbctlBinary].map((path) => `${(statSync(path).size / 1e6).toFixed(1)} MB`).join(" and ")}.\n`,
    ].join("");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Compiles a program that does nothing. */
async function compileEmpty(folder: string): Promise<string> {
  writeFileSync(join(folder, "empty.ts"), "export {};\n");
  const binary = join(folder, "empty");
  await compileProgram(join(folder, "empty.ts"), binary);
  return binary;
}

/** Milliseconds from the spawn of a program to its end. */
function timeOf(argv: readonly string[]): number {
  const startMs = performance.now();
  const { exitCode } = Bun.spawnSync([...argv], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
  const ms = performance.now() - startMs;
  if (exitCode !== 0)
    throw new Error(`Cannot measure ${JSON.stringify(argv)}: exit code ${exitCode}`);
  return ms;
}
