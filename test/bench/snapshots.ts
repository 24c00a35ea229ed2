/**
 * A machine's state kept and brought back, beside what an administrator would do without mbctl: `cp -a` of its root tree
 * while it is stopped. On btrfs, XFS and ext4, each a file on a tmpfs, the whole command each time:
 * `bun test/bench/snapshots.ts [ROUNDS]` prints a table.
 *
 * @module
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeImage } from "../lab/images/layout.ts";
import { mbctlBinary } from "../lab/lab.ts";
import { run } from "../lab/run.ts";
import { type FileSystem, mountFileSystem } from "../trees/_loop.ts";
import { fillTree, type TreeSize } from "./clone.ts";
import { head, renderColumns, row, spreadOf } from "./medians.ts";

const fileSystems: readonly FileSystem[] = ["btrfs", "xfs", "ext4"];
const size: TreeSize = { name: "500 MB", files: 20_000, megabytes: 520 };

/** Measures all ways in turn, and returns the table as text. */
export async function benchSnapshots(rounds = 7): Promise<string> {
  const rows: (readonly string[])[] = [];
  for (const fileSystem of fileSystems) {
    await using mounted = await mountFileSystem(fileSystem, 4096);
    const root = join(mounted.path, "root");
    const mbctl = async (...[verb = "", ...words]: string[]) =>
      (await run([mbctlBinary, "machines", verb, `--root=${root}`, ...words])).stdout.trim();
    await makeMachine(mounted.path, root, mbctl);
    const tree = join(root, "var/lib/man8machines/web");
    const [copy, back] = [join(mounted.path, "copy"), join(mounted.path, "back")];
    const ways: readonly (readonly [name: string, act: () => Promise<unknown>])[] = [
      ["machines snapshot", () => mbctl("snapshot", "web", "one", "--yes")],
      ["machines rollback", () => mbctl("rollback", "web", "one", "--yes")],
      ["cp -a, there", () => run(["cp", "-a", tree, copy])],
      ["cp -a, and back", () => run(["cp", "-a", copy, back])],
    ];
    const times = ways.map((): number[] => []);
    // The first round fills caches, and makes the room in the file on the tmpfs.
    for (let round = -1; round < rounds; round++) {
      for (const [index, [, act]] of ways.entries()) {
        await run(["sync", "-f", mounted.path]);
        const startMs = performance.now();
        await act();
        if (round >= 0) times[index]?.push(performance.now() - startMs);
      }
      const { snapshots } = JSON.parse(await mbctl("snapshots", "web", "--json"));
      const labels = (snapshots as readonly { label: string }[]).map(({ label }) => label);
      await mbctl("forget", "web", ...labels, "--yes");
      for (const path of [copy, back]) rmSync(path, { recursive: true });
    }
    for (const [index, [name]] of ways.entries()) {
      rows.push(row(`${fileSystem}: ${name}`, spreadOf(times[index] ?? [])));
    }
  }
  const title = `a stopped machine of ${size.name}, ${size.files.toLocaleString("en")} files`;
  return renderColumns([[title, ...head.slice(1)], ...rows]);
}

/** A machine whose tree is filled as images are. */
async function makeMachine(
  folder: string,
  root: string,
  mbctl: (...words: string[]) => Promise<string>,
): Promise<void> {
  const image = join(folder, "image");
  await writeImage(image, {
    config: { config: { Cmd: ["/app"] } },
    layers: [[{ path: "app", mode: 0o755, content: "no program" }]],
  });
  mkdirSync(join(root, "etc/mbctl"), { recursive: true });
  const config = 'prefix = "300:2e98:a4b0:1789::/64"\nimage_trees = "never"\n';
  writeFileSync(join(root, "etc/mbctl/config.toml"), config);
  await mbctl("pull", `oci:${image}:latest`, "web");
  const files = join(root, "var/lib/man8machines/web/files");
  mkdirSync(files);
  fillTree(files, size);
}

if (import.meta.main) console.log(await benchSnapshots(Number(process.argv[2] ?? 7)));
