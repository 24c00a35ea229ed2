/** What a client makes of servers that do not keep to the protocol, and of words that cannot be sent. */

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { closeSync } from "node:fs";
import { encodeFrame } from "../../lib/calls/frame.ts";
import { sendWithRights } from "../../lib/host/libc_unix.ts";
import { exitCodeOf } from "../lab/run.ts";
import { TestConnector } from "./_connector.ts";

setDefaultTimeout(20_000);

function frame(body: string, length = body.length): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(length);
  return Buffer.concat([header, Buffer.from(body)]);
}

describe("callConnector()", () => {
  test.each<[what: string, answer: Uint8Array, stderr: string]>([
    ["nothing", new Uint8Array(), "Cannot end the call: the connector went away\n"],
    [
      "half an answer",
      encodeFrame({ exit_code: 0 }).subarray(0, 9),
      "Cannot end the call: the connector went away\n",
    ],
    ["nonsense", frame("psql"), "Cannot read a frame: it is no JSON in UTF-8\n"],
    [
      "a frame without end",
      frame("", 0xffffffff),
      "Cannot read a frame of 4294967295 bytes: the limit is 16384\n",
    ],
    [
      "an exit code that is none",
      encodeFrame({ exit_code: 256 }),
      "Cannot read the answer: it has no exit code\n",
    ],
    [
      "a terminal that does not come",
      encodeFrame({ terminal: true }),
      "Cannot read the answer: it has no terminal\n",
    ],
  ])("ends with 125 where the answer is %s", async (_, answer, stderr) => {
    await using connector = new TestConnector();
    const call = connector.start(["psql"]);
    const socket = await connector.accept();
    if (answer.length > 0) sendWithRights(socket, answer, []);
    closeSync(socket);
    expect(await call.stderr.text()).toBe(stderr);
    await call.exited;
    expect(exitCodeOf(call)).toBe(125);
  });

  test("ends with what the last frame says, and shows its error", async () => {
    await using connector = new TestConnector();
    const call = connector.start(["psql"]);
    const socket = await connector.accept();
    sendWithRights(socket, encodeFrame({ exit_code: 126, error: "no\nhint: yes" }), []);
    await call.exited;
    expect(exitCodeOf(call)).toBe(126);
    // Our end of the client's standard error is on its way to the server, and goes with the socket.
    closeSync(socket);
    expect(await call.stderr.text()).toBe("no\nhint: yes\n");
  });

  test("says itself what cannot be sent", async () => {
    await using connector = new TestConnector();
    const script = 'exec "$@" "$(printf "a\\377")"';
    const words = ["/bin/sh", "-c", script, "sh", ...connector.clientArgv(["psql"])];
    const call = Bun.spawn(words, { stdio: ["ignore", "inherit", "pipe"] });
    expect(await call.stderr.text()).toBe("Cannot run the command: its words are no UTF-8\n");
    expect(await call.exited).toBe(125);
    const long = await connector.call([
      "psql",
      "x".repeat(131_071),
      ...Array.from({ length: 16_384 }, () => ""),
    ]);
    expect(long.stderr).toBe("Cannot run a command of 16386 words: the limit is 16384\n");
    expect(long.exitCode).toBe(126);
  });

  test("sends as much as a command line may hold", async () => {
    await using connector = await new TestConnector().serve();
    const words = Array.from({ length: 9 }, (_, index) => `${index}`.repeat(110_000));
    const argv = ["run", "/bin/sh", "-c", 'printf %s "$@" | sha256sum', "sh", ...words];
    const hash = new Bun.CryptoHasher("sha256").update(words.join("")).digest("hex");
    expect((await connector.call(argv)).stdout).toBe(`${hash}  -\n`);
    const over = await connector.call([...argv, "x".repeat(100_000)]);
    const stderr = "Cannot send a command line of 1090097 bytes: the limit is 1048576\n";
    expect(over).toEqual({ exitCode: 126, stdout: "", stderr });
  });
});
