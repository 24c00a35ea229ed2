/**
 * Images that people really run, made of Debian's packages: each with the configuration
 * of the official image of that name, and with the files where that configuration expects them.
 *
 * @module
 */
import { join } from "node:path";
import { cached } from "../cache.ts";
import { busyboxBinary, busyboxLayer } from "./busybox_image.ts";
import { baseLayer, programLayer } from "./debian_layer.ts";
import { type ImageConfigFile, type LayerSource, writeImage } from "./layout.ts";
import type { TarEntry } from "./tar.ts";

/** The images that the lab can make. */
export const realImages = ["registry", "nginx", "redis", "postgres", "scratch", "busybox"] as const;
export type RealImage = (typeof realImages)[number];

/** Raise it when something below changes that the other parts of the key do not show. */
const recipeVersion = 1;

interface Recipe {
  readonly config: ImageConfigFile;
  /** Debian packages over the shared base layer; none for an image that is no Debian. */
  readonly packages?: readonly string[];
  /** The last layer, or the only one. */
  readonly files: readonly TarEntry[];
}

/**
 * Returns the layout of an image (tag `latest`), from the cache or made now. Copy it before you change it.
 */
export async function realImageLayout(name: RealImage): Promise<string> {
  const recipe = await recipes[name]();
  const layers: LayerSource[] =
    recipe.packages === undefined
      ? [recipe.files]
      : [await baseLayer(), await programLayer(recipe.packages), recipe.files];
  const key = layers.map((layer) => ("path" in layer ? layer.path : digestOf(layer)));
  return await cached(`image-${name}`, [recipeVersion, key, recipe.config], async (dir) => {
    await writeImage(dir, { layers, config: recipe.config });
  });
}

const recipes: Readonly<Record<RealImage, () => Promise<Recipe>>> = {
  registry: async () => ({
    config: await officialConfig("registry"),
    packages: ["docker-registry"],
    files: [
      ...users([]),
      await script("entrypoint.sh", "registry-entrypoint.sh"),
      dir("etc/distribution"),
      await text("etc/distribution/config.yml", "registry.yml"),
      link("usr/bin/registry", "docker-registry"),
      dir("var/lib/registry"),
    ],
  }),
  nginx: async () => ({
    config: await officialConfig("nginx"),
    packages: ["nginx"],
    files: [
      ...users([["nginx", 101]]),
      await script("docker-entrypoint.sh", "nginx-entrypoint.sh"),
      dir("docker-entrypoint.d"),
      await script("docker-entrypoint.d/10-note.sh", "nginx-note.sh"),
      await text("etc/nginx/nginx.conf", "nginx.conf"),
      {
        path: "usr/share/nginx/html/index.html",
        content: "<h1>nginx of the mbctl lab</h1>\n",
      },
      dir("var/cache/nginx"),
      dir("var/log/nginx", 101),
      link("var/log/nginx/access.log", "/dev/stdout"),
      link("var/log/nginx/error.log", "/dev/stderr"),
    ],
  }),
  redis: async () => ({
    // As the official image was before 8: with its volume. And with a USER, which its entrypoint takes as well.
    config: await officialConfig("redis", {
      Volumes: { "/data": {} },
      User: "redis",
    }),
    packages: ["redis-server"],
    files: [
      ...users([["redis", 999]]),
      dir("usr/local/bin"),
      await script("usr/local/bin/docker-entrypoint.sh", "redis-entrypoint.sh"),
      dir("data", 999),
    ],
  }),
  postgres: async () => ({
    config: {
      config: {
        Env: [
          "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/postgresql/15/bin",
          "GOSU_VERSION=1.19",
          // The official image makes en_US.utf8; Debian's libc-bin has this one.
          "LANG=C.UTF-8",
          "PG_MAJOR=15",
          "PG_VERSION=15.14-1.pgdg13+1",
          "PGDATA=/var/lib/postgresql/data",
        ],
        Entrypoint: ["docker-entrypoint.sh"],
        Cmd: ["postgres"],
        ExposedPorts: { "5432/tcp": {} },
        Volumes: { "/var/lib/postgresql/data": {} },
        StopSignal: "SIGINT",
      },
    },
    packages: ["postgresql-15"],
    files: [
      ...users([["postgres", 999]]),
      dir("usr/local/bin"),
      await script("usr/local/bin/docker-entrypoint.sh", "postgres-entrypoint.sh"),
      dir("var/lib/postgresql", 999),
      { ...dir("var/lib/postgresql/data", 999), mode: 0o1777 },
      // Its socket lies there: the image needs what it has in /run.
      { ...dir("run/postgresql", 999), mode: 0o3777 },
    ],
  }),
  scratch: async () => ({
    config: {
      config: {
        Entrypoint: ["/httpd"],
        Cmd: ["-f", "-v", "-p", "[::]:80", "-h", "/www"],
        ExposedPorts: { "80/tcp": {} },
      },
    },
    // One static binary and what it serves: no shell, no /usr, no passwd. busybox goes by the name that it is called by.
    files: [
      { path: "httpd", mode: 0o755, content: await busyboxBinary() },
      dir("www"),
      {
        path: "www/index.html",
        content: "<h1>scratch of the mbctl lab</h1>\n",
      },
    ],
  }),
  busybox: async () => ({
    // Its own command is a shell, which ends at once without a terminal: as a machine it serves a page.
    config: await officialConfig("busybox", {
      Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
      Cmd: ["httpd", "-f", "-v", "-p", "[::]:8080", "-h", "/www"],
      User: "1000:1000",
    }),
    files: [
      ...(await busyboxLayer()),
      dir("www"),
      {
        path: "www/index.html",
        content: "<h1>busybox of the mbctl lab</h1>\n",
      },
    ],
  }),
};

const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What makes the official images what they are, for a clone that stands alone. */
const essentials: Readonly<Record<string, Record<string, unknown>>> = {
  registry: {
    ExposedPorts: { "5000/tcp": {} },
    Env: [path, "OTEL_TRACES_EXPORTER=none"],
    Entrypoint: ["/entrypoint.sh"],
    Cmd: ["/etc/distribution/config.yml"],
    Volumes: { "/var/lib/registry": {} },
  },
  nginx: {
    ExposedPorts: { "80/tcp": {} },
    Env: [path],
    Entrypoint: ["/docker-entrypoint.sh"],
    Cmd: ["nginx", "-g", "daemon off;"],
    StopSignal: "SIGQUIT",
  },
  redis: {
    ExposedPorts: { "6379/tcp": {} },
    Env: [path],
    Entrypoint: ["docker-entrypoint.sh"],
    Cmd: ["redis-server"],
    WorkingDir: "/data",
  },
  busybox: { Env: [path], Cmd: ["sh"] },
};

/**
 * The configuration of the official image: as it was recorded, where the records lie
 * beside the project, else its {@linkcode essentials}.
 */
async function officialConfig(
  name: string,
  changes: Record<string, unknown> = {},
): Promise<ImageConfigFile> {
  const file = Bun.file(join(import.meta.dir, "../../../../shared/image-configs", `${name}.json`));
  const recorded: ImageConfigFile = (await file.exists())
    ? ((await file.json()) as ImageConfigFile)
    : { config: essentials[name] ?? {} };
  const { config, created } = recorded;
  return { ...(created === undefined ? {} : { created }), config: { ...config, ...changes } };
}

/** passwd and group with root, nobody and the image's own users; extracted packages make none. */
function users(own: readonly (readonly [string, number])[]): TarEntry[] {
  const all = [["root", 0], ["www-data", 33], ...own, ["nobody", 65534]] as const;
  const passwd = all.map(
    ([name, id]) =>
      `${name}:x:${id}:${id}:${name}:${id === 0 ? "/root" : "/nonexistent"}:/bin/sh\n`,
  );
  const group = all.map(([name, id]) => `${name === "nobody" ? "nogroup" : name}:x:${id}:\n`);
  return [
    { path: "etc/passwd", content: passwd.join("") },
    { path: "etc/group", content: [...group, "tty:x:5:\n"].join("") },
    {
      path: "etc/nsswitch.conf",
      content: "passwd: files\ngroup: files\nhosts: files dns\n",
    },
    dir("run"),
    { ...dir("tmp"), mode: 0o1777 },
    link("var/run", "/run"),
    link("var/lock", "/run/lock"),
  ];
}

function dir(path: string, owner = 0): TarEntry {
  return { path: `${path}/`, type: "dir", uid: owner, gid: owner };
}

function link(path: string, linkTarget: string): TarEntry {
  return { path, type: "symlink", linkTarget };
}

async function text(path: string, file: string): Promise<TarEntry> {
  return {
    path,
    content: await Bun.file(join(import.meta.dir, "files", file)).text(),
  };
}

async function script(path: string, file: string): Promise<TarEntry> {
  return { ...(await text(path, file)), mode: 0o755 };
}

function digestOf(entries: readonly TarEntry[]): string {
  const hasher = new Bun.CryptoHasher("sha256");
  for (const { content, ...rest } of entries)
    hasher.update(JSON.stringify(rest)).update(content ?? "");
  return hasher.digest("hex");
}
