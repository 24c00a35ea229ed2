/**
 * A registry on 127.0.0.1 for the faults that a real one does not commit: only
 * what skopeo asks of it, and one fault at a time.
 */

import type { Descriptor, Layout } from "../lab/images/layout.ts";

export type Fault =
  | "none"
  | "needs-login"
  | "denied"
  | "too-many"
  | "server-error"
  | "truncated-blob"
  | "wrong-blob"
  | "wrong-manifest"
  /** The connection ends in the middle of a blob, every time. */
  | "cut-blob"
  /** A layer begins and never ends. */
  | "endless-blob";

export interface FakeRegistry {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** Paths asked for, in order. */
  readonly asked: string[];
  fault: Fault;
  stop(): void;
}

/** Serves the images of a layout by tag, and by digest. */
export function fakeRegistry(
  layout: Layout,
  tags: Readonly<Record<string, Descriptor>>,
  tls?: { key: string; cert: string },
): FakeRegistry {
  const asked: string[] = [];
  const answer = (code: number, name: string, headers = {}) =>
    Response.json(
      { errors: [{ code: name, message: name.toLowerCase() }] },
      { status: code, headers },
    );
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    ...(tls ? { tls } : {}),
    async fetch(request) {
      const { pathname } = new URL(request.url);
      asked.push(pathname);
      const [, kind, key = ""] = /\/(manifests|blobs)\/([^/]+)$/.exec(pathname) ?? [];
      switch (registry.fault) {
        case "needs-login":
          return answer(401, "UNAUTHORIZED", {
            "WWW-Authenticate": 'Basic realm="fake"',
          });
        case "denied":
          if (kind) return answer(403, "DENIED");
          break;
        case "too-many":
          if (kind) return answer(429, "TOOMANYREQUESTS");
          break;
        case "server-error":
          if (kind) return answer(500, "UNKNOWN");
          break;
      }
      if (kind === undefined) return Response.json({});
      const descriptor = tags[key];
      const digest = descriptor?.digest ?? key;
      const file = Bun.file(layout.blobPath(digest));
      if (!(await file.exists())) {
        return kind === "manifests" ? answer(404, "MANIFEST_UNKNOWN") : answer(404, "BLOB_UNKNOWN");
      }
      const bytes = await file.bytes();
      const json = isJson(bytes) ? (JSON.parse(Buffer.from(bytes).toString()) as object) : {};
      const type = "mediaType" in json ? String(json.mediaType) : "application/octet-stream";
      const isLayer = kind === "blobs" && !isJson(bytes);
      const headers = { "Content-Type": type, "Docker-Content-Digest": digest };
      return new Response(body(bytes, kind, isLayer, registry.fault), {
        headers,
      });
    },
  });
  const registry: FakeRegistry = {
    host: `127.0.0.1:${server.port}`,
    asked,
    fault: "none",
    stop: () => server.stop(true),
  };
  return registry;
}

function body(
  bytes: Uint8Array,
  kind: string,
  isLayer: boolean,
  fault: Fault,
): ConstructorParameters<typeof Response>[0] {
  if (isLayer && fault === "truncated-blob") return new Uint8Array(bytes.slice(0, -20));
  if (isLayer && fault === "wrong-blob") return new Uint8Array(bytes.map((byte) => byte ^ 1));
  if (kind === "manifests" && fault === "wrong-manifest") {
    return `${Buffer.from(bytes).toString()} `;
  }
  if (isLayer && fault === "cut-blob") {
    return new ReadableStream({
      pull(controller) {
        controller.enqueue(bytes.slice(0, 100));
        controller.error(new Error("cut"));
      },
    });
  }
  if (isLayer && fault === "endless-blob") {
    return new ReadableStream({
      start: (controller) => controller.enqueue(bytes.slice(0, 100)),
    });
  }
  return new Uint8Array(bytes);
}

function isJson(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7b;
}
