/** A host of the lab with a small image in a registry, for tests of what must not work. */

import { expect } from "bun:test";
import { join } from "node:path";
import type { Host } from "../lab/host.ts";
import type { HostOs } from "../lab/host_image.ts";
import { makeBusyboxImage } from "../lab/images/busybox_image.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { Registry } from "../lab/registry.ts";
import { keptByStore } from "../machine/_snapshot.ts";
import { mbctl } from "./_lab.ts";

export interface BadLab extends AsyncDisposable {
  readonly host: Host;
  readonly registry: Registry;
  /** The layout of an image with one volume, /data, and a program that runs until it is stopped. */
  readonly layout: string;
  /** The image in the registry. */
  readonly image: string;
}

export async function startBadLab(os: HostOs): Promise<BadLab> {
  const lab: Lab = await startLab({ hosts: [{ name: "hosta", os }], mbctl: true });
  const host = lab.host("hosta");
  const layout = join(host.dir, "image");
  await makeBusyboxImage(layout, {
    config: { Cmd: ["/bin/sleep", "600"], Volumes: { "/data": {} }, StopSignal: "SIGKILL" },
    files: [
      { path: "data/", type: "dir" },
      { path: "data/file", content: "data" },
    ],
  });
  const registry = await Registry.start(host);
  const { reference } = await registry.push(layout, "app");
  // The folders of machines stay when they are empty; a first run makes them.
  const words = [
    "machines",
    "pull",
    reference,
    "first",
    "--tls-verify=false",
    "--mount=/data=data",
  ];
  expect((await mbctl(host, words)).exitCode).toBe(0);
  expect((await mbctl(host, ["machines", "remove", "first", "--yes"])).exitCode).toBe(0);
  return {
    host,
    registry,
    layout,
    image: reference,
    [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose](),
  };
}

/** The words of a pull of the machine "web" that asks nothing. */
export function pull(image: string, ...more: string[]): string[] {
  return [
    ...["machines", "pull", image, "web", "--tls-verify=false", "--mount=/data=data"],
    ...["--pull=always", ...more],
  ];
}

/**
 * Every name that mbctl could write, with kind, mode, owner, and size and time of files. What
 * the store keeps of a run that failed is left out: verified blobs, and parts of blobs.
 */
export async function snapshotHost(host: Host): Promise<string[]> {
  const { stdout } = await host.sh(
    `find /var/lib/man8machines /var/lib/man8machine_configs /var/lib/man8machine_storage /var/lib/machines /var/cache/mbctl \
       /etc /root /srv -not -type d -printf '%p %y %m %U:%G %s %T@ %l\\n' -o -printf '%p %y %m %U:%G\\n' 2>/dev/null || true
     cd /var/cache/mbctl/blobs/sha256 && for blob in *; do echo "$blob  $blob"; done | sha256sum --check --quiet 2>&1 || true`,
  );
  const isKept = (line: string) =>
    keptByStore.test(line.slice("/var/cache/".length, line.indexOf(" ")));
  return stdout
    .split("\n")
    .filter((line) => !isKept(line))
    .sort();
}

/** Runs mbctl, and wants this code, these words, and no change on the disk. */
export async function expectRefusal(
  host: Host,
  words: readonly string[],
  expected: string | RegExp,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const before = await snapshotHost(host);
  const { exitCode, stdout, stderr } = await mbctl(host, words, { env });
  const said = `exit ${exitCode}\n${stdout}${stderr.replace(/^(pulling|mode|done|failed) .*\n/gm, "")}`;
  if (typeof expected === "string") expect(said).toBe(expected);
  else expect(said).toMatch(expected);
  expect(await snapshotHost(host)).toEqual(before);
}
