/**
 * Small images around Debian's static busybox, with any configuration that a test can
 * think of.
 *
 * @module
 */
import { join } from "node:path";
import { hostImage } from "../host_image.ts";
import { type ImageOptions, type Layout, writeImage } from "./layout.ts";
import type { TarEntry } from "./tar.ts";

export interface BusyboxImageOptions extends Partial<Omit<ImageOptions, "layers" | "config">> {
  /** The image's `config` object: Entrypoint, Cmd, Env, User, Volumes… */
  readonly config: Readonly<Record<string, unknown>>;
  /** Entries over the busybox layer, in a layer of their own. */
  readonly files?: readonly TarEntry[];
  /** More layers over that, lowest first. */
  readonly layers?: readonly (readonly TarEntry[])[];
  /** Leave out the links of the applets: `/bin/busybox` is all there is. */
  readonly isBare?: boolean;
}

/** The bytes of a static busybox. */
export async function busyboxBinary(): Promise<Uint8Array> {
  return await Bun.file(join(await hostImage("debian12"), "usr/bin/busybox")).bytes();
}

/** The applets that get a link in `/bin` of a busybox image. */
const applets = (
  "[ ash awk base64 cat chmod chown cp cut date dd echo env expr false find grep head hostname httpd id ip kill ln ls mkdir " +
  "mount mv nc od ping printenv printf ps pwd readlink rm rmdir sed seq sh sha256sum sleep sort stat stty tail tee test " +
  "timeout touch tr true tty uname uniq vi wc wget whoami xargs"
).split(" ");

/** What lies in a busybox image's first layer: no passwd, no group, no /usr. */
export async function busyboxLayer(isBare = false): Promise<TarEntry[]> {
  return [
    ...["bin", "dev", "etc", "proc", "root", "run", "sys", "var"].map((path) => ({
      path: `${path}/`,
      type: "dir" as const,
    })),
    { path: "tmp/", type: "dir", mode: 0o1777 },
    { path: "bin/busybox", mode: 0o755, content: await busyboxBinary() },
    ...(isBare ? [] : applets).map((name) => ({
      path: `bin/${name}`,
      type: "symlink" as const,
      linkTarget: "busybox",
    })),
  ];
}

/**
 * Writes an image layout with one busybox image, tagged `latest`. PATH is set to `/bin`
 * unless the configuration has an `Env`.
 */
export async function makeBusyboxImage(dir: string, options: BusyboxImageOptions): Promise<Layout> {
  const { config, files, layers, isBare, ...image } = options;
  return await writeImage(dir, {
    ...image,
    config: { config: { Env: ["PATH=/bin"], ...config } },
    layers: [
      await busyboxLayer(isBare),
      ...(files === undefined ? [] : [files]),
      ...(layers ?? []),
    ],
  });
}
