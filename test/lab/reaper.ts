/**
 * Leaving nothing behind: every lab has a reaper, a small process that removes the
 * lab's files and cgroups when the lab's process ends, even by SIGKILL. Should the
 * reaper be killed too, the next lab finds the state folder and sweeps.
 *
 * @module
 */
import { mkdir, mkdtemp, readdir, rename, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { run } from "./run.ts";

const script = join(import.meta.dir, "reaper.sh");

/** Known names of the labs that exist: one folder each. */
export const stateRoot = "/run/mbctl-lab";

export interface Reaper {
  /** Part of the names of the lab's cgroups. */
  readonly id: string;
  /** Where the lab's files go: a new folder on a real file system. */
  readonly runDir: string;
  /** Cleans up now, and returns when it is done. */
  finish(): Promise<void>;
}

/**
 * Makes a run folder and starts the reaper that will remove it.
 *
 * @throws Error where the temporary folder is on an overlay file system: machines need
 * id-mapped mounts of what lies there, and overlays cannot be id-mapped (PLATFORM.md).
 */
export async function startReaper(): Promise<Reaper> {
  // Not /tmp by default: that is a tmpfs in many places, and a host has 100 MB and more.
  const temporary = process.env.TMPDIR === undefined ? "/var/tmp" : tmpdir();
  const runDir = await mkdtemp(join(temporary, "mbctl-lab-"));
  const fsType = (await run(["stat", "-f", "-c", "%T", runDir])).stdout.trim();
  if (fsType === "overlayfs") {
    await run(["rmdir", runDir]);
    throw new Error(
      `Cannot start a lab in "${temporary}": it is on an overlay; set TMPDIR to a real file system`,
    );
  }
  const id = basename(runDir).slice("mbctl-lab-".length);
  await mkdir(stateRoot, { recursive: true });
  const newborn = join(stateRoot, `.new-${id}`);
  await mkdir(newborn);
  await writeFile(join(newborn, "id"), id);
  await writeFile(join(newborn, "run_dir"), runDir);
  const child = Bun.spawn(["/bin/sh", script, newborn], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
    // A session of its own: Ctrl-C in the terminal must not reach it.
    detached: true,
  });
  await child.stdout.getReader().read();
  // Sweepers look at finished names only, so they meet a lock that is already held.
  await rename(newborn, join(stateRoot, id));
  child.unref();
  return {
    id,
    runDir,
    async finish() {
      child.ref();
      child.stdin.end();
      await child.exited;
    },
  };
}

/** Removes what labs have left whose process and reaper are both gone. */
export async function sweep(): Promise<void> {
  for (const name of await readdir(stateRoot).catch(() => [])) {
    const dir = join(stateRoot, name);
    if (name.startsWith(".") && (await ageMs(dir)) < 60_000) continue;
    await run(["/bin/sh", script, dir, "sweep"], { allowFailure: true });
  }
}

async function ageMs(path: string): Promise<number> {
  return Date.now() - (await stat(path).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs;
}
