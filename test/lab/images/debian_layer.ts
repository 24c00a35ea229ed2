/**
 * Layers with programs of Debian packages: extracted, not installed, so that no
 * maintainer script of theirs runs; users and links are the image's own business.
 *
 * @module
 */
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cached, removeTree } from "../cache.ts";
import { mmdebstrap } from "../host_image.ts";
import { run } from "../run.ts";
import { type LayerFile, listTree, packLayer } from "./layout.ts";

/** Raise it when something below changes that the other parts of the keys do not show. */
const recipeVersion = 1;

const suite = "bookworm";

/** What every image has below its program: a shell, the usual tools, setpriv(1). */
const basePackages: readonly string[] = [
  "base-files",
  "coreutils",
  "dash",
  "grep",
  "libc-bin",
  "sed",
  "util-linux",
];

/** Nothing that a server reads, and a third of the size. */
const excluded: readonly RegExp[] = [
  /^(boot|dev|proc|sys|run|tmp)\/./,
  /^usr\/share\/(bash-completion|bug|doc|i18n|info|lintian|locale|man|perl|perl5)\//,
  /^usr\/lib\/[^/]*-linux-gnu\/(gconv|perl|perl-base|perl5)\//,
  /^usr\/lib\/[^/]*-linux-gnu\/(libLLVM|libz3|libperl)/,
  /^usr\/lib\/postgresql\/[0-9]+\/lib\/(bitcode\/|llvmjit)/,
  /^var\/(cache|lib\/apt|lib\/dpkg|log)\/./,
  // mmdebstrap copies these from the machine that it runs on.
  /^etc\/(resolv\.conf|hostname|hosts)$/,
  /^etc\/(apt|cron|init\.d|logrotate\.d|rc.\.d)/,
];

/** /bin, /lib and /sbin as links into /usr, as installed Debian systems have them. */
const mergeUsr = `
  for name in bin lib lib64 sbin; do mkdir -p "$1/usr/$name"; ln -s "usr/$name" "$1/$name"; done`;

/** The base layer that all images share: the same file, so the same blob. */
export async function baseLayer(): Promise<LayerFile> {
  return await layerOf(
    "base",
    basePackages,
    async (tree, target) => await packLayer(tree, await wantedPaths(tree), target),
  );
}

/** A layer with the files of packages and of what they depend on, without those of the base layer. */
export async function programLayer(packages: readonly string[]): Promise<LayerFile> {
  const base = await baseLayer();
  const baseFiles = new Set((await readFile(`${base.path}.files`, "utf8")).split("\0"));
  return await layerOf(
    packages[0] ?? "none",
    [...basePackages, ...packages],
    async (tree, target) => {
      const files = (await wantedPaths(tree)).filter((path) => !baseFiles.has(path));
      return await packLayer(tree, files, target);
    },
  );
}

/** Extracts packages and packs a layer of them; the layer is cached, the tree is not. */
async function layerOf(
  name: string,
  packages: readonly string[],
  pack: (tree: string, target: string) => Promise<LayerFile>,
): Promise<LayerFile> {
  const recipe = [recipeVersion, suite, packages, basePackages, excluded.map(String), mergeUsr];
  const dir = await cached(`layer-${name}`, recipe, async (dir) => {
    process.stderr.write(
      `lab: extracting ${packages.at(-1)} for an image layer (once; some seconds)\n`,
    );
    await run(["mkdir", "-p", dir]);
    const tree = join(dir, "tree");
    await mmdebstrap(suite, tree, [
      ...[
        "--variant=extract",
        `--include=${packages.join(",")}`,
        `--setup-hook=set -e; set -- "$1"; ${mergeUsr}`,
      ],
    ]);
    const layer = await pack(tree, join(dir, "layer.tar.gz"));
    await writeFile(join(dir, "layer.tar.gz.files"), (await wantedPaths(tree)).join("\0"));
    await writeFile(join(dir, "diff_id"), layer.diffId);
    await removeTree(tree);
    await rm(`${layer.path}.tar`, { force: true });
  });
  return {
    path: join(dir, "layer.tar.gz"),
    diffId: await readFile(join(dir, "diff_id"), "utf8"),
  };
}

/** All wanted paths of a tree. */
async function wantedPaths(tree: string): Promise<string[]> {
  return (await listTree(tree)).filter((path) => !excluded.some((pattern) => pattern.test(path)));
}
