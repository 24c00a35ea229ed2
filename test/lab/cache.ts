/**
 * The lab's cache: expensive trees and images, each under a name that says what it
 * is made of, so that a changed recipe never meets an old result.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { mkdir, readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./run.ts";

/** Where the lab keeps what it has built: outside the repository, as XDG says. */
export function cacheDir(): string {
  return join(process.env.XDG_CACHE_HOME ?? "/var/cache", "mbctl-lab");
}

/** Hash of everything that a cached thing is made of: 12 hex digits. */
export function recipeKey(parts: readonly unknown[]): string {
  return new Bun.CryptoHasher("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 12);
}

/**
 * Returns the folder `NAME-KEY` of the cache, building it first where it is missing.
 * The build gets a temporary folder that is renamed when it is whole; builders of
 * the same name wait for each other, and litter of a killed one is removed.
 *
 * @param build fills the (not yet existing) folder whose path it is given.
 */
export async function cached(
  name: string,
  recipe: readonly unknown[],
  build: (dir: string) => Promise<void>,
): Promise<string> {
  const key = `${name}-${recipeKey(recipe)}`;
  const target = join(cacheDir(), key);
  if (existsSync(target)) return target;
  await mkdir(cacheDir(), { recursive: true });
  await using _lock = await lockFile(join(cacheDir(), `.${key}.lock`));
  if (existsSync(target)) return target;
  for (const entry of await readdir(cacheDir())) {
    if (entry.startsWith(`.${key}.tmp-`)) await removeTree(join(cacheDir(), entry));
  }
  const temporary = join(cacheDir(), `.${key}.tmp-${process.pid}`);
  try {
    await build(temporary);
    await rename(temporary, target);
  } catch (error) {
    await removeTree(temporary);
    throw error;
  }
  return target;
}

/** Removes a tree and stays on its file system, whatever may be mounted below. */
export async function removeTree(dir: string): Promise<void> {
  await run(["rm", "-rf", "--one-file-system", dir]);
}

/** Takes a lock by flock(1) and holds it until disposed; the kernel frees it when we die. */
async function lockFile(path: string): Promise<AsyncDisposable> {
  const holder = Bun.spawn(["flock", path, "sh", "-c", "echo locked; exec cat"], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const reader = holder.stdout.getReader();
  await reader.read();
  return {
    async [Symbol.asyncDispose]() {
      holder.stdin.end();
      await holder.exited;
    },
  };
}
