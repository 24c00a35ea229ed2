/**
 * A registry that commits faults: raw HTTP/1.1 on a port of 127.0.0.1, in front of
 * a real registry. Everything is passed on, but for the answers to requests for blobs, which a
 * fault may spoil, and for the login that it may ask for.
 */

import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { RegistryBehind } from "./_registry_behind.ts";

/** A request, as it came in. Header names are in lower case. */
export interface Seen {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A request for a blob, with the answer of the real registry. */
export interface Exchange {
  readonly request: Seen;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly socket: Socket;
  /** Sends an answer whole; the connection stays open for more unless a header says otherwise. */
  answer(status: number, headers?: Readonly<Record<string, string>>, body?: Uint8Array): void;
  /** Sends the head of an answer alone. */
  head(status: number, headers: Readonly<Record<string, string>>): void;
}

/** Answers in the place of the registry. */
export type Fault = (exchange: Exchange) => void | Promise<void>;

export interface FaultyRegistry {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** All requests since the last {@linkcode fail}. */
  readonly seen: Seen[];
  /** The next requests for blobs meet a fault each, then all is well; `"for ever"` repeats the last one. */
  fail(faults: readonly Fault[], times?: "once" | "for ever"): void;
  /** Asked before every request: an answer of its own, or undefined to go on. */
  guard:
    | ((
        request: Seen,
      ) => { status: number; headers: Record<string, string>; body?: string } | undefined)
    | undefined;
  stop(): void;
}

/** Starts it. */
export async function startFaultyRegistry(
  behind: RegistryBehind,
  tls?: { key: string; cert: string },
): Promise<FaultyRegistry> {
  const sockets = new Set<Socket>();
  const seen: Seen[] = [];
  let faults: Fault[] = [];
  let repeats = false;

  const registry: FaultyRegistry = {
    host: "",
    seen,
    guard: undefined,
    fail(next, times = "once") {
      faults = [...next];
      repeats = times === "for ever";
      seen.length = 0;
    },
    stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };

  async function serve(socket: Socket, request: Seen): Promise<void> {
    seen.push(request);
    const send = (status: number, headers: Readonly<Record<string, string>>, body?: Uint8Array) => {
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(`HTTP/1.1 ${status} Said\r\n${lines.join("")}\r\n`);
      if (body !== undefined && body.length > 0) socket.write(body);
    };
    const answer: Exchange["answer"] = (status, headers = {}, body = new Uint8Array()) =>
      send(status, { ...headers, "Content-Length": String(body.length) }, body);
    const guarded = registry.guard?.(request);
    if (guarded !== undefined) {
      return answer(guarded.status, guarded.headers, Buffer.from(guarded.body ?? "{}"));
    }
    const { method, path } = request;
    const passed = ["range", "accept"].flatMap((name) => {
      const value = request.headers[name];
      return value === undefined ? [] : [[name, value] as [string, string]];
    });
    const response = await behind.ask(path, { method, headers: passed });
    const headers: Record<string, string> = {};
    for (const [name, value] of response.headers) {
      if (!/^(content-length|date|connection|transfer-encoding)$/i.test(name))
        headers[name] = value;
    }
    const exchange: Exchange = {
      ...{ request, status: response.status, headers, socket, answer },
      body: await response.bytes(),
      head: (status, more) => send(status, more),
    };
    const isLayer = method === "GET" && path.includes("/blobs/") && exchange.body[0] !== 0x7b;
    const fault = isLayer
      ? repeats && faults.length === 1
        ? faults[0]
        : faults.shift()
      : undefined;
    await (fault ?? asItIs)(exchange);
  }

  const server: Server = (tls === undefined ? createServer : createTlsServer.bind(undefined, tls))(
    (socket: Socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => sockets.delete(socket));
      let text = "";
      let queue = Promise.resolve();
      socket.on("data", (data) => {
        // Somebody tries TLS: servers of plain HTTP close the connection.
        if (data[0] === 0x16) return void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
        text += data.toString("latin1");
        // Requests for blobs and tokens have no body.
        for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n")) {
          const request = parseRequest(text.slice(0, end));
          text = text.slice(end + 4);
          queue = queue.then(() => serve(socket, request)).catch(() => void socket.destroy());
        }
      });
    },
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return Object.assign(registry, { host: `127.0.0.1:${address.port}` });
}

function parseRequest(head: string): Seen {
  const [first = "", ...lines] = head.split("\r\n");
  const [method = "", path = ""] = first.split(" ");
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  return { method, path, headers };
}

/** No fault at all. */
export const asItIs: Fault = ({ status, headers, body, answer }) => answer(status, headers, body);

const part = (body: Uint8Array, fraction: number) =>
  body.subarray(0, Math.floor(body.length * fraction));
const withLength = (exchange: Exchange, more: Record<string, string> = {}) => ({
  ...exchange.headers,
  "Content-Length": String(exchange.body.length),
  ...more,
});

/** Sends a part, then does something else to the connection. */
function after(fraction: number, then: (socket: Socket) => void): Fault {
  return (exchange) => {
    exchange.head(exchange.status, withLength(exchange));
    const bytes = part(exchange.body, fraction);
    if (bytes.length === 0) then(exchange.socket);
    else exchange.socket.write(bytes, () => then(exchange.socket));
  };
}

/** The connection is reset after a part of the blob. */
export const resetAfter = (fraction: number): Fault =>
  after(fraction, (socket) => void socket.resetAndDestroy());
/** The connection ends in good order after a part of what was promised. */
export const endAfter = (fraction: number): Fault => after(fraction, (socket) => void socket.end());
/** Nothing more comes after a part of the blob. */
export const stallAfter = (fraction: number): Fault => after(fraction, () => {});
/** The connection is reset before the answer. */
export const reset: Fault = ({ socket }) => void socket.resetAndDestroy();
/** There is no answer at all. */
export const silence: Fault = () => {};

/** A shorter blob, and its length is that of what comes. */
export const shorter: Fault = ({ status, headers, body, answer }) =>
  answer(status, headers, part(body, 0.5));
/** A shorter blob with no length: it ends where the connection ends. */
export const shorterUnsaid: Fault = ({ status, headers, body, head, socket }) => {
  head(status, { ...headers, Connection: "close" });
  socket.end(part(body, 0.5));
};
/** More bytes than there are, and the length says so. */
export const longer: Fault = ({ status, headers, body, answer }) =>
  answer(status, headers, Buffer.concat([body, Buffer.from("more")]));
/** More bytes than there are, in chunks without a length. */
export const longerUnsaid: Fault = ({ status, headers, body, head, socket }) => {
  head(status, { ...headers, "Transfer-Encoding": "chunked" });
  for (const bytes of [body, Buffer.from("more")]) {
    socket.write(`${bytes.length.toString(16)}\r\n`);
    socket.write(bytes);
    socket.write("\r\n");
  }
  socket.write("0\r\n\r\n");
};
/** The right number of bytes, one of them wrong. */
export const wrongBytes: Fault = ({ status, headers, body, answer }) => {
  const wrong = new Uint8Array(body);
  const middle = wrong.length >> 1;
  wrong[middle] = (wrong[middle] ?? 0) ^ 1;
  answer(status, headers, wrong);
};
/** An answer without the blob. */
export const status =
  (code: number, headers: Readonly<Record<string, string>> = {}): Fault =>
  ({ answer }) =>
    answer(code, headers, Buffer.from("{}"));
/** Sends elsewhere. */
export const redirectTo =
  (location: string | ((exchange: Exchange) => string), code = 307): Fault =>
  (exchange) =>
    exchange.answer(code, {
      Location: typeof location === "string" ? location : location(exchange),
    });
/** The whole blob, whatever range was asked for. */
export const wholeOf =
  (blob: Uint8Array): Fault =>
  ({ headers, answer }) => {
    const { "content-range": _, ...others } = headers;
    answer(200, others, blob);
  };
/** Another part of the blob than was asked for. */
export const partOf =
  (blob: Uint8Array, begin: number): Fault =>
  ({ headers, answer }) =>
    answer(
      206,
      { ...headers, "content-range": `bytes ${begin}-${blob.length - 1}/${blob.length}` },
      blob.subarray(begin),
    );
/** Some bytes, a pause, some bytes, a pause. */
export const trickle =
  (bytes: number, pauseMs: number): Fault =>
  async (exchange) => {
    const { body, socket } = exchange;
    exchange.head(exchange.status, withLength(exchange));
    for (let at = 0; at < body.length && !socket.destroyed; at += bytes) {
      socket.write(body.subarray(at, at + bytes));
      await Bun.sleep(pauseMs);
    }
  };
