/** Machines of small images that a test writes itself: pulled from a layout in the host, run to their end, looked at. */

import { afterAll, beforeAll } from "bun:test";
import { join } from "node:path";
import type { Host } from "../lab/host.ts";
import type { HostOs } from "../lab/host_image.ts";
import { busyboxLayer } from "../lab/images/busybox_image.ts";
import { Layout } from "../lab/images/layout.ts";
import type { TarEntry } from "../lab/images/tar.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { waitFor } from "../lab/wait_for.ts";
import { labTimeoutMs, mbctlOut } from "./_lab.ts";

/** An image of a test. */
export interface ImageRecipe {
  /** The image's `config` object. PATH is `/bin` unless it has an `Env`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Entries over the busybox layer. */
  readonly files?: readonly TarEntry[];
  /** Entries over those, in a layer of their own. */
  readonly above?: readonly TarEntry[];
  /** What lies below `files`: a busybox with its applets, `/bin/busybox` alone, or nothing at all. */
  readonly base?: "busybox" | "bare" | "scratch";
}

/** Where the images are in the host. */
const imagesDir = "/srv/images";

/**
 * A lab of one host for the tests of the describe() that calls this, with mbctl and images in it.
 *
 * @returns the host, once the tests run.
 */
export function hostWith(os: HostOs, images: Readonly<Record<string, ImageRecipe>>): () => Host {
  let lab: Lab | undefined;
  beforeAll(async () => {
    lab = await startLab({ hosts: [{ name: "hosta", os }], mbctl: true });
    await installImages(lab.host("hosta"), images);
  }, labTimeoutMs);
  afterAll(async () => await lab?.[Symbol.asyncDispose](), labTimeoutMs);
  return () => {
    if (lab === undefined) throw new Error("Cannot use the lab: it has not started");
    return lab.host("hosta");
  };
}

/** Puts images into a host, each under its name, for `pull()`. */
export async function installImages(
  host: Host,
  images: Readonly<Record<string, ImageRecipe>>,
): Promise<void> {
  const layout = await writeImages(join(host.dir, "images"), images);
  await host.copyIn(layout.dir, imagesDir);
}

/** Writes images into a layout on the outer machine, each under its name in small letters. */
export async function writeImages(
  folder: string,
  images: Readonly<Record<string, ImageRecipe>>,
): Promise<Layout> {
  const layout = await Layout.create(folder);
  for (const [name, { config, files, above, base = "busybox" }] of Object.entries(images)) {
    const layers = [
      ...(base === "scratch" ? [] : [await busyboxLayer(base === "bare")]),
      ...[files, above].filter((layer) => layer !== undefined),
    ];
    const options = {
      layers,
      config: { config: { Env: ["PATH=/bin"], ...config } },
      compression: "none",
    } as const;
    await layout.tag(name.toLowerCase(), await layout.addImage(options));
  }
  return layout;
}

/** Makes the machine `name` of the image of that name. Returns its address. */
export async function pull(
  host: Host,
  name: string,
  flags: readonly string[] = [],
  image: string = name,
): Promise<string> {
  return await mbctlOut(host, [
    "machines",
    "pull",
    `oci:${imagesDir}:${image.toLowerCase()}`,
    name,
    ...flags,
  ]);
}

/** Makes or changes the machine `name` by a machine.toml: keys and tables over the image's name. */
export async function declare(
  host: Host,
  name: string,
  options: { readonly toml: string; readonly image?: string; readonly start?: boolean },
): Promise<void> {
  const { toml, image = name, start = false } = options;
  const file = `/root/declared/${name}.toml`;
  await host.run(["mkdir", "-p", "/root/declared"]);
  const head = `schema = 1\nimage = "oci:${imagesDir}:${image.toLowerCase()}"\n`;
  await host.writeFile(file, `${head}${toml}`);
  await mbctlOut(host, ["machines", "apply", file, ...(start ? ["--start"] : [])]);
}

/** How a machine's unit has ended. */
export interface UnitEnd {
  /** `ExecMainStatus`: the exit code. */
  readonly status: number;
  /** `Result`: `success`, `exit-code`, `signal`… */
  readonly result: string;
  /** What the machine wrote, and what man8s-init said. */
  readonly log: string;
}

/** Starts a machine by its unit and waits until its program has ended. */
export async function runToEnd(host: Host, name: string): Promise<UnitEnd> {
  const unit = unitOf(name);
  await host.run(["systemctl", "start", "--wait", unit], {
    allowFailure: true,
  });
  return await unitEnd(host, name);
}

/** How the unit of a machine has ended, for one that does not run. */
export async function unitEnd(host: Host, name: string): Promise<UnitEnd> {
  const { stdout } = await host.run([
    "systemctl",
    "show",
    "-p",
    "ExecMainStatus",
    "-p",
    "Result",
    unitOf(name),
  ]);
  return {
    status: Number(/^ExecMainStatus=(.*)$/m.exec(stdout)?.[1]),
    result: /^Result=(.*)$/m.exec(stdout)?.[1] ?? "",
    log: await journalOf(host, name),
  };
}

/** What a machine's unit wrote to the journal, the lines alone. */
export async function journalOf(host: Host, name: string): Promise<string> {
  const { stdout } = await host.sh(
    'journalctl --sync; exec journalctl -q -o cat --no-pager -u "$1"',
    [unitOf(name)],
  );
  return stdout;
}

/** When a machine's journal got its last line that matches: milliseconds of the host's monotonic clock, NaN for none. */
export async function journalClock(host: Host, name: string): Promise<(pattern: RegExp) => number> {
  const { stdout } = await host.run(["journalctl", "-q", "-o", "json", "-u", unitOf(name)]);
  const entries = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<"MESSAGE" | "__MONOTONIC_TIMESTAMP", string>);
  return (pattern) =>
    Number(entries.findLast(({ MESSAGE }) => pattern.test(MESSAGE))?.__MONOTONIC_TIMESTAMP) / 1000;
}

/** Waits until a machine's app has written a marked line. */
export async function waitForMark(host: Host, name: string, mark: string): Promise<void> {
  await waitFor(async () => marked(await journalOf(host, name)).includes(mark), {
    what: `${name} to say "${mark}"`,
    explain: () => journalOf(host, name),
  });
}

/** The lines of the app in a machine's log, those with a mark in front, without it. */
export function marked(log: string): string[] {
  return log.split(/\r?\n/).flatMap((line) => (line.startsWith("@@") ? [line.slice(2)] : []));
}

/** The path in the host of what a machine has in a data volume. */
export function dataPath(name: string, path: string): string {
  return `/var/lib/man8machine_storage/${name}${path}`;
}

/** A machine's unit. */
export function unitOf(name: string): string {
  return `systemd-nspawn@${name}.service`;
}

/** A machine's root tree in the host. */
export function treePath(name: string): string {
  return `/var/lib/man8machines/${name}`;
}
