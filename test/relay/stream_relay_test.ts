import { describe, expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { connect, createServer, type Server, type Socket } from "node:net";
import { waitFor } from "../lab/wait_for.ts";
import { startRelay } from "./_relay.ts";

const timeoutMs = 30_000;

/** A server on 127.0.0.1 for one test. */
async function serve(
  onConnection: (socket: Socket) => void,
): Promise<AsyncDisposable & { readonly port: number; readonly server: Server }> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    port,
    server,
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

/** Says something, ends its side, and returns all that comes back. */
async function ask(port: number, said: string | Uint8Array): Promise<Buffer> {
  return await new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const socket = connect({ host: "::1", port, allowHalfOpen: true });
    socket.on("connect", () => socket.end(said));
    socket.on("data", (part) => parts.push(part as Buffer));
    socket.on("end", () => resolve(Buffer.concat(parts)));
    socket.on("error", reject);
  });
}

describe("the relay of connections", () => {
  test(
    "an app that answers when its client has said all gets the end, and the client the answer",
    async () => {
      await using app = await serve((socket) => {
        const hash = createHash("sha256");
        socket.on("data", (part) => hash.update(part as Buffer));
        socket.on("end", () => socket.end(hash.digest("hex")));
      });
      await using relay = startRelay(app.port);
      const said = randomBytes(20_000_000);
      const answer = await ask(relay.port, said);
      expect(answer.toString()).toBe(createHash("sha256").update(said).digest("hex"));
    },
    timeoutMs,
  );

  test(
    "what the app sends arrives whole, also after the client has ended its side",
    async () => {
      const said = randomBytes(20_000_000);
      await using app = await serve((socket) => {
        socket.resume();
        socket.on("end", () => socket.end(said));
      });
      await using relay = startRelay(app.port);
      const answer = await ask(relay.port, "give");
      expect(answer.equals(said)).toBe(true);
    },
    timeoutMs,
  );

  test(
    "bytes go both ways at once",
    async () => {
      await using app = await serve((socket) => socket.pipe(socket));
      await using relay = startRelay(app.port);
      const said = randomBytes(20_000_000);
      expect((await ask(relay.port, said)).equals(said)).toBe(true);
    },
    timeoutMs,
  );

  test(
    "a client that does not read holds the app up; what waits is in pipes and sockets alone",
    async () => {
      let written = 0;
      await using app = await serve((socket) => {
        const more = () => {
          while (written < 200_000_000 && socket.write(Buffer.alloc(65_536))) written += 65_536;
        };
        socket.on("drain", more);
        more();
      });
      await using relay = startRelay(app.port);
      const client = connect({ host: "::1", port: relay.port });
      client.pause();
      await new Promise((resolve) => client.on("connect", resolve));
      let before = -1;
      await waitFor(
        () => {
          const isStill = written > 0 && written === before;
          before = written;
          return isStill;
        },
        { intervalMs: 500, what: "the app to be held up" },
      );
      expect(written).toBeLessThan(60_000_000);
      client.destroy();
    },
    timeoutMs,
  );

  test(
    "a refused connection is reset, not ended: it would read like an empty answer",
    async () => {
      const app = await serve(() => {});
      await app[Symbol.asyncDispose]();
      await using relay = startRelay(app.port);
      // One who only listens: bytes that nobody has read would make any end a reset.
      const end = await new Promise((resolve) => {
        const socket = connect({ host: "::1", port: relay.port });
        socket.on("error", ({ message }) => resolve(message));
        socket.on("end", () => resolve("ended"));
        socket.resume();
      });
      expect(end).toMatch(/ECONNRESET/);
    },
    timeoutMs,
  );

  test(
    "2,000 connections at a time all get their answer, and leave no descriptor behind",
    async () => {
      let open = 0;
      const waiting: Socket[] = [];
      await using app = await serve((socket) => {
        open++;
        waiting.push(socket);
        if (open === 2000) for (const [index, one] of waiting.entries()) one.end(`${index}`);
      });
      await using relay = startRelay(app.port);
      const before = await waitFor(() => relay.descriptors(), { what: "it" });
      const answers = await Promise.all(Array.from({ length: 2000 }, () => ask(relay.port, "x")));
      expect(new Set(answers.map(String)).size).toBe(2000);
      const kept = 2 * 64 + before + 10;
      await waitFor(async () => (await relay.descriptors()) <= kept, {
        what: "the descriptors to be closed",
      });
    },
    timeoutMs,
  );

  test(
    "beyond the limit clients wait in the queue until others have gone",
    async () => {
      const sockets: Socket[] = [];
      await using app = await serve((socket) => void sockets.push(socket));
      await using relay = startRelay(app.port, { clientLimit: 2 });
      const answers = [1, 2, 3].map(() => ask(relay.port, "x"));
      const reached = (count: number) => async () => sockets.length >= count;
      await waitFor(reached(2), { what: "two of them" });
      await Bun.sleep(100);
      expect(sockets.length).toBe(2);
      sockets[0]?.end("first");
      await waitFor(reached(3), { what: "the third" });
      for (const socket of sockets.slice(1)) socket.end("other");
      expect((await Promise.all(answers)).map(String).sort()).toEqual(["first", "other", "other"]);
    },
    timeoutMs,
  );

  test(
    "with PROXY the app is told the client's address and port, and where it went",
    async () => {
      await using app = await serve((socket) => socket.pipe(socket));
      await using relay = startRelay(app.port, { isProxied: true });
      const answer = await new Promise<{ data: Buffer; port: number }>((resolve) => {
        const socket = connect({ host: "::1", port: relay.port });
        const parts: Buffer[] = [];
        socket.on("connect", () => socket.end("hello"));
        const port = new Promise<number>((known) =>
          socket.on("connect", () => known(socket.localPort ?? 0)),
        );
        socket.on("data", (part) => parts.push(part as Buffer));
        socket.on("end", async () => resolve({ data: Buffer.concat(parts), port: await port }));
      });
      const loopback = `${"0".repeat(31)}1`;
      const hex = (port: number) => port.toString(16).padStart(4, "0");
      expect(answer.data.subarray(0, 52).toString("hex")).toBe(
        `0d0a0d0a000d0a515549540a21210024${loopback}${loopback}${hex(answer.port)}${hex(relay.port)}`,
      );
      expect(answer.data.subarray(52).toString()).toBe("hello");
    },
    timeoutMs,
  );

  test(
    "it ends when nobody came for a while",
    async () => {
      await using app = await serve((socket) => socket.end("hi"));
      await using relay = startRelay(app.port, { exitIdleMs: 500 });
      expect((await ask(relay.port, "")).toString()).toBe("hi");
      expect(await relay.process.exited).toBe(0);
    },
    timeoutMs,
  );
});
