/**
 * What is pulled: one image for the main comparison, and rows of images along which one thing
 * grows while the others stay.
 *
 * @module
 */
import type { ImageSpec } from "./images.ts";

const megabyte = 1_000_000;

/** The main comparison: three layers, 200 MB, as the files of 2.5 Debian root trees. */
export const main: ImageSpec = {
  name: "200mb",
  layers: 3,
  compression: "gzip",
  plainBytes: 570 * megabyte,
};

/** What grows in a row of images, in the order of the tables. */
export const axisNames = ["size", "files", "layers", "compression", "link"] as const;
export type Axis = (typeof axisNames)[number];

/** One image of a row: where it stands there, in words. */
export interface Point {
  readonly label: string;
  readonly image: ImageSpec;
  /** What the registry can send at most; as much as the machine can by default. */
  readonly megabytesPerSecond?: number;
}

const bySize = (name: string, plainBytes: number, layers: number): ImageSpec => ({
  name,
  layers,
  compression: "gzip",
  plainBytes,
});

const byFiles = (files: number): ImageSpec => ({
  name: `${files}-files`,
  layers: 1,
  compression: "gzip",
  plainBytes: 100 * megabyte,
  files,
});

const byLayers = (layers: number): ImageSpec => ({
  name: `${layers}-layers`,
  layers,
  compression: "gzip",
  plainBytes: 100 * megabyte,
  files: 4000,
});

/** The rows. */
export const axes: Readonly<Record<Axis, readonly Point[]>> = {
  size: [
    { label: "2 KB", image: { ...bySize("2kb", 2000, 1), files: 2 } },
    { label: "50 MB", image: bySize("50mb", 142 * megabyte, 3) },
    { label: "200 MB", image: main },
    { label: "1 GB", image: bySize("1gb", 2850 * megabyte, 5) },
  ],
  files: [100, 1000, 10_000, 50_000, 200_000].map((files) => ({
    label: files.toLocaleString("en-US"),
    image: byFiles(files),
  })),
  layers: [1, 4, 16, 64, 127].map((layers) => ({
    label: String(layers),
    image: byLayers(layers),
  })),
  compression: [
    { label: "gzip", image: main },
    { label: "zstd", image: { ...main, name: "200mb-zstd", compression: "zstd" } },
  ],
  link: [{ label: "100 MB/s", image: main, megabytesPerSecond: 100 }],
};
