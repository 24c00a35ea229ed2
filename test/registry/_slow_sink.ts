/**
 * A program: fetches 1 GiB over HTTP into a sink that is slower than the server. Prints how much its own
 * memory grew, and how far the server, another process, was ahead.
 */

import { parseImageRef, type RegistryRef } from "../../lib/image/reference.ts";
import type { Digest } from "../../lib/image/digest.ts";
import { downloadBlob } from "../../lib/registry/download_blob.ts";
import { httpBlobs } from "../../lib/registry/http_blobs.ts";

const sizeBytes = 1 << 30;
const bytesPerMs = 400_000;

if (process.argv[2] === "serve") {
  const zeros = new Uint8Array(1 << 20);
  let sent = 0;
  const server = Bun.listen<{ left: number }>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        socket.data = { left: 0 };
      },
      data(socket, data) {
        // Somebody tries TLS.
        if (data[0] === 0x16) return void socket.end();
        const isBlob = data.toString("latin1").includes("/blobs/");
        const length = isBlob ? sizeBytes : 0;
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`);
        socket.data.left = length;
        push(socket);
      },
      drain: push,
    },
  });
  function push(socket: Bun.Socket<{ left: number }>) {
    while (socket.data.left > 0) {
      const count = socket.write(zeros.subarray(0, Math.min(zeros.length, socket.data.left)));
      if (count <= 0) return;
      socket.data.left -= count;
      sent += count;
    }
  }
  process.on("message", () => process.send?.({ sent }));
  // The other process is gone, however it ended.
  process.on("disconnect", () => process.exit());
  process.send?.({ port: server.port });
} else {
  const { promise: ready, resolve } = Promise.withResolvers<number>();
  let done = 0;
  let aheadBytes = 0;
  const server = Bun.spawn([process.execPath, import.meta.path, "serve"], {
    stdio: ["ignore", "inherit", "inherit"],
    ipc(message: { port?: number; sent?: number }) {
      if (message.port !== undefined) resolve(message.port);
      if (message.sent !== undefined) aheadBytes = Math.max(aheadBytes, message.sent - done);
    },
  });
  const zeros = new Uint8Array(1 << 20);
  const expected = new Bun.CryptoHasher("sha256");
  for (let at = 0; at < sizeBytes; at += zeros.length) expected.update(zeros);
  const digest = `sha256:${expected.digest("hex")}` as Digest;

  const ref = parseImageRef(`127.0.0.1:${await ready}/x`) as RegistryRef;
  const plain = { account: undefined, tlsVerify: false, authorities: undefined };
  const hash = new Bun.CryptoHasher("sha256");
  const start = process.memoryUsage.rss();
  let peak = start;
  let owedMs = 0;
  const sink = {
    path: "",
    sizeBytes: 0,
    append(chunk: Uint8Array) {
      hash.update(chunk);
      done = this.sizeBytes += chunk.length;
      peak = Math.max(peak, process.memoryUsage.rss());
      owedMs += chunk.length / bytesPerMs;
      if (owedMs < 10) return;
      // As a write to a slow disk: the whole process waits.
      Bun.sleepSync(owedMs);
      owedMs = 0;
      server.send("sent?");
    },
    restart() {
      throw new Error("there is nothing to begin anew");
    },
  };
  await downloadBlob(httpBlobs(ref, plain), { digest, sizeBytes }, sink);
  const found = `sha256:${hash.digest("hex")}`;
  server.disconnect();
  console.log(JSON.stringify({ digest, found, grownBytes: peak - start, aheadBytes }));
}
