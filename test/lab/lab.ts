/**
 * The test lab: 1 to n real systemd hosts, joined by a yggdrasil mesh, gone without a
 * trace when it is disposed of or its process ends.
 *
 * ```ts
 * await using lab = await startLab({ hosts: [{ name: "hosta", os: "debian13" }, { name: "hostb", os: "sid" }] });
 * await lab.host("hosta").run(["ping", "-c1", lab.mesh("hostb").address]);
 * ```
 *
 * @module
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { installBridge, waitForBridge } from "./bridge.ts";
import { Host, type HostOptions } from "./host.ts";
import { joinHosts, type MeshIdentity, startYggdrasil, waitForMesh } from "./mesh.ts";
import { type Reaper, startReaper, sweep } from "./reaper.ts";

/** The binary under test. */
export const mbctlBinary = join(import.meta.dir, "../../build/mbctl");

export interface LabOptions {
  readonly hosts: readonly HostOptions[];
  /** A yggdrasil in each host, all of them joined; on by default. Without it there is no bridge. */
  readonly mesh?: boolean;
  /** The machines' bridge in each host, by systemd-configs; on by default. */
  readonly bridge?: boolean;
  /** `build/mbctl` as /usr/local/bin/mbctl in each host (or another file); off by default. */
  readonly mbctl?: boolean | string;
  /** With mbctl and a mesh: whom the hosts trust, in /etc/mbctl/config.toml. All hosts by default, or those named, or none. */
  readonly trust?: boolean | readonly string[];
}

export class Lab implements AsyncDisposable {
  readonly hosts: readonly Host[];
  /** The lab's folder on the outer machine; it goes with the lab. */
  readonly dir: string;
  readonly #options: LabOptions;
  readonly #reaper: Reaper;
  readonly #mesh = new Map<string, MeshIdentity>();

  /** @internal Call startLab(). */
  constructor(options: LabOptions, reaper: Reaper, hosts: readonly Host[]) {
    this.#options = options;
    this.#reaper = reaper;
    this.dir = reaper.runDir;
    this.hosts = hosts;
  }

  /** The host of that name. */
  host(name: string): Host {
    const host = this.hosts.find((host) => host.name === name);
    if (host === undefined)
      throw new Error(`Cannot find lab host "${name}": there are ${this.hosts.map((h) => h.name)}`);
    return host;
  }

  /** The mesh address and prefix of the host of that name. */
  mesh(name: string): MeshIdentity {
    const identity = this.#mesh.get(name);
    if (identity === undefined)
      throw new Error(`Cannot find the mesh identity of "${name}": it has no yggdrasil`);
    return identity;
  }

  /** `[hosts]` of config.toml, with all hosts of the lab or those that are named. */
  hostsToml(names: readonly string[] = this.hosts.map(({ name }) => name)): string {
    const lines = names.map((name) => `${name} = "${this.mesh(name).address}"\n`);
    return `[hosts]\n${lines.join("")}`;
  }

  /** @internal Boots and joins all hosts. */
  async bringUp(): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.boot()));
    if (this.#options.mesh !== false) {
      for (const [index, a] of this.hosts.entries()) {
        for (const b of this.hosts.slice(index + 1)) await joinHosts(a, b);
      }
    }
    await Promise.all(this.hosts.map((host) => this.#furnish(host)));
    await this.#trust();
    if (this.#options.mesh !== false) await waitForMesh(this.hosts, [...this.#mesh.values()]);
  }

  /** Shuts a host down in order, boots it again and joins it to the others again. */
  async reboot(host: Host): Promise<void> {
    await host.powerOff();
    await host.boot();
    if (this.#options.mesh === false) return;
    for (const other of this.hosts) {
      if (other === host) continue;
      await joinHosts(host, other);
      // It would go on with the link that went away, of the same name, for a minute and more.
      await other.run(["systemctl", "restart", "yggdrasil.service"]);
    }
    const identity = await startYggdrasil(host);
    if (this.#options.bridge !== false) await waitForBridge(host, identity.prefix);
    await waitForMesh(this.hosts, [...this.#mesh.values()]);
  }

  async #furnish(host: Host): Promise<void> {
    const { mbctl, mesh, bridge } = this.#options;
    if (mbctl !== undefined && mbctl !== false) {
      const binary = mbctl === true ? mbctlBinary : mbctl;
      if (!existsSync(binary))
        throw new Error(`Cannot install "${binary}" in the lab: no such file; run make build`);
      await host.copyIn(binary, "/usr/local/bin/mbctl");
    }
    if (mesh === false) return;
    const identity = await startYggdrasil(host);
    this.#mesh.set(host.name, identity);
    if (bridge !== false) await installBridge(host, identity.prefix);
  }

  /** Without it, machines would answer to none of the other hosts. */
  async #trust(): Promise<void> {
    const { mbctl, mesh, trust = true } = this.#options;
    if (mbctl === undefined || mbctl === false || mesh === false || trust === false) return;
    const text = this.hostsToml(trust === true ? undefined : trust);
    await Promise.all(this.hosts.map((host) => host.writeFile("/etc/mbctl/config.toml", text)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.kill()));
    await this.#reaper.finish();
  }
}

/**
 * Every systemd takes a dozen inotify instances of root's, in machines of lab hosts too, and there are 128. A lab host cannot
 * raise that itself: its /proc/sys is read-only.
 */
function raiseInotify(): void {
  const file = "/proc/sys/fs/inotify/max_user_instances";
  if (Number(readFileSync(file, "utf8")) < 8192) writeFileSync(file, "8192");
}

/**
 * Boots a lab. The first use of an operating system builds its root tree (about half a
 * minute); after that a lab of two hosts takes some seconds.
 */
export async function startLab(options: LabOptions): Promise<Lab> {
  if (options.mesh !== false && options.hosts.length > 1) checkVersions(options.hosts);
  await sweep();
  raiseInotify();
  const reaper = await startReaper();
  let hosts: Host[] = [];
  try {
    hosts = await Promise.all(
      options.hosts.map((host) => Host.create(host, reaper.runDir, reaper.id)),
    );
    const lab = new Lab(options, reaper, hosts);
    await lab.bringUp();
    return lab;
  } catch (error) {
    await Promise.all(hosts.map((host) => host.kill()));
    await reaper.finish();
    throw error;
  }
}

/** Debian 12 has yggdrasil 0.4, the others 0.5, whose protocol is another. */
function checkVersions(hosts: readonly HostOptions[]): void {
  const old = hosts.filter((host) => host.os === "debian12").length;
  if (old !== 0 && old !== hosts.length) {
    throw new Error(
      "Cannot mesh debian12 with debian13 or sid: yggdrasil 0.4 and 0.5 do not talk to each other",
    );
  }
}
