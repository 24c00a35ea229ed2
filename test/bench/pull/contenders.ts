/**
 * Who pulls: one row each. A contender gets an empty folder on the arena's tmpfs and has to
 * make of an image in the registry whatever it makes of images, from nothing.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { mbctlBinary } from "../../lab/lab.ts";
import { run } from "../../lab/run.ts";
import type { Arena } from "./arena.ts";
import type { BuiltImage } from "./images.ts";
import { type ContenderId, labels } from "./labels.ts";
import type { Command } from "./measure.ts";

export interface Contender {
  readonly id: ContenderId;
  /** Its version, in its own words; empty where another one says it. */
  version(arena: Arena): Promise<string>;
  /** Compressions that it cannot read. */
  readonly cannotRead?: readonly BuiltImage["compression"][];
  /** Makes ready what an administrator has ready; not measured. */
  prepare?(arena: Arena, dir: string): Promise<void>;
  command(arena: Arena, image: BuiltImage, dir: string): Promise<Command>;
  /** Folders in which the files of the image are now. */
  trees(arena: Arena, dir: string): Promise<readonly string[]>;
}

const versionOf = async (...argv: string[]) =>
  (await run(argv)).stdout.trim().split("\n")[0] as string;

/** Where systemd keeps what importctl makes. */
const machines = "/var/lib/machines";

/** skopeo to a layout, umoci from there to a tree: two commands, as one types them. */
const bySkopeo = (unpack: string): Pick<Contender, "command" | "version" | "cannotRead"> => ({
  version: async () =>
    [await versionOf("umoci", "--version"), await versionOf("skopeo", "--version")].join(", "),
  // umoci 0.4.7 knows no zstd.
  cannotRead: ["zstd"],
  command: async (arena, { name }, dir) => ({
    argv: arena.inNetwork([
      ...["sh", "-euc"],
      `skopeo copy --quiet --src-tls-verify=false "docker://127.0.0.1:5000/$1:latest" oci:layout:latest; umoci ${unpack} --image layout:latest out`,
      ...["sh", name],
    ]),
    cwd: dir,
  }),
});

const ours: Omit<Contender, "id"> = {
  version: async () => `mbctl ${await versionOf(mbctlBinary, "version")}`,
  prepare: async (_, dir) => {
    // In place of a running yggdrasil.
    await mkdir(join(dir, "etc/mbctl"), { recursive: true });
    await writeFile(join(dir, "etc/mbctl/config.toml"), 'prefix = "300:2e98:a4b0:1789::/64"\n');
  },
  command: async (arena, { name }, dir) => ({
    argv: arena.inNetwork([
      ...[mbctlBinary, "machines", "pull", `--root=${dir}`, "--tls-verify=false"],
      ...[`127.0.0.1:5000/${name}:latest`, "Bench"],
    ]),
  }),
  trees: async (_, dir) => [join(dir, "var/lib/man8machines/Bench")],
};

/** A folder with links to all programs of this machine but those that mbctl decompresses with. */
async function pathWithoutDecompressors(arena: Arena): Promise<string> {
  const folder = join(arena.dir, "programs");
  if (existsSync(folder)) return folder;
  await mkdir(folder);
  for (const from of ["/usr/sbin", "/usr/bin"]) {
    for (const name of await readdir(from)) {
      const link = join(folder, name);
      if (!/^(igzip|pigz|zstd)$/.test(name) && !existsSync(link))
        await symlink(join(from, name), link);
    }
  }
  return folder;
}

/** All, ours first. */
export const contenders: readonly Contender[] = [
  { id: "mbctl", ...ours },
  {
    id: "mbctl-own",
    ...ours,
    version: async () => "",
    command: async (arena, image, dir) => ({
      ...(await ours.command(arena, image, dir)),
      env: { PATH: await pathWithoutDecompressors(arena) },
    }),
  },
  {
    id: "importctl",
    version: async ({ host }) =>
      (await host.run(["importctl", "--version"])).stdout.split("\n")[0] as string,
    prepare: async ({ host }) => {
      await host.run(["systemctl", "start", "systemd-importd.service"]);
    },
    command: async (arena, { name }) => ({
      argv: arena.inHost([
        ...["importctl", "--quiet", "-m", "pull-oci", "--verify=no"],
        ...[`local/${name}:latest`, "bench"],
      ]),
      groups: [await arena.unitGroup("systemd-importd.service")],
    }),
    trees: async (arena) => {
      const folder = arena.hostPath(machines);
      return (await readdir(folder)).map((name) => join(folder, name));
    },
  },
  {
    id: "podman",
    version: async () => await versionOf("podman", "--version"),
    command: async (arena, { name }, dir) => ({
      argv: arena.inNetwork([
        ...["podman", `--root=${dir}/graph`, `--runroot=${dir}/run`, "--storage-driver=overlay"],
        ...["--cgroup-manager=cgroupfs", "--events-backend=none"],
        ...["pull", "--quiet", "--tls-verify=false", `127.0.0.1:5000/${name}:latest`],
      ]),
    }),
    trees: async (_, dir) =>
      (await readdir(join(dir, "graph/overlay")))
        .filter((name) => name !== "l" && !name.startsWith("."))
        .map((name) => join(dir, "graph/overlay", name, "diff")),
  },
  {
    id: "umoci",
    ...bySkopeo("unpack"),
    trees: async (_, dir) => [join(dir, "out/rootfs")],
  },
  {
    id: "umoci-raw",
    ...bySkopeo("raw unpack"),
    trees: async (_, dir) => [join(dir, "out")],
  },
];

/** Takes everything away that a contender has made; not measured. */
export async function clear(arena: Arena, { id }: Contender, dir: string): Promise<void> {
  if (id === "importctl") {
    const folder = arena.hostPath(machines);
    // Layer trees of systemd-importd are immutable.
    await run(["chattr", "-R", "-f", "-i", folder], { allowFailure: true });
    await run(["find", folder, "-mindepth", "1", "-delete"]);
  }
  // podman makes its store a mount, and leaves it one when it fails.
  if (id === "podman")
    await run(["umount", "--recursive", join(dir, "graph/overlay")], { allowFailure: true });
  await run(["rm", "-rf", "--one-file-system", dir]);
}

/**
 * Whether all files of the image are there: a pull that failed quietly would win every race.
 *
 * @throws Error when one is missing.
 */
export async function checkFiles(
  arena: Arena,
  contender: Contender,
  image: BuiltImage,
  dir: string,
): Promise<void> {
  const folders = await contender.trees(arena, dir);
  const { stdout } = await run(["find", ...folders, "-type", "f", "-printf", "."]);
  // man8s-init and what lies beside the trees may add some; nobody may leave one out.
  if (stdout.length < image.regularFiles) {
    throw new Error(
      `Cannot accept the pull of "${image.name}" by ${labels[contender.id]}: ${stdout.length} of ${image.regularFiles} files are there`,
    );
  }
}
