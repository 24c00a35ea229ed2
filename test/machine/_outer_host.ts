/**
 * A host without systemd below a temporary folder, for `mbctl --root`: its
 * settings, a small image beside it, folders of the administrator's own. All
 * paths stay the same when it is reset, so that snapshots can be compared.
 */

import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mbctlBinary } from "../lab/lab.ts";
import { writeImage } from "../lab/images/layout.ts";
import { push, type RealRegistry } from "../registry/_real_registry.ts";
import { snapshot, storeTroubles } from "./_snapshot.ts";

/** These tests call the real tools, as root. */
export const canPull =
  process.getuid?.() === 0 &&
  existsSync(mbctlBinary) &&
  ["skopeo", "busybox", "strace"].every((program) => Bun.which(program) !== null);

export interface Outcome {
  readonly exitCode: number | null;
  /** The signal that ended mbctl, if one did. */
  readonly signal: NodeJS.Signals | number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class OuterHost implements Disposable {
  readonly dir: string;
  /** What `--root` names. */
  readonly root: string;
  /** The image, as mbctl is given it. */
  image: string;
  #registry: RealRegistry | undefined;

  private constructor(dir: string) {
    this.dir = dir;
    this.root = join(dir, "state/root");
    this.image = `oci:${join(dir, "image")}:latest`;
  }

  /** Makes the folder and an image with five volumes. */
  static async create(): Promise<OuterHost> {
    const host = new OuterHost(mkdtempSync(join(tmpdir(), "mbctl-outer-")));
    // Also another user must get as far as mbctl's own checks.
    chmodSync(host.dir, 0o755);
    await writeImage(join(host.dir, "image"), {
      config: {
        config: {
          Cmd: ["/app"],
          WorkingDir: "/work/dir",
          Volumes: { "/conf": {}, "/data": {}, "/missing": {}, "/empty": {}, "/full": {} },
        },
      },
      layers: [
        [
          { path: "app", mode: 0o755, content: "no program" },
          { path: "run/", type: "dir" },
          { path: "run/kept", content: "kept" },
          // As large as it takes for a program to be used to decompress the layer.
          { path: "large", content: incompressible(512 * 1024) },
          ...["conf", "data", "missing", "empty", "full"].flatMap((name, place) => [
            {
              path: `${name}/`,
              type: "dir" as const,
              mode: 0o750,
              uid: 10 + place,
              gid: 20 + place,
            },
            { path: `${name}/one`, content: name, mode: 0o640, uid: 30 },
            { path: `${name}/two`, type: "symlink" as const, linkTarget: "one" },
          ]),
        ],
      ],
    });
    host.reset();
    return host;
  }

  /** Has mbctl take the image from a registry from now on. */
  async serve(registry: RealRegistry): Promise<void> {
    await push(this.image, `${registry.host}/app`);
    this.image = `${registry.host}/app:latest`;
    this.#registry = registry;
  }

  /** A folder of the administrator's own. */
  own(name: string): string {
    return join(this.dir, "state/own", name);
  }

  /** Puts everything back to the state before the first run. */
  reset(): void {
    rmSync(join(this.dir, "state"), { recursive: true, force: true });
    mkdirSync(join(this.root, "etc/mbctl"), { recursive: true });
    // No stored trees: the same happens on every file system.
    const config = 'prefix = "300:2e98:a4b0:1789::/64"\nimage_trees = "never"\n';
    writeFileSync(join(this.root, "etc/mbctl/config.toml"), config);
    this.resetOwn();
  }

  /** The same for the administrator's own folders alone. */
  resetOwn(): void {
    rmSync(this.own(""), { recursive: true, force: true });
    mkdirSync(this.own("empty"), { recursive: true });
    mkdirSync(this.own("full"));
    writeFileSync(join(this.own("full"), "mine"), "mine");
  }

  /** Keeps the present state under a name, or brings a kept one back. */
  keep(name: string): void {
    this.#copy("state", name);
  }
  bringBack(name: string): void {
    this.#copy(name, "state");
  }
  #copy(from: string, to: string): void {
    rmSync(join(this.dir, to), { recursive: true, force: true });
    cpSync(join(this.dir, from), join(this.dir, to), {
      recursive: true,
      verbatimSymlinks: true,
      preserveTimestamps: true,
    });
    // cpSync() keeps no owners.
    Bun.spawnSync([
      "cp",
      "-a",
      "--attributes-only",
      "-T",
      "--",
      join(this.dir, from),
      join(this.dir, to),
    ]);
  }

  snapshot(): string[] {
    return snapshot(join(this.dir, "state"));
  }

  /** What is wrong with the image store. */
  storeTroubles(): string[] {
    return storeTroubles(join(this.root, "var/cache"));
  }

  /** The words of a pull with one volume of each kind. */
  get pullWords(): string[] {
    return [
      ...["machines", "pull", this.image, "web", "--env=K=V"],
      ...(this.#registry === undefined ? [] : ["--tls-verify=false"]),
      ...["--mount=/conf=config", "--mount=/data=data"],
      ...["missing", "empty", "full"].map((name) => `--mount=/${name}=${this.own(name)}`),
    ];
  }

  /** What a shell would run. */
  argv(words: readonly string[]): string[] {
    const enter = this.#registry?.enter ?? [];
    return [...enter, mbctlBinary, `--root=${this.root}`, ...words];
  }

  /** Runs mbctl to its end, below `wrapper` if one is given. */
  async run(
    words: readonly string[],
    wrapper: readonly string[] = [],
    env: Record<string, string> = {},
  ): Promise<Outcome> {
    const child = Bun.spawn([...wrapper, ...this.argv(words)], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      cwd: this.dir,
      env: { ...process.env, ...env },
    });
    const [stdout, stderr] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    await child.exited;
    return { exitCode: child.exitCode, signal: child.signalCode, stdout, stderr };
  }

  /** Runs mbctl, which must do what it is told; gives what it says. */
  async succeed(words: readonly string[]): Promise<string> {
    const outcome = await this.run(words);
    if (outcome.exitCode !== 0) throw new Error(`${words.join(" ")}: ${JSON.stringify(outcome)}`);
    return outcome.stdout;
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Bytes that stay as many when they are compressed; the same each time. */
function incompressible(count: number): Uint8Array {
  const blocks = Array.from({ length: count / 32 }, (_, place) =>
    new Bun.CryptoHasher("sha256").update(`${place}`).digest(),
  );
  return Buffer.concat(blocks);
}

/** An outcome as a test wants it: no path of this run in it. */
export function outcomeText(host: OuterHost, { exitCode, stdout, stderr }: Outcome): string {
  return `exit ${exitCode}\n${stdout}${stderr}`.replaceAll(host.dir, "DIR");
}
