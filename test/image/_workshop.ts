/** What the tests with real tools share: a temporary folder, skopeo and umoci. */

import { afterAll, beforeAll } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MbctlError } from "../../lib/errors.ts";
import { makeRun } from "../../lib/host/run.ts";
import { type FetchOptions, fetchImage } from "../../lib/image/fetch_image.ts";
import { inspectImage } from "../../lib/image/inspect_image.ts";
import type { ImageLayout } from "../../lib/image/layout.ts";
import { parseImageRef } from "../../lib/image/reference.ts";

export const run = makeRun();
export const options = {
  platform: { os: "linux", architecture: "amd64" },
  tlsVerify: false,
} as const;

/** These tests call the real tools, and umoci only as root keeps owners. */
export const canFetch = Bun.which("skopeo") !== null;
export const canUnpack = canFetch && Bun.which("umoci") !== null && process.getuid?.() === 0;

/** A temporary folder for the tests of a file; `path()` gives names in it, new ones with "*". */
export function workshop(): { path: (name: string) => string } {
  let dir = "";
  let count = 0;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "mbctl-image-"));
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

/** Inspects and fetches in one step. */
export async function fetchRef(
  text: string,
  layoutDir: string,
  more: Partial<FetchOptions> = {},
): Promise<ImageLayout> {
  const all = { ...options, ...more };
  return await fetchImage(run, await inspectImage(run, parseImageRef(text), all), layoutDir, all);
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
    return {
      kind,
      message,
      cause: cause instanceof Error ? cause.message : "",
      hint,
    };
  }
  throw new Error("it did not fail");
}
