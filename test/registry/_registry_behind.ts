/**
 * A real registry (Debian's docker-registry) that listens on a socket in a folder:
 * it stands behind the faulty one, and no port is used.
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Digest, digestOf } from "../../lib/image/digest.ts";
import { waitFor } from "../lab/wait_for.ts";

/** Whether the real registry is installed. */
export const canServe = Bun.which("docker-registry") !== null;

export interface RegistryBehind {
  /** Asks it something: `/v2/…`. */
  ask(path: string, init?: RequestInit): Promise<Response>;
  /** Stores a blob. */
  putBlob(repository: string, bytes: Uint8Array): Promise<Digest>;
  /** Stores an image of these layers under the tag `latest`. */
  putImage(repository: string, layers: readonly Uint8Array[]): Promise<Digest[]>;
  stop(): Promise<void>;
}

/** Starts it. It dies with this process. */
export async function startRegistryBehind(dir: string): Promise<RegistryBehind> {
  mkdirSync(dir, { recursive: true });
  const socket = join(dir, "socket");
  const config = join(dir, "registry.yml");
  writeFileSync(
    config,
    JSON.stringify({
      version: 0.1,
      log: { level: "error", accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: join(dir, "data") } },
      http: { addr: socket, net: "unix" },
    }),
  );
  const child = Bun.spawn(["setpriv", "--pdeathsig=KILL", "docker-registry", "serve", config], {
    stdio: ["ignore", "ignore", "ignore"],
  });
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`http://registry${path}`, { ...init, unix: socket });
  await waitFor(async () => (await ask("/v2/")).ok, {
    what: "docker-registry",
    intervalMs: 10,
  });

  async function putBlob(repository: string, bytes: Uint8Array): Promise<Digest> {
    const digest = digestOf(bytes);
    const begun = await ask(`/v2/${repository}/blobs/uploads/`, { method: "POST" });
    const { pathname, searchParams } = new URL(begun.headers.get("Location") ?? "");
    searchParams.set("digest", digest);
    const stored = await ask(`${pathname}?${searchParams}`, {
      method: "PUT",
      body: new Uint8Array(bytes),
      headers: { "Content-Type": "application/octet-stream" },
    });
    if (stored.status !== 201) throw new Error(`the blob was not stored: ${stored.status}`);
    return digest;
  }

  return {
    ask,
    putBlob,
    async putImage(repository, layers) {
      const config = Buffer.from(
        JSON.stringify({
          architecture: "amd64",
          os: "linux",
          config: {},
          rootfs: { type: "layers", diff_ids: layers.map((layer) => digestOf(layer)) },
        }),
      );
      const digests = await Promise.all(
        [config, ...layers].map((bytes) => putBlob(repository, bytes)),
      );
      const [first, ...rest] = digests;
      const type = "application/vnd.oci.image";
      const manifest = {
        schemaVersion: 2,
        mediaType: `${type}.manifest.v1+json`,
        config: { mediaType: `${type}.config.v1+json`, digest: first, size: config.length },
        layers: rest.map((digest, at) => ({
          mediaType: `${type}.layer.v1.tar`,
          digest,
          size: layers[at]?.length,
        })),
      };
      const stored = await ask(`/v2/${repository}/manifests/latest`, {
        method: "PUT",
        body: JSON.stringify(manifest),
        headers: { "Content-Type": manifest.mediaType },
      });
      if (stored.status !== 201)
        throw new Error(`the image was not stored: ${await stored.text()}`);
      return rest;
    },
    async stop() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}
