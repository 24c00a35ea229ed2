/**
 * A host on a disk of its own whose power can be cut: ext4 in a file, mounted so that what is not synced reaches the file
 * late (commit=300), data after its names (data=writeback), and a rename over a file waits for nothing
 * (noauto_da_alloc; ext4(5)). A copy of the file at one moment is the disk of a host whose power was cut then; mounting it
 * replays its journal.
 */

import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { diesWithUs } from "../../lib/host/run.ts";
import { run } from "../lab/run.ts";
import type { Mounted } from "../trees/_loop.ts";
import type { OuterHost, Outcome } from "../machine/_outer_host.ts";
import { mbctlBinary } from "../lab/lab.ts";
import { stateBelow, writeDeclaration } from "./_state.ts";

interface Disk extends Mounted {
  /** The words before a command that sees the disk at /mnt, whichever of the copies it is. */
  readonly enter: readonly string[];
}

const lateMount = "loop,noatime,commit=300,data=writeback,noauto_da_alloc";

/** Mounts a file, in a mount namespace that ends with us. */
async function mountImage(image: string, options: string): Promise<Disk> {
  const script = `mount -t ext4 -o ${options} "$1" /mnt && echo ready && read -r line`;
  const child = Bun.spawn(
    [...diesWithUs(), "unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh", image],
    { stdin: "pipe", stdout: "pipe", stderr: "pipe" },
  );
  const { value } = await child.stdout.getReader().read();
  if (value === undefined) throw new Error(`Cannot mount: ${(await child.stderr.text()).trim()}`);
  return {
    path: `/proc/${child.pid}/root/mnt`,
    enter: ["nsenter", "-t", `${child.pid}`, "-m", "--"],
    async [Symbol.asyncDispose]() {
      await child.stdin.end();
      await child.exited;
    },
  };
}

/** A disk with a host on it, as it is at the start of each run. */
export class PowerHost implements AsyncDisposable {
  readonly dir: string;
  #mounted: Disk | undefined;

  private constructor(dir: string) {
    this.dir = dir;
  }

  /** Copies what a host holds to a disk of its own. */
  static async create(host: OuterHost): Promise<PowerHost> {
    const power = new PowerHost(mkdtempSync(join(tmpdir(), "mbctl-power-")));
    const image = power.#file("base");
    await run(["truncate", "-s", "64M", image]);
    await run(["mkfs.ext4", "-q", "-F", "-J", "size=4", image]);
    await using mounted = await mountImage(image, "loop");
    await run(["cp", "-a", `${join(host.dir, "state")}/.`, mounted.path]);
    writeDeclaration(host, join(power.dir, "web.toml"));
    return power;
  }

  #file(name: string): string {
    return join(this.dir, `${name}.img`);
  }

  /** Starts again, with the disk as it was first. */
  async reset(): Promise<void> {
    await this.#mounted?.[Symbol.asyncDispose]();
    copyFileSync(this.#file("base"), this.#file("disk"));
    this.#mounted = await mountImage(this.#file("disk"), lateMount);
  }

  /** Cuts the power, and starts again with what lies on the disk. */
  async cut(): Promise<void> {
    copyFileSync(this.#file("disk"), this.#file("cut"));
    await this.#mounted?.[Symbol.asyncDispose]();
    this.#mounted = await mountImage(this.#file("cut"), "loop");
  }

  /** Runs mbctl to its end, below `wrapper` if one is given. */
  async run(words: readonly string[], wrapper: readonly string[] = []): Promise<Outcome> {
    const [group = "", verb = "", ...rest] = words;
    const child = Bun.spawn(
      [...this.#disk.enter, ...wrapper, mbctlBinary, group, verb, "--root=/mnt/root", ...rest],
      { stdin: "ignore", stdout: "pipe", stderr: "pipe", cwd: this.dir },
    );
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    await child.exited;
    return { exitCode: child.exitCode, signal: child.signalCode, stdout, stderr };
  }

  /** See {@linkcode stateBelow}. */
  state(): string[] {
    return stateBelow(this.#disk.path);
  }

  get #disk(): Disk {
    if (this.#mounted === undefined) throw new Error("Cannot use the disk: reset() mounts it");
    return this.#mounted;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#mounted?.[Symbol.asyncDispose]();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
