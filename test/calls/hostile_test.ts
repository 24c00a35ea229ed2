/** Clients that do not keep to the protocol: each is told why, and nothing of it stays. */

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, openSync, readdirSync, readlinkSync } from "node:fs";
import { encodeFrame, requestLimit } from "../../lib/calls/frame.ts";
import { messageDescriptors } from "../../lib/host/libc_unix.ts";
import { waitFor } from "../lab/wait_for.ts";
import { type RawClient, TestConnector } from "./_connector.ts";

setDefaultTimeout(20_000);

const stdio = [0, 1, 2];

function request(argv: readonly unknown[]): Uint8Array {
  return encodeFrame({ argv });
}

function header(length: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
}

/** Waits until the server has no descriptor more than before, and no command runs. */
async function nothingLeft(connector: TestConnector, descriptors: number): Promise<void> {
  await waitFor(() => connector.groups().length === 0 && connector.descriptors() === descriptors, {
    intervalMs: 10,
    what: "the end of all that was started",
    explain: () => `${connector.descriptors()} of ${descriptors}: ${links(connector.pid)}`,
  });
}

function links(pid: number): string {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder)
    .map((name) => readlinkSync(`${folder}/${name}`))
    .join(" ");
}

/** Connects `count` times, one after the other, and does something each time. */
async function repeatedly(
  connector: TestConnector,
  count: number,
  act: (client: RawClient, index: number) => unknown,
): Promise<void> {
  for (let index = 0; index < count; index++) {
    using client = connector.connect();
    await act(client, index);
  }
}

describe("a request", () => {
  test.each<[what: string, send: (client: RawClient) => unknown, exitCode: number, error: string]>([
    [
      "that is no JSON",
      (client) => client.send(Buffer.concat([header(3), Buffer.from("psq")]), stdio),
      125,
      "Cannot read a frame: it is no JSON in UTF-8",
    ],
    [
      "that is longer than the limit",
      (client) => client.send(header(requestLimit + 1), stdio),
      125,
      "Cannot read a frame of 1048577 bytes: the limit is 1048576",
    ],
    [
      "without descriptors",
      (client) => client.send(request(["run"])),
      125,
      "Cannot run a command with 0 descriptors: three it takes",
    ],
    [
      "with two descriptors",
      (client) => client.send(request(["run"]), [0, 1]),
      125,
      "Cannot run a command with 2 descriptors: three it takes",
    ],
    [
      "with four descriptors",
      (client) => client.send(request(["run"]), [0, 1, 2, 2]),
      125,
      "Cannot take more than 3 descriptors",
    ],
    [
      "with a second message of descriptors",
      (client) => [
        client.send(request(["run"]).subarray(0, 5), stdio),
        client.send(request(["run"]).subarray(5), stdio),
      ],
      125,
      "Cannot take more than 3 descriptors",
    ],
    [
      "with a word that is none",
      (client) => client.send(request(["run", 1]), stdio),
      125,
      "Cannot read the request: argv is no list of strings",
    ],
    [
      "with a NUL",
      (client) => client.send(request(["run", "a\0b"]), stdio),
      126,
      "Cannot run the command with its word 1: it holds a NUL",
    ],
    [
      "with a variable",
      (client) => client.send(encodeFrame({ argv: ["run"], env: { LD_PRELOAD: "x" } }), stdio),
      125,
      'Cannot read the request: there is no "env" in it',
    ],
    [
      "for what is not lent",
      (client) => client.send(request(["../run"]), stdio),
      127,
      'Cannot run "../run": it is not lent\nhint: mbctl connector list',
    ],
  ])("%s is answered", async (_, send, exitCode, error) => {
    await using connector = await new TestConnector().serve();
    const before = connector.descriptors();
    using client = connector.connect();
    send(client);
    expect(await client.answer()).toEqual({ exit_code: exitCode, error });
    await nothingLeft(connector, before);
  });

  test("that holds a folder is refused: it would lead to all of the client's files", async () => {
    await using connector = await new TestConnector().serve();
    using client = connector.connect();
    const folder = openSync("/", "r");
    client.send(request(["run", "/bin/true"]), [folder, 1, 2]);
    closeSync(folder);
    expect(await client.answer()).toEqual({
      exit_code: 126,
      error: "Cannot run the command: descriptor 0 is no file or stream",
    });
  });

  test("as long as it may be, in pieces of one byte and of many, is carried out", async () => {
    await using connector = await new TestConnector().serve();
    const words = [
      "run",
      "/bin/sh",
      "-c",
      "exit $#",
      "sh",
      ...Array.from({ length: 99 }, () => "x".repeat(9000)),
    ];
    const bytes = request(words);
    using client = connector.connect();
    expect(client.send(bytes.subarray(0, 1), stdio)).toBe(1);
    for (let sent = 1; sent < bytes.length;) {
      const length = client.send(bytes.subarray(sent, sent + (sent < 300 ? 1 : 50_000)));
      if (length > 0) sent += length;
      else await Bun.sleep(1);
    }
    expect(await client.answer()).toEqual({ exit_code: 99 });
  });

  test("that does not come is waited for no longer than the limit", async () => {
    await using connector = await new TestConnector().serve({ requestMs: 100 });
    const before = connector.descriptors();
    for (const part of [new Uint8Array(), request(["run"]).subarray(0, 6)]) {
      using client = connector.connect();
      if (part.length > 0) client.send(part, stdio);
      expect(await client.answer()).toEqual({
        exit_code: 125,
        error: "Cannot read the request: it did not come within 0.1 s",
      });
    }
    await nothingLeft(connector, before);
  });

  test("of whom the connector is not for is not even read", async () => {
    await using connector = await new TestConnector().serve({ isClosed: true });
    const before = connector.descriptors();
    using client = connector.connect();
    client.send(header(requestLimit + 1), stdio);
    expect(await client.answer()).toEqual({
      exit_code: 125,
      error: "Cannot use this connector: it is not given to whoever connected",
    });
    await nothingLeft(connector, before);
  });
});

describe("behind its request, a client", () => {
  test.each<[what: string, send: (client: RawClient) => unknown, error: string]>([
    [
      "says nonsense",
      (client) => client.send(header(0xffffffff)),
      "Cannot read a frame of 4294967295 bytes: the limit is 16384",
    ],
    [
      "asks again",
      (client) => client.send(request(["run"])),
      'Cannot read a control frame: there is no "argv" in it',
    ],
    [
      "asks for SIGKILL",
      (client) => client.send(encodeFrame({ signal: "SIGKILL" })),
      'Cannot pass on the signal "SIGKILL"',
    ],
    [
      "hands over more",
      (client) => client.send(encodeFrame({ signal: "SIGCONT" }), stdio),
      "Cannot take more than 3 descriptors",
    ],
  ])("that %s is told, and its command ends", async (_, send, error) => {
    await using connector = await new TestConnector().serve();
    const before = connector.descriptors();
    using client = connector.connect();
    client.send(request(["run", "/bin/sleep", "60"]), stdio);
    await waitFor(() => connector.processes().length === 1, {
      intervalMs: 5,
      what: "it",
    });
    send(client);
    expect(await client.answer()).toEqual({ exit_code: 125, error });
    await nothingLeft(connector, before);
  });

  test("may say ten thousand things at once", async () => {
    await using connector = await new TestConnector().serve();
    using client = connector.connect();
    client.send(
      request(["run", "/bin/sh", "-c", "trap 'exit 3' USR1; while :; do sleep 0.01; done"]),
      stdio,
    );
    await waitFor(() => connector.processes().length === 2, {
      intervalMs: 5,
      what: "it",
    });
    const frames = Buffer.concat([
      ...Array.from({ length: 10_000 }, (_, rows) => encodeFrame({ rows, columns: 80 })),
      encodeFrame({ signal: "SIGUSR1" }),
    ]);
    for (let sent = 0; sent < frames.length;) {
      const length = client.send(frames.subarray(sent, sent + 100_000));
      if (length > 0) sent += length;
      else await Bun.sleep(1);
    }
    expect(await client.answer()).toEqual({ exit_code: 3 });
  });
});

describe("no descriptor stays", () => {
  test("of a client that goes at any byte of its request", async () => {
    await using connector = await new TestConnector().serve();
    const before = connector.descriptors();
    const bytes = request(["run", "/bin/true"]);
    await repeatedly(connector, bytes.length + 1, (client, index) =>
      index === 0 ? 0 : client.send(bytes.subarray(0, index), stdio),
    );
    await nothingLeft(connector, before);
    expect((await connector.call(["run", "/bin/sh", "-c", "exit 3"])).exitCode).toBe(3);
  });

  test("of one that sends a thousand, in several messages, or as many as the kernel takes", async () => {
    await using connector = await new TestConnector().serve();
    const before = connector.descriptors();
    const files = Array.from({ length: messageDescriptors }, () => openSync("/dev/null", "r"));
    const refused = { exit_code: 125, error: "Cannot take more than 3 descriptors" };
    try {
      using client = connector.connect();
      // The server closes in the middle.
      for (const end of [250, 250, 250, 250]) client.send(Buffer.from([0]), files.slice(0, end));
      expect(await client.answer()).toEqual(refused);
      using second = connector.connect();
      expect(second.send(request(["run", "/bin/true"]), files)).toBeGreaterThan(0);
      expect(await second.answer()).toEqual(refused);
      using third = connector.connect();
      for (let index = 0; index < 1000; index++) third.send(Buffer.from([0]), files.slice(0, 1));
      expect(await third.answer()).toEqual(refused);
    } finally {
      for (const file of files) closeSync(file);
    }
    await nothingLeft(connector, before);
    expect((await connector.call(["run", "/bin/sh", "-c", "exit 3"])).exitCode).toBe(3);
  });

  test("of ten thousand that connect in a row, silent, with half a request, and with a whole one", async () => {
    await using connector = await new TestConnector().serve();
    const before = connector.descriptors();
    const whole = request(["no"]);
    await repeatedly(connector, 10_000, async (client, index) => {
      if (index % 3 > 0) client.send(whole.subarray(0, index % 3 === 1 ? 7 : whole.length), stdio);
      // One in a hundred of these waits for its answer.
      if (index % 300 === 98) expect(await client.answer()).toMatchObject({ exit_code: 127 });
    });
    await nothingLeft(connector, before);
    expect((await connector.call(["run", "/bin/sh", "-c", "exit 3"])).exitCode).toBe(3);
  }, 60_000);

  test("of a hundred that come at once, and go while their commands start", async () => {
    await using connector = await new TestConnector().serve({ planMs: 20 });
    const before = connector.descriptors();
    const bytes = request(["run", "/bin/sleep", "60"]);
    const clients = Array.from({ length: 100 }, () => connector.connect());
    for (const client of clients) client.send(bytes, stdio);
    for (const [index, client] of clients.entries()) {
      if (index % 10 === 0) await Bun.sleep(5);
      client[Symbol.dispose]();
    }
    await nothingLeft(connector, before);
  }, 30_000);
});
