/**
 * One lab host: a real systemd on a root tree of its own, inside any root shell.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { commandCgroup, enterArgv, type EnterOptions } from "./enter.ts";
import { type HostOs, hostImage, systemdVersions } from "./host_image.ts";
import { HostProcess } from "./host_process.ts";
import { childrenOf, nameOf } from "./process_tree.ts";
import { Pty, type PtyOptions } from "./pty.ts";
import { run, type RunOptions, type RunResult } from "./run.ts";
import { waitFor } from "./wait_for.ts";

export interface HostOptions {
  /** Name of the host: 1 to 12 of `a-z0-9-`. */
  readonly name: string;
  readonly os: HostOs;
  /** Debian packages beside those that every host has; each set is a root tree of its own in the cache. */
  readonly packages?: readonly string[];
}

/** Options of a command in a host. */
export type HostRunOptions = Omit<RunOptions, "env" | "cwd"> & EnterOptions;

/** Device nodes that a systemd host has and nspawn does not make; ours, so that the outer ones keep their mode. */
const prepareScript = `
  mkdir -p ${commandCgroup} /dev/net
  for node in "net/tun 10 200" "fuse 10 229"; do
    set -- $node
    rm -f "/dev/$1" 2>/dev/null
    [ -e "/dev/$1" ] || mknod "/dev/$1" c "$2" "$3"
    chmod 666 "/dev/$1"
  done`;

export class Host {
  readonly name: string;
  readonly os: HostOs;
  /** Major version of its systemd. */
  readonly systemdVersion: number;
  /** Its folder on the outer machine; `root` in it is the root tree without /usr. */
  readonly dir: string;
  readonly #base: string;
  readonly #cgroup: string;
  #boots = 0;
  #outer: Bun.Subprocess | undefined;
  #leader: number | undefined;

  private constructor(options: HostOptions, base: string, dir: string, labId: string) {
    this.name = options.name;
    this.os = options.os;
    this.systemdVersion = systemdVersions[options.os];
    this.dir = dir;
    this.#base = base;
    this.#cgroup = `mbctl-lab-${labId}-${options.name}`;
  }

  /** Makes the host's root tree; it does not run yet. */
  static async create(options: HostOptions, runDir: string, labId: string): Promise<Host> {
    if (!/^[a-z0-9-]{1,12}$/.test(options.name)) {
      throw new Error(`Cannot make lab host "${options.name}": the name is not 1 to 12 of a-z0-9-`);
    }
    const base = await hostImage(options.os, options.packages);
    const dir = join(runDir, options.name);
    const root = join(dir, "root");
    for (const path of [dir, root, join(root, "usr"), join(dir, "usr"), join(dir, "work")])
      await mkdir(path);
    // /usr is two thirds of the tree and nobody id-maps a mount of it: an overlay. All else is a
    // copy, because machines need id-mapped mounts of it and overlays cannot be id-mapped.
    const parts = (await readdir(base))
      .filter((entry) => entry !== "usr")
      .map((entry) => join(base, entry));
    await run(["cp", "-a", "--reflink=auto", "-t", root, ...parts]);
    await writeFile(join(root, "etc/machine-id"), `${randomBytes(16).toString("hex")}\n`);
    await writeFile(join(root, "etc/hostname"), `${options.name}\n`);
    await writeFile(join(root, "etc/hosts"), "127.0.0.1 localhost\n::1 localhost\n");
    return new Host(options, base, dir, labId);
  }

  /** Pid of the host's PID 1 as the outer machine counts. */
  get leader(): number {
    if (this.#leader === undefined)
      throw new Error(`Cannot use lab host "${this.name}": it does not run`);
    return this.#leader;
  }

  /** Boots the host and waits until systemd says that it runs. */
  async boot(): Promise<void> {
    const log = openSync(join(this.dir, "console.log"), "a");
    const outer = Bun.spawn(
      [
        // Whoever kills the lab kills the hosts: we -> unshare -> its PID 1 -> all in that pid namespace.
        ...["setpriv", "--pdeathsig", "KILL", "--"],
        ...[
          "unshare",
          "--mount",
          "--propagation",
          "private",
          "--cgroup",
          "--pid",
          "--fork",
          "--kill-child",
        ],
        ...["--mount-proc", "--", "/bin/sh", join(import.meta.dir, "boot.sh")],
        // A cgroup for each boot: that of the last one may not be empty yet.
        ...[this.name, this.dir, this.#base, `${this.#cgroup}-${++this.#boots}`],
      ],
      { stdin: "ignore", stdout: log, stderr: log, detached: true },
    );
    closeSync(log);
    outer.unref();
    this.#outer = outer;
    const options = {
      timeoutMs: 180_000,
      what: `lab host "${this.name}" (${this.os}) to boot`,
      explain: () => this.#explain(),
    };
    this.#leader = await waitFor(() => {
      if (outer.exitCode !== null) throw new Error("systemd-nspawn has ended");
      const nspawn = childrenOf(outer.pid)[0];
      return nspawn === undefined
        ? undefined
        : childrenOf(nspawn).find((pid) => nameOf(pid) === "systemd");
    }, options);
    await waitFor(async () => {
      const { stdout } = await this.run(["systemctl", "is-system-running", "--wait"], {
        allowFailure: true,
      });
      return /^(running|degraded)$/.test(stdout.trim());
    }, options);
    await this.sh(prepareScript);
  }

  /** Shuts the host down as an administrator would; its files stay, and it can boot again. */
  async powerOff(): Promise<void> {
    const outer = this.#outer;
    if (outer === undefined) return;
    await run(["kill", "-s", "RTMIN+4", String(this.leader)]);
    await waitFor(() => outer.exitCode !== null || outer.signalCode !== null, {
      timeoutMs: 120_000,
      what: `lab host "${this.name}" to power off`,
    });
    await this.kill();
  }

  /** Pulls the plug. */
  async kill(): Promise<void> {
    this.#outer?.kill("SIGKILL");
    await this.#outer?.exited;
    this.#outer = undefined;
    this.#leader = undefined;
  }

  /** Runs a command in the host to its end. */
  async run(argv: readonly string[], options: HostRunOptions = {}): Promise<RunResult> {
    const { env, cwd, ...rest } = options;
    const enter = {
      ...(env === undefined ? {} : { env }),
      ...(cwd === undefined ? {} : { cwd }),
    };
    return await run(enterArgv(this.leader, argv, enter), {
      shownAs: [`${this.name}:`, ...argv],
      ...rest,
    });
  }

  /** Runs a shell script in the host; `$1`… are the words. Stops at the first failure (`sh -eu`). */
  async sh(
    script: string,
    words: readonly string[] = [],
    options: HostRunOptions = {},
  ): Promise<RunResult> {
    return await this.run(["/bin/sh", "-euc", script, "sh", ...words], options);
  }

  /** Starts a command in the host and returns at once. */
  start(argv: readonly string[], options: EnterOptions = {}): HostProcess {
    return new HostProcess(this.leader, argv, options);
  }

  /** Starts a command on a terminal of the host. */
  pty(argv: readonly string[], options: PtyOptions = {}): Pty {
    return new Pty(this.leader, argv, options);
  }

  /** Writes a file in the host, making its folder. */
  async writeFile(path: string, content: string | Uint8Array, mode = "0644"): Promise<void> {
    await this.sh('mkdir -p "$(dirname "$1")"; cat >"$1"; chmod "$2" "$1"', [path, mode], {
      stdin: content,
    });
  }

  /** Reads a text file of the host. */
  async readFile(path: string): Promise<string> {
    return (await this.run(["cat", "--", path])).stdout;
  }

  /** Copies a file or folder of the outer machine to this very path in the host. */
  async copyIn(source: string, target: string): Promise<void> {
    await this.run(["mkdir", "-p", dirname(target)]);
    // By tar in the host, so that its mounts and links mean what they mean there.
    const rename = `--transform=s,^${basename(source)},${basename(target)},rSh`;
    const unpack = enterArgv(this.leader, [
      "tar",
      "-x",
      "--no-same-owner",
      "-C",
      dirname(target),
      "-f",
      "-",
    ]);
    await run([
      ...["bash", "-euo", "pipefail", "-c", 'tar -C "$1" "$3" -cf - -- "$2" | "${@:4}"', "bash"],
      ...[dirname(source), basename(source), rename, ...unpack],
    ]);
  }

  async #explain(): Promise<string> {
    const log = await Bun.file(join(this.dir, "console.log")).text();
    const failed =
      this.#leader === undefined
        ? ""
        : (
            await this.run(["systemctl", "list-units", "--failed", "--no-pager"], {
              allowFailure: true,
            })
          ).stdout;
    return `${log.slice(-3000)}\n${failed}`;
  }
}
