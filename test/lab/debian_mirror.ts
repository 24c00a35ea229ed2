/**
 * Debian's mirror in a lab host, which has no way out: deb.debian.org is an address of the host there, and
 * what asks it is answered by this process, from the lab's cache or the real mirror. Nothing is
 * changed on the way, so signatures hold as for everybody.
 *
 * @module
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Host } from "./host.ts";
import { MirrorCache, upstreamMirror } from "./mirror_cache.ts";
import { waitFor } from "./wait_for.ts";

/** Of TEST-NET-1 (RFC 5737): nobody's. Machines reach it by their default route, which is the host. */
const address = "192.0.2.80";
const names = ["deb.debian.org", "security.debian.org"];
const unit = "lab-debian-mirror";
/** In the host, and below its root on the outer machine: a socket is found by its file, in any network namespace. */
const socketPath = `/var/lib/${unit}.sock`;

const units: Readonly<Record<string, string>> = {
  [`${unit}-address.service`]: `[Unit]
Description=Address of the lab's Debian mirror
# Sockets come before services: without this, a boot has a cycle.
DefaultDependencies=no
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/ip address replace ${address}/32 dev lo
`,
  [`${unit}.socket`]: `[Unit]
Description=Debian mirror of the lab
Wants=${unit}-address.service
After=${unit}-address.service
[Socket]
ListenStream=${address}:80
FreeBind=yes
[Install]
WantedBy=sockets.target
`,
  [`${unit}.service`]: `[Unit]
Description=Debian mirror of the lab
Requires=${unit}.socket
[Service]
ExecStart=/usr/lib/systemd/systemd-socket-proxyd ${socketPath}
`,
};

export class DebianMirror implements AsyncDisposable {
  readonly host: Host;
  /** What a sources.list names, in the host and in machines on its bridge: `http://deb.debian.org/debian`. */
  readonly url = "http://deb.debian.org/debian";
  /** The same without a name to look up. */
  readonly urlByAddress = `http://${address}/debian`;
  readonly #server: Bun.Server<undefined>;
  readonly #socket: string;

  private constructor(host: Host, server: Bun.Server<undefined>, socket: string) {
    this.host = host;
    this.#server = server;
    this.#socket = socket;
  }

  /**
   * Starts it and waits until the host reaches it. It stays over boots of the host, for as long as this process.
   *
   * @param upstream address of the real mirror's parent folder; `$MBCTL_LAB_MIRROR`'s or http://deb.debian.org.
   */
  static async start(host: Host, upstream: string = upstreamMirror()): Promise<DebianMirror> {
    const cache = await MirrorCache.open(upstream);
    const socket = join(host.dir, "root", socketPath);
    await rm(socket, { force: true });
    const server = Bun.serve({
      unix: socket,
      fetch: async (request, server) => {
        // A large package that is not in the cache keeps its reader waiting.
        server.timeout(request, 0);
        return await cache.answer(new URL(request.url).pathname);
      },
    });
    const mirror = new DebianMirror(host, server, socket);
    try {
      await mirror.#install();
    } catch (error) {
      await mirror[Symbol.asyncDispose]();
      throw error;
    }
    return mirror;
  }

  async #install(): Promise<void> {
    for (const [name, text] of Object.entries(units))
      await this.host.writeFile(`/etc/systemd/system/${name}`, text);
    await this.host.sh(
      `grep -qF '${address} ' /etc/hosts || echo '${address} ${names.join(" ")}' >>/etc/hosts
      systemctl daemon-reload
      systemctl enable --quiet --now ${unit}.socket`,
    );
    await waitFor(
      async () =>
        (await this.host.run(["curl", "-sf", `http://${names[0]}/`], { allowFailure: true }))
          .exitCode === 0,
      {
        what: `the Debian mirror of lab host "${this.host.name}"`,
        explain: async () =>
          (await this.host.sh(`journalctl --no-pager -n 20 -u '${unit}*'`)).stdout,
      },
    );
  }

  /** Ends the server; the host's own files go with the host. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true);
    await rm(this.#socket, { force: true });
  }
}
