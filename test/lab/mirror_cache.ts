/**
 * Files of a Debian mirror, fetched once and kept in the lab's cache.
 *
 * @module
 */
import { mkdir, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { cacheDir } from "./cache.ts";

/** What a mirror of Debian serves: `debian` and `debian-security`, and nothing whose name begins with a dot. */
const servedPath = /^\/debian(-security)?\/(dists|pool)(\/[A-Za-z0-9%+_][A-Za-z0-9%+,.:_~-]*)+$/;
/** A file whose name says what is in it never changes: a package has its version, a by-hash file its hash. */
const unchanging = /\.deb$|\/by-hash\//;
/** Age at which a file that may change is asked for again. */
const freshMs = 60 * 60_000;
/** The cache is brought below this when it is opened, what was not used for longest first. */
const maxBytes = 2 * 1024 ** 3;
/** Longest time to fetch one file. */
const fetchTimeoutMs = 10 * 60_000;

/** The parent folder of the real mirror's `debian`: that of `$MBCTL_LAB_MIRROR`, or Debian's own. */
export function upstreamMirror(): string {
  const mirror = process.env.MBCTL_LAB_MIRROR || "http://deb.debian.org/debian";
  return mirror.replace(/\/debian\/?$/, "");
}

/** What is answered where a file cannot be had. */
interface Refusal {
  readonly status: number;
  readonly why: string;
}

export class MirrorCache {
  readonly #dir: string;
  readonly #upstream: string;
  /** What is being fetched now: who asks for the same waits for it. */
  readonly #fetching = new Map<string, Promise<Refusal | undefined>>();

  private constructor(dir: string, upstream: string) {
    this.#dir = dir;
    this.#upstream = upstream;
  }

  /** Opens the cache of a mirror and clears it of what is too much, and of what killed fetches left. */
  static async open(upstream: string, limitBytes = maxBytes): Promise<MirrorCache> {
    const dir = join(cacheDir(), "debian-mirror");
    await mkdir(dir, { recursive: true });
    await prune(dir, limitBytes);
    return new MirrorCache(dir, upstream);
  }

  /**
   * The file at a path of the mirror (`/debian/dists/…`), from the cache or the real mirror. An old file
   * is better than none: it is served where the real mirror cannot be reached.
   *
   * @returns 200 with the file; 404, or what the real mirror said, without.
   */
  async answer(path: string): Promise<Response> {
    if (path === "/") return new Response("Debian mirror of the mbctl lab\n");
    if (!servedPath.test(path)) return new Response("not a file of a mirror\n", { status: 404 });
    const file = join(this.#dir, path);
    const refused = (await isFresh(file)) ? undefined : await this.#fetchOnce(path, file);
    if (refused !== undefined && !(await Bun.file(file).exists()))
      return new Response(refused.why, refused);
    if (unchanging.test(path)) await utimes(file, new Date(), new Date());
    return new Response(Bun.file(file));
  }

  async #fetchOnce(path: string, file: string): Promise<Refusal | undefined> {
    const running = this.#fetching.get(path);
    if (running !== undefined) return await running;
    const fetching = fetchFile(this.#upstream + path, file).finally(() => {
      this.#fetching.delete(path);
    });
    this.#fetching.set(path, fetching);
    return await fetching;
  }
}

async function isFresh(file: string): Promise<boolean> {
  const found = await stat(file).catch(() => undefined);
  if (found === undefined) return false;
  return unchanging.test(file) || Date.now() - found.mtimeMs < freshMs;
}

/** Fetches a file beside its name and renames it; returns what to answer where that fails. */
async function fetchFile(url: string, file: string): Promise<Refusal | undefined> {
  const staged = join(dirname(file), `.fetch-${crypto.randomUUID()}`);
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(fetchTimeoutMs) });
    if (!response.ok)
      return { status: response.status, why: `the real mirror says ${response.status}\n` };
    await mkdir(dirname(file), { recursive: true });
    await Bun.write(staged, response);
    await rename(staged, file);
    return undefined;
  } catch (error) {
    await rm(staged, { force: true });
    return { status: 502, why: `Cannot fetch ${url}: ${error}\n` };
  }
}

async function prune(dir: string, limitBytes: number): Promise<void> {
  const files = [];
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    // Another process may prune as well.
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) continue;
    const isLitter = entry.name.startsWith(".fetch-");
    if (isLitter && Date.now() - found.mtimeMs < fetchTimeoutMs) continue;
    files.push({ path, size: found.size, usedMs: isLitter ? 0 : found.mtimeMs, isLitter });
  }
  let bytes = files.reduce((sum, { size }) => sum + size, 0);
  for (const { path, size, isLitter } of files.toSorted((a, b) => a.usedMs - b.usedMs)) {
    if (!isLitter && bytes <= limitBytes) return;
    await rm(path, { force: true });
    bytes -= size;
  }
}
