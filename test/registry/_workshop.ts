/** What the tests with a real skopeo share: a temporary folder, images, and errors as users see them. */

import { afterAll, beforeAll } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MbctlError } from "../../lib/errors.ts";
import { makeRun } from "../../lib/host/run.ts";
import { makeSpawn } from "../../lib/host/spawn.ts";
import { digestOf } from "../../lib/image/digest.ts";
import { parseImageRef } from "../../lib/image/reference.ts";
import { openImage, type OpenedImage } from "../../lib/registry/open_image.ts";
import { type Descriptor, Layout } from "../lab/images/layout.ts";

/** Every command that ran since it was emptied. */
export const commands: string[] = [];
const onCommand = (line: string) => void commands.push(line);
export const run = makeRun({ onCommand });
export const spawn = makeSpawn({ onCommand });
export const options = {
  platform: { os: "linux", architecture: "amd64" },
  tlsVerify: false,
} as const;

export const canFetch = Bun.which("skopeo") !== null;

/** Opens an image by the reference that a user writes. */
export async function open(text: string, more: object = {}): Promise<OpenedImage> {
  return await openImage({ run, spawn }, parseImageRef(text), { ...options, ...more });
}

/** Opens an image, reads all of its layers at once, and compares them with their digests. */
export async function openWhole(text: string, more: object = {}): Promise<OpenedImage> {
  await using opened = await open(text, more);
  const digests = await Promise.all(
    opened.found.manifest.layers.map(async (layer) => {
      const { offset, chunks } = await opened.blobs.open(layer, 0);
      const hash = new Bun.CryptoHasher("sha256");
      for await (const chunk of chunks) hash.update(chunk);
      return offset === 0 ? `sha256:${hash.digest("hex")}` : "not from the beginning";
    }),
  );
  const expected = opened.found.manifest.layers.map(({ digest }) => String(digest));
  if (digests.join() !== expected.join()) throw new Error(`${text}: got layers ${digests}`);
  for (const { digest, text: document } of opened.documents) {
    if (digestOf(document) !== digest) throw new Error(`${text}: ${digest} is another document`);
  }
  return opened;
}

/** A temporary folder for the tests of a file; `path()` gives names in it, new ones with "*". */
export function workshop(): { path: (name: string) => string } {
  let dir = "";
  let count = 0;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "mbctl-registry-"));
  });
  afterAll(async () => {
    await rm(dir, { recursive: true, force: true });
  });
  return {
    path: (name) =>
      join(
        dir,
        name.replace("*", () => String(++count)),
      ),
  };
}

/** A layout with images of every shape. */
export interface Shapes {
  readonly layout: Layout;
  readonly tags: Readonly<Record<string, Descriptor>>;
}

/** What each of them shows as its command: `/bin/NAME`. */
export async function writeShapes(dir: string): Promise<Shapes> {
  const layout = await Layout.create(dir);
  const add = (name: string, more: object = {}, layers = 1) =>
    layout.addImage({
      layers: Array.from({ length: layers }, (_, at) => [
        { path: `${name}${at}`, content: noise(at) },
      ]),
      config: { config: { Cmd: [`/bin/${name}`] } },
      platform: { os: "linux", architecture: "amd64" },
      ...more,
    });
  const arm = { platform: { os: "linux", architecture: "arm64" } };
  const docker = { mediaTypes: "docker" };
  const oci = await add("oci", {}, 3);
  const ociArm = await add("ociarm", arm);
  const schema2 = await add("schema2", docker);
  const schema2Arm = await add("schema2arm", { ...docker, ...arm });
  const index = await layout.addIndex([ociArm, oci]);
  const list = await layout.addIndex([schema2Arm, schema2], "docker");
  const mixed = await layout.addIndex([ociArm, schema2]);
  const inner = { ...index, platform: { os: "linux", architecture: "amd64" } };
  const tags = {
    oci,
    ociArm,
    schema2,
    index,
    list,
    mixed,
    nested: await layout.addIndex([inner]),
    zstd: await add("zstd", { compression: "zstd" }),
    plain: await add("plain", { compression: "none" }),
  };
  for (const [name, descriptor] of Object.entries(tags)) await layout.tag(name, descriptor);
  return { layout, tags };
}

/** Bytes that hardly compress (xorshift32). */
function noise(seed: number): Uint8Array {
  let state = seed + 1;
  return Uint8Array.from({ length: 400_000 }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  });
}

/** The error of an action, as its user sees it. */
export async function failure(action: Promise<unknown>): Promise<{
  kind: string;
  message: string;
  cause: string;
  hint: string | undefined;
}> {
  try {
    await action;
  } catch (error) {
    if (!(error instanceof MbctlError)) throw error;
    const { kind, message, cause, hint } = error;
    return { kind, message, cause: cause instanceof Error ? cause.message : "", hint };
  }
  throw new Error("it did not fail");
}
