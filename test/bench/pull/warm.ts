/**
 * A second machine of an image whose first is there, on file systems of each kind: loop
 * devices over files on the arena's tmpfs.
 *
 * @module
 */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { mbctlBinary } from "../../lab/lab.ts";
import { run } from "../../lab/run.ts";
import type { Arena } from "./arena.ts";
import type { BuiltImage } from "./images.ts";
import { measure, type Run } from "./measure.ts";
import type { Clones, FileSystem } from "./results.ts";

const makers: Readonly<Record<FileSystem, readonly string[]>> = {
  btrfs: ["mkfs.btrfs", "--quiet"],
  xfs: ["mkfs.xfs", "-q"],
  ext4: ["mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0"],
};

export interface CloneOptions {
  readonly rounds: number;
  /** Copy the tree in the usual way, too. */
  readonly hasCopies: boolean;
  /** Keep the unpacked tree whatever a copy of it costs; by default mbctl chooses. */
  readonly isTreeKept: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Measures it. */
export async function cloneOn(
  fileSystem: FileSystem,
  arena: Arena,
  image: BuiltImage,
  { rounds, hasCopies, isTreeKept, signal }: CloneOptions,
): Promise<Clones> {
  await arena.offer(image);
  const disk = join(arena.dir, "disk");
  const root = join(arena.dir, "mounted");
  await mkdir(root);
  await run(["truncate", "--size=12G", disk]);
  await run([...makers[fileSystem], disk]);
  await run(["mount", "-o", "loop,noatime", disk, root]);
  try {
    await mkdir(join(root, "etc/mbctl"), { recursive: true });
    const settings = [
      'prefix = "300:2e98:a4b0:1789::/64"',
      ...(isTreeKept ? ['image_trees = "always"'] : []),
    ];
    await writeFile(join(root, "etc/mbctl/config.toml"), `${settings.join("\n")}\n`);
    const pull = (name: string) =>
      arena.inNetwork([
        ...[mbctlBinary, "machines", "pull", `--root=${root}`, "--tls-verify=false"],
        ...["--pull=missing", `127.0.0.1:5000/${image.name}:latest`, name],
      ]);
    const remove = [mbctlBinary, "machines", "remove", `--root=${root}`, "Second", "--yes"];
    const first = join(root, "var/lib/man8machines/First");
    const copy = join(root, "var/lib/copy");
    await measure({ argv: pull("First") }, arena.group, { signal });
    const runs = {
      machine: [] as Run[],
      start: [] as Run[],
      copy: [] as Run[],
      copyAndSync: [] as Run[],
    };
    const copies = [
      [runs.copy, ["cp", "-a", first, copy]],
      [runs.copyAndSync, ["sh", "-euc", 'cp -a "$1" "$2"; sync -f "$2"', "sh", first, copy]],
    ] as const;
    const ways: readonly (readonly [Run[], readonly string[]])[] = [
      [runs.start, arena.inNetwork([mbctlBinary, "version"])],
      [runs.machine, pull("Second")],
      ...(hasCopies ? copies : []),
    ];
    for (let round = 0; round <= rounds; round++) {
      for (const [series, argv] of ways) {
        // What the last one left to be written must not hit this one.
        await run(["sync", "-f", root]);
        const { wallMs, cpuMs } = await measure({ argv }, arena.group, { signal });
        if (round > 0) series.push({ wallMs, cpuMs });
        if (series === runs.machine) await run(remove);
        await rm(copy, { recursive: true, force: true });
      }
    }
    return { fileSystem, image: image.name, isTreeKept, ...runs };
  } finally {
    await run(["umount", root]);
    await rm(root, { recursive: true });
    await rm(disk);
  }
}
