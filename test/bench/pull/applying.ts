/**
 * Layers to a tree and nothing else: ours, beside a program in C that makes the same system
 * calls while igzip decompresses (apply_floor.c).
 *
 * @module
 */
import { cp, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../../lab/run.ts";
import { compileProgram } from "../compile.ts";
import type { Arena } from "./arena.ts";
import type { BuiltImage } from "./images.ts";
import { layersOf } from "./layout_layers.ts";
import { measure, type Run } from "./measure.ts";
import type { Applying } from "./results.ts";

/** Measures both, in turn, from blobs on the arena's tmpfs to a tree there. */
export async function benchApplying(
  arena: Arena,
  image: BuiltImage,
  { rounds, signal }: { readonly rounds: number; readonly signal?: AbortSignal | undefined },
): Promise<Applying> {
  const dir = join(arena.dir, "applying");
  const [layout, tree] = [join(dir, "layout"), join(dir, "tree")];
  const [alone, floor] = [join(dir, "apply_alone"), join(dir, "apply_floor")];
  await mkdir(dir);
  await cp(image.dir, layout, { recursive: true });
  const source = join(import.meta.dir, "../apply_floor.c");
  await compileProgram(join(import.meta.dir, "apply_alone.ts"), alone);
  await run(["cc", "-O2", "-pthread", "-o", floor, source, "-ldl"]);
  const words = (await layersOf(layout)).flatMap(({ diffId, path }) => [diffId, path]);
  const runs = { ours: [] as Run[], floor: [] as Run[] };
  const ways: readonly (readonly [Run[], readonly string[]])[] = [
    [runs.ours, [alone, layout, tree]],
    [runs.floor, [floor, tree, ...words]],
  ];
  for (let round = 0; round <= rounds; round++) {
    for (const [series, argv] of ways) {
      await mkdir(tree, { mode: 0o700 });
      const { wallMs, cpuMs } = await measure({ argv }, arena.group, { signal });
      if (round > 0) series.push({ wallMs, cpuMs });
      await run(["rm", "-rf", tree]);
    }
  }
  await rm(dir, { recursive: true });
  return { image: image.name, ...runs };
}
