import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { MbctlError } from "../../lib/errors.ts";
import { makeSpawn } from "../../lib/host/spawn.ts";
import type { Digest } from "../../lib/image/digest.ts";
import { formatImageRef, parseImageRef } from "../../lib/image/reference.ts";
import { type OpenProxy, openProxy, ProxyBlobs } from "../../lib/registry/proxy_blobs.ts";
import { SkopeoProxy } from "../../lib/registry/skopeo_proxy.ts";
import type { Source } from "../../lib/registry/skopeo.ts";
import { type FakeRegistry, fakeRegistry } from "./_fake_registry.ts";
import { canFetch, failure, options, type Shapes, workshop, writeShapes } from "./_workshop.ts";

const { path } = workshop();
const spawn = makeSpawn();

/** Pipes and sockets that are open. */
const pipes = () =>
  readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return /^(pipe|socket):/.test(readlinkSync(`/proc/self/fd/${fd}`));
    } catch {
      return false;
    }
  }).length;

describe.skipIf(!canFetch)("a proxy", () => {
  let registry: FakeRegistry;
  let shapes: Shapes;
  let layers: readonly { digest: Digest; sizeBytes: number }[] = [];
  let source: Source;

  const sourceOf = (text: string): Source => {
    const ref = parseImageRef(text);
    return { ...options, ref, image: formatImageRef(ref) };
  };
  const read = async (chunks: AsyncIterable<Uint8Array>) => {
    const hash = new Bun.CryptoHasher("sha256");
    for await (const chunk of chunks) hash.update(chunk);
    return `sha256:${hash.digest("hex")}`;
  };
  const layer = (at: number) => {
    const found = layers[at];
    if (found === undefined) throw new Error("no such layer");
    return found;
  };
  /** The blobs of the image, by a proxy that is there already. */
  const blobs = async (): Promise<{ blobs: ProxyBlobs; first: OpenProxy }> => {
    const first = await openProxy(spawn, source);
    const { digest } = await first.proxy.readManifest(first.image);
    return { blobs: new ProxyBlobs(spawn, source, digest, first), first };
  };

  beforeAll(async () => {
    shapes = await writeShapes(path("layout"));
    registry = fakeRegistry(shapes.layout, shapes.tags);
    source = sourceOf(`${registry.host}/a/b:oci`);
    const { proxy, image } = await openProxy(spawn, source);
    const { bytes } = await proxy.readManifest(image);
    proxy[Symbol.dispose]();
    layers = JSON.parse(Buffer.from(bytes).toString()).layers.map(
      ({ digest, size }: { digest: Digest; size: number }) => ({ digest, sizeBytes: size }),
    );
  });
  afterAll(() => registry.stop());

  test("tells its version, and whether it applies policies", async () => {
    using proxy = await SkopeoProxy.start(spawn, ["skopeo", "experimental-image-proxy"]);
    expect(proxy.version).toMatch(/^0\.2\.[0-9]+$/);
    expect(proxy.hasPolicy).toBe(Number(proxy.version.slice(4)) >= 6);
  });

  test("streams several blobs at once, and others after them, without a second proxy", async () => {
    const { blobs: source, first } = await blobs();
    using _ = source;
    const streams = await Promise.all(layers.map((each) => source.open(each, 0)));
    const digests = await Promise.all(streams.map(({ chunks }) => read(chunks)));
    expect(digests).toEqual(layers.map(({ digest }) => String(digest)));
    expect(await read((await source.open(layer(1), 5000)).chunks)).toBe(layer(1).digest);
    expect(first.proxy.isOpen).toBe(true);
  });

  test("reads a configuration of more than one chunk", async () => {
    const first = await openProxy(spawn, source);
    // Any blob of that size does.
    const bytes = await first.proxy.readBlob(first.image, layer(0));
    first.proxy[Symbol.dispose]();
    const hash = new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
    expect([bytes.length > 256 * 1024, `sha256:${hash}`]).toEqual([true, layer(0).digest]);
  });

  test("leaves no descriptor open", async () => {
    const before = pipes();
    for (let round = 0; round < 5; round++) {
      const { blobs: source } = await blobs();
      await read((await source.open(layer(0), 0)).chunks);
      const { chunks } = await source.open(layer(1), 0);
      for await (const _ of chunks) break;
      source[Symbol.dispose]();
    }
    while (pipes() > before) await Bun.sleep(5);
  });

  test("tells of a blob that ends early, and goes on", async () => {
    const { blobs: source } = await blobs();
    using _ = source;
    registry.fault = "truncated-blob";
    const { chunks } = await source.open(layer(0), 0);
    const { kind, message, cause } = await failure(read(chunks));
    registry.fault = "none";
    expect([kind, message]).toEqual([
      "tool",
      `Cannot fetch image "${registry.host}/a/b:oci": skopeo failed`,
    ]);
    expect(cause).toMatch(/^(corrupted blob|expected [0-9]+ bytes in blob)/);
    expect(await read((await source.open(layer(0), 0)).chunks)).toBe(layer(0).digest);
  });

  test("gives up a blob that does not come, and the next one comes by another proxy", async () => {
    const { blobs: source, first } = await blobs();
    using _ = source;
    registry.fault = "endless-blob";
    const stop = new AbortController();
    const { chunks } = await source.open(layer(0), 0, stop.signal);
    let sizeBytes = 0;
    const reading = (async () => {
      for await (const chunk of chunks) sizeBytes += chunk.length;
    })();
    // It is asked whether the blob has ended, and has no answer.
    while (first.proxy.isIdle) await Bun.sleep(5);
    stop.abort(new MbctlError("tool", "it stalled"));
    expect(await failure(reading)).toMatchObject({ kind: "tool", message: "it stalled" });
    expect(sizeBytes).toBeGreaterThan(0);
    registry.fault = "none";
    expect(await read((await source.open(layer(0), 0)).chunks)).toBe(layer(0).digest);
  });

  test("ends every stream when the user stops us", async () => {
    const stop = new AbortController();
    const stopped = { ...source, signal: stop.signal };
    const first = await openProxy(spawn, stopped);
    using all = new ProxyBlobs(spawn, stopped, layer(0).digest, first);
    registry.fault = "endless-blob";
    const streams = await Promise.all([0, 1].map((at) => all.open(layer(at), 0)));
    const failures = streams.map(({ chunks }) => failure(read(chunks)));
    stop.abort();
    expect((await Promise.all(failures)).map(({ kind }) => kind)).toEqual([
      "interrupted",
      "interrupted",
    ]);
    registry.fault = "none";
    expect((await failure(openProxy(spawn, stopped))).kind).toBe("interrupted");
  });

  test("has its error told when it is killed", async () => {
    const { blobs: all, first } = await blobs();
    registry.fault = "endless-blob";
    const { chunks } = await all.open(layer(0), 0);
    const told = failure(read(chunks));
    first.proxy[Symbol.dispose]();
    expect((await told).message).toBe(
      `Cannot fetch image "${registry.host}/a/b:oci": skopeo failed`,
    );
    registry.fault = "none";
    // Another one takes its place.
    expect(await read((await all.open(layer(0), 0)).chunks)).toBe(layer(0).digest);
    all[Symbol.dispose]();
  });

  test("refuses to go on with a tag that names another image by now", async () => {
    const { blobs: all, first } = await blobs();
    first.proxy[Symbol.dispose]();
    const { oci, zstd } = shapes.tags;
    const tags: Record<string, unknown> = shapes.tags;
    tags.oci = zstd;
    const { kind, message } = await failure(all.open(layer(0), 0));
    tags.oci = oci;
    all[Symbol.dispose]();
    expect([kind, message]).toEqual([
      "failed",
      `Cannot use image "${registry.host}/a/b:oci": it changed while it was read`,
    ]);
  });
});

describe("a skopeo that is another program", () => {
  const scripts: Readonly<Record<string, string>> = {
    silent: "exec sleep 1000",
    gone: 'echo "unknown command" >&2; exit 1',
  };
  const start = async (name: string, signal?: AbortSignal) => {
    mkdirSync(path("bin"), { recursive: true });
    const program = path(`bin/${name}`);
    writeFileSync(program, `#!/bin/sh\n${scripts[name]}\n`);
    chmodSync(program, 0o755);
    return await SkopeoProxy.start(spawn, [program], signal);
  };

  test("is not waited for when the user stops us", async () => {
    const stop = new AbortController();
    const starting = failure(start("silent", stop.signal));
    stop.abort();
    expect((await starting).kind).toBe("interrupted");
  });

  test("has its last words told when it ends", async () => {
    const { kind, cause } = await failure(start("gone"));
    expect([kind, cause]).toEqual(["tool", "unknown command"]);
  });
});
