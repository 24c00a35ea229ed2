/**
 * Where the pulls take place: a lab host of Debian sid on a tmpfs, with a registry in it. All
 * contenders run in its network, so that all reach the registry over the same loopback; all write
 * to the same tmpfs. importctl runs in the host, all others beside it.
 *
 * It stands in a mount namespace of its own, which pull.ts enters first: mounts and loop devices
 * go with the process. Its cgroups bear the lab's name, so that the lab's reaper removes them.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rmdir } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Host } from "../../lab/host.ts";
import { type Lab, startLab } from "../../lab/lab.ts";
import { findLeftovers } from "../../lab/leftovers.ts";
import { Registry } from "../../lab/registry.ts";
import { run } from "../../lab/run.ts";
import { makeGroup } from "./group.ts";
import type { BuiltImage } from "./images.ts";
import { publish, unpublishAll } from "./registry_folder.ts";

export class Arena implements AsyncDisposable {
  readonly host: Host;
  /** A folder on the tmpfs. */
  readonly dir: string;
  /** The cgroup tree, as this namespace sees it. */
  readonly cgroups: string;
  /** The group of the measured processes. */
  readonly group: string;
  readonly #lab: Lab;
  readonly #registryData: string;
  #published = "";

  private constructor(lab: Lab, registry: Registry, mountPoint: string) {
    this.#lab = lab;
    this.host = lab.hosts[0] as Host;
    this.dir = join(mountPoint, "run");
    this.cgroups = join(mountPoint, "cgroup");
    this.group = join(this.cgroups, `${basename(lab.dir)}-runs`);
    const [data] = registry.blobPath("sha256:00").split("/docker/");
    this.#registryData = join(this.host.dir, "root", data as string);
  }

  /** Boots the host and starts the registry. */
  static async open(): Promise<Arena> {
    const mountPoint = await mkdtemp("/tmp/mbctl-bench-");
    await run(["mount", "-t", "tmpfs", "-o", "mode=0700,size=90%", "mbctl-bench", mountPoint]);
    for (const name of ["run", "cgroup", "tmp"]) await mkdir(join(mountPoint, name));
    await run(["mount", "-t", "cgroup2", "cgroup2", join(mountPoint, "cgroup")]);
    // podman and skopeo remember here where they have seen a blob.
    if (existsSync("/var/lib/containers"))
      await run(["mount", "-t", "tmpfs", "-o", "mode=0700", "mbctl-bench", "/var/lib/containers"]);
    // The lab's host, and what the contenders put aside, stay on the tmpfs.
    process.env.TMPDIR = join(mountPoint, "tmp");
    let lab: Lab | undefined;
    try {
      lab = await startLab({ hosts: [{ name: "bench", os: "sid" }], mesh: false });
      const arena = new Arena(lab, await Registry.start(lab.host("bench")), mountPoint);
      await makeGroup(arena.group);
      await arena.host.writeFile(
        "/etc/systemd/oci-registry/registry.local.oci-registry",
        JSON.stringify({ overrideRegistry: "127.0.0.1:5000", defaultProtocol: "http" }),
      );
      return arena;
    } catch (error) {
      await lab?.[Symbol.asyncDispose]();
      await leave(mountPoint);
      throw error;
    }
  }

  /** Makes an image the one that the registry holds. */
  async offer(image: BuiltImage): Promise<void> {
    if (this.#published === image.name) return;
    await unpublishAll(this.#registryData);
    await publish(image.dir, image.name, this.#registryData);
    this.#published = image.name;
  }

  /** Bounds what the registry can send (tc-tbf(8)); no number: it is bounded no longer. */
  async limitLink(megabytesPerSecond?: number): Promise<void> {
    await this.host.run(["tc", "qdisc", "del", "dev", "lo", "root"], { allowFailure: true });
    if (megabytesPerSecond === undefined) return;
    const rate = `${megabytesPerSecond * 8}mbit`;
    const words = ["rate", rate, "burst", "256kb", "latency", "20ms"];
    await this.host.run(["tc", "qdisc", "add", "dev", "lo", "root", "tbf", ...words]);
  }

  /** The argument list that runs a program of this machine in the host's network. */
  inNetwork(argv: readonly string[]): readonly string[] {
    return ["nsenter", `--net=/proc/${this.host.leader}/ns/net`, "--", ...argv];
  }

  /** The argument list that runs a program in the host itself. */
  inHost(argv: readonly string[]): readonly string[] {
    const namespaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"];
    const target = ["nsenter", "--target", String(this.host.leader)];
    return [...target, ...namespaces, "--wdns=/", "--", ...argv];
  }

  /** The cgroup of a unit of the host, as this namespace sees it. */
  async unitGroup(unit: string): Promise<string> {
    const lines = await Bun.file(`/proc/${this.host.leader}/cgroup`).text();
    // PID 1 of the host is in init.scope.
    const own = /^0::(.*)\/init\.scope$/m.exec(lines)?.[1] ?? "";
    return join(this.cgroups, own, "system.slice", unit);
  }

  /** Path on this machine of a file of the host's root tree. */
  hostPath(path: string): string {
    return join(this.host.dir, "root", path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { dir } = this.#lab;
    await this.#lab[Symbol.asyncDispose]();
    const leftovers = await findLeftovers(dir);
    await leave(join(this.dir, ".."));
    if (leftovers.length > 0)
      throw new Error(`Cannot leave the bench clean: left are\n${leftovers.join("\n")}`);
  }
}

/** Unmounts what open() has mounted, and removes the mount point. */
async function leave(mountPoint: string): Promise<void> {
  await run(["umount", "--recursive", mountPoint]);
  await run(["umount", "/var/lib/containers"], { allowFailure: true });
  await rmdir(mountPoint);
}
