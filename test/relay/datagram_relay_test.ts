import { describe, expect, test } from "bun:test";
import { createSocket, type Socket } from "node:dgram";
import { waitFor } from "../lab/wait_for.ts";
import { startRelay } from "./_relay.ts";

const timeoutMs = 20_000;

/** A bound socket, closed at the end of a test. */
async function bind(
  address: string,
  port = 0,
): Promise<AsyncDisposable & { readonly socket: Socket; readonly port: number }> {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  await new Promise<void>((resolve) => socket.bind(port, address, resolve));
  return {
    socket,
    port: socket.address().port,
    async [Symbol.asyncDispose]() {
      socket.close();
    },
  };
}

/** An app that echoes, with the port that it saw in front. */
async function echo() {
  const app = await bind("127.0.0.1");
  app.socket.on("message", (message, { port, address }) =>
    app.socket.send(Buffer.concat([Buffer.from(`${port}:`), message]), port, address),
  );
  return app;
}

/** Sends a datagram and returns what comes back, asking again while nothing does. */
async function ask(
  client: Socket,
  port: number,
  said: string | Buffer,
  address = "::1",
): Promise<{ readonly text: string; readonly from: string }> {
  let answer: { text: string; from: string } | undefined;
  client.once("message", (message, { address: from }) => {
    answer = { text: message.toString("latin1"), from };
  });
  let last = 0;
  return await waitFor(
    () => {
      if (performance.now() - last > 500) {
        client.send(said, port, address);
        last = performance.now();
      }
      return answer;
    },
    { intervalMs: 5, what: "an answer" },
  );
}

describe("the relay of datagrams", () => {
  test(
    "each client gets its own answers, and keeps its socket towards the app",
    async () => {
      await using app = await echo();
      await using relay = startRelay(app.port, { protocol: "udp" });
      await using one = await bind("::1");
      await using two = await bind("::1");
      const first = await ask(one.socket, relay.port, "first");
      const other = await ask(two.socket, relay.port, "other");
      const again = await ask(one.socket, relay.port, "again");
      const [onePort, said] = first.text.split(":");
      expect(said).toBe("first");
      expect(other.text.split(":")[1]).toBe("other");
      expect(other.text.split(":")[0]).not.toBe(onePort);
      expect(again.text).toBe(`${onePort}:again`);
    },
    timeoutMs,
  );

  test(
    "the longest datagram passes, and an empty one",
    async () => {
      await using app = await echo();
      await using relay = startRelay(app.port, { protocol: "udp" });
      await using client = await bind("::1");
      const longest = Buffer.alloc(65_000, "x");
      const answer = await ask(client.socket, relay.port, longest);
      expect(answer.text.split(":")[1]).toBe(longest.toString());
      expect((await ask(client.socket, relay.port, "")).text).toMatch(/^\d+:$/);
    },
    timeoutMs,
  );

  test(
    "the answer comes from the address that was asked, IPv4 on an IPv6 socket too",
    async () => {
      await using app = await echo();
      await using relay = startRelay(app.port, { protocol: "udp" }, "::");
      await using client = await bind("0.0.0.0");
      for (const address of ["127.0.0.1", "127.5.6.7"]) {
        expect((await ask(client.socket, relay.port, "who", address)).from).toBe(address);
      }
    },
    timeoutMs,
  );

  test(
    "with PROXY each datagram says where it comes from and where it went",
    async () => {
      await using app = await echo();
      await using relay = startRelay(app.port, { protocol: "udp", isProxied: true });
      await using client = await bind("::1");
      for (const said of ["one", "two"]) {
        const { text } = await ask(client.socket, relay.port, said);
        const message = Buffer.from(text.slice(text.indexOf(":") + 1), "latin1");
        const loopback = `${"0".repeat(31)}1`;
        const hex = (port: number) => port.toString(16).padStart(4, "0");
        expect(message.subarray(0, 52).toString("hex")).toBe(
          `0d0a0d0a000d0a515549540a21220024${loopback}${loopback}${hex(client.port)}${hex(relay.port)}`,
        );
        expect(message.subarray(52).toString()).toBe(said);
      }
    },
    timeoutMs,
  );

  test(
    "silent clients are forgotten, and the quietest where there are too many",
    async () => {
      await using app = await echo();
      await using relay = startRelay(app.port, { protocol: "udp", idleMs: 1500, clientLimit: 3 });
      const ports = new Map<string, string>();
      const clients = await Promise.all(["a", "b", "c", "d"].map(() => bind("::1")));
      const askAs = async (index: number) =>
        (await ask(clients[index]?.socket as Socket, relay.port, "x")).text;
      await askAs(0);
      const before = (await relay.descriptors()) - 1;
      for (const index of [0, 1, 2]) ports.set(`${index}`, await askAs(index));
      expect(await askAs(0)).toBe(ports.get("0") ?? "");
      // The fourth takes the place of the one that was silent for longest.
      await askAs(3);
      expect(await askAs(0)).toBe(ports.get("0") ?? "");
      expect(await askAs(2)).toBe(ports.get("2") ?? "");
      expect(await askAs(1)).not.toBe(ports.get("1") ?? "");
      await waitFor(async () => (await relay.descriptors()) === before, {
        what: "all of them to be forgotten",
      });
      for (const client of clients) await client[Symbol.asyncDispose]();
    },
    timeoutMs,
  );

  test(
    "an app that comes late, or again, is reached by the clients that were there before",
    async () => {
      const placeholder = await bind("127.0.0.1");
      const { port } = placeholder;
      await placeholder[Symbol.asyncDispose]();
      await using relay = startRelay(port, { protocol: "udp" });
      await using client = await bind("::1");
      const answer = ask(client.socket, relay.port, "late");
      await Bun.sleep(100);
      await using app = await bind("127.0.0.1", port);
      app.socket.on("message", (_, { port, address }) => app.socket.send("here", port, address));
      expect((await answer).text).toBe("here");
    },
    timeoutMs,
  );
});
