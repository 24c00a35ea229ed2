/** A run of the bench, made up: small numbers that are easy to follow. */

import type { Axis } from "./cases.ts";
import type { ContenderId } from "./labels.ts";
import type { Run } from "./measure.ts";
import type { Pulls, Results } from "./results.ts";

/** Runs of these milliseconds, each with twice the time of the processor. */
export function runsOf(...times: readonly number[]): Run[] {
  return times.map((wallMs) => ({ wallMs, cpuMs: wallMs * 2 }));
}

/** An image, and how long each contender took. */
export function pullsOf(
  name: string,
  amounts: { readonly blobBytes?: number; readonly files?: number; readonly layers?: number },
  times: Readonly<Partial<Record<ContenderId, readonly number[]>>>,
): Pulls {
  const { blobBytes = 200e6, files = 12_000, layers = 3 } = amounts;
  return {
    image: {
      name,
      layers,
      compression: "gzip",
      plainBytes: blobBytes * 2.5,
      blobBytes,
      tarBytes: blobBytes * 2.6,
      entries: files + 1234,
      regularFiles: files,
    },
    series: Object.entries(times).map(([contender, ms], index) => ({
      contender: contender as ContenderId,
      runs: runsOf(...ms),
      peak: { pssBytes: (index + 1) * 20e6, rssBytes: 10e6 },
    })),
  };
}

const main = pullsOf(
  "200mb",
  {},
  {
    mbctl: [1400, 1500, 1300],
    "mbctl-own": [1900, 2000, 1800],
    importctl: [3000, 3200, 2800],
    podman: [6000, 6500, 5500],
    umoci: [7000],
    "umoci-raw": [5000],
  },
);

const point = (
  label: string,
  amounts: Parameters<typeof pullsOf>[1],
  ours: number,
  podman: number,
) => ({
  label,
  ...pullsOf(label, amounts, { mbctl: [ours], podman: [podman] }),
});

const axes: Readonly<Partial<Record<Axis, readonly (Pulls & { readonly label: string })[]>>> = {
  size: [
    point("2 KB", { blobBytes: 2000 }, 60, 100),
    point("50 MB", { blobBytes: 50e6 }, 450, 1600),
    { label: "200 MB", ...main },
    { label: "1 GB", ...pullsOf("1gb", { blobBytes: 1e9 }, { mbctl: [7000], podman: [35_000] }) },
  ],
  files: [
    point("100", { files: 100 }, 400, 1000),
    point("200,000", { files: 200_000 }, 4000, 12_000),
  ],
  layers: [point("1", { layers: 1 }, 500, 1500), point("127", { layers: 127 }, 800, 5000)],
};

export const sample: Results = {
  day: "2024-01-31",
  machine: { cores: 2, model: "Some <CPU>", kernel: "6.1" },
  versions: {
    mbctl: "mbctl 0.1.0",
    "mbctl-own": "",
    podman: "podman version 4.3.1",
    umoci: "umoci 1",
    "umoci-raw": "umoci 1",
  },
  main,
  axes,
  clones: [
    {
      fileSystem: "btrfs",
      image: "1gb",
      isTreeKept: false,
      start: runsOf(10),
      machine: runsOf(80, 90, 100),
      copy: [],
      copyAndSync: [],
    },
    {
      fileSystem: "ext4",
      image: "200mb",
      isTreeKept: true,
      start: runsOf(10),
      machine: runsOf(900),
      copy: runsOf(2000),
      copyAndSync: runsOf(2500),
    },
  ],
  applying: { image: "200mb", ours: runsOf(1200), floor: runsOf(800) },
};
