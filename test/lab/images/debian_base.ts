/**
 * Debian as an image: a minimal system, as the official `debian` images are.
 *
 * @module
 */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cached, removeTree } from "../cache.ts";
import { mmdebstrap } from "../host_image.ts";
import { run } from "../run.ts";
import { listTree, packLayer, writeImage } from "./layout.ts";

/** The releases that there are images of. */
export const debianReleases = ["bookworm", "trixie"] as const;
export type DebianRelease = (typeof debianReleases)[number];

/** What an image has that is a whole system: nothing has to be installed to boot it. */
export const systemPackages: readonly string[] = [
  ...["systemd", "systemd-sysv", "systemd-resolved", "dbus", "libpam-systemd", "libnss-systemd"],
  ...["iproute2", "iputils-ping"],
];

/** Raise it when something below changes that the other parts of the key do not show. */
const recipeVersion = 1;

/** As debuerreotype leaves them in the official images: docker-library/repo-info, debian, debuerreotype-minimizing-config(1). */
const minimizingFiles: Readonly<Record<string, string>> = {
  "usr/sbin/policy-rc.d": "#!/bin/sh\nexit 101\n",
  "etc/dpkg/dpkg.cfg.d/docker-apt-speedup": "force-unsafe-io\n",
  "etc/apt/apt.conf.d/docker-autoremove-suggests": 'Apt::AutoRemove::SuggestsImportant "false";\n',
  "etc/apt/apt.conf.d/docker-clean":
    'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };\n',
  "etc/apt/apt.conf.d/docker-gzip-indexes": 'Acquire::GzipIndexes "true";\n',
  "etc/apt/apt.conf.d/docker-no-languages": 'Acquire::Languages "none";\n',
};

/**
 * The main suite alone: those of updates and security end (`Valid-Until`) a week after they were made, and the mirror
 * of a lab may be a snapshot.
 */
function sources(release: DebianRelease): string {
  return `Types: deb
URIs: http://deb.debian.org/debian
Suites: ${release}
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
`;
}

/** What is the kernel's, a machine's or a download. */
const excluded = /^(dev|proc|run|sys|tmp|var\/cache\/apt|var\/lib\/apt\/lists|var\/log)\/./;

const config = {
  config: {
    Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
    Entrypoint: [],
    Cmd: ["bash"],
  },
};

/**
 * Returns the layout (tag `latest`) of a Debian with apt and dpkg, without systemd, in one layer; from the cache, or
 * made now in half a minute. Copy it before you change it.
 *
 * @param packages beside those of a minimal system: `systemPackages` make one that boots.
 */
export async function debianBaseLayout(
  release: DebianRelease,
  packages: readonly string[] = [],
): Promise<string> {
  const recipe = [recipeVersion, release, minimizingFiles, sources(release), config, packages];
  const name = ["image-debian", release, ...packages].join("-");
  return await cached(name, packages.length === 0 ? recipe.slice(0, -1) : recipe, async (dir) => {
    process.stderr.write(`lab: making an image of Debian ${release} (once; half a minute)\n`);
    await run(["mkdir", "-p", dir]);
    const tree = join(dir, "tree");
    await mmdebstrap(release, tree, [
      "--variant=minbase",
      ...(packages.length === 0 ? [] : [`--include=${packages.join(",")}`]),
    ]);
    await rm(join(tree, "etc/apt/sources.list"), { force: true });
    const files = {
      ...minimizingFiles,
      "etc/apt/sources.list.d/debian.sources": sources(release),
      // mmdebstrap copies those of the machine that it runs on.
      "etc/hostname": "debian\n",
      "etc/resolv.conf": "",
    };
    for (const [path, text] of Object.entries(files)) {
      // systemd-resolved has a link there.
      await rm(join(tree, path), { force: true });
      await writeFile(join(tree, path), text, path.includes("sbin/") ? { mode: 0o755 } : {});
    }
    const paths = (await listTree(tree)).filter((path) => !excluded.test(path));
    const layer = await packLayer(tree, paths, join(dir, "layer.tar.gz"));
    await removeTree(tree);
    await writeImage(dir, { layers: [layer], config });
    await rm(layer.path);
  });
}
