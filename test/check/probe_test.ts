import { expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { acceptsTcp, answersDns, answersPing, ask } from "../../lib/check/probe.ts";
import type { Host } from "../../lib/host/host.ts";
import { makeRun } from "../../lib/host/run.ts";

const host = { run: makeRun() } as Host;

test("ask() gives what a program says, and whether it ended well", async () => {
  expect(
    await ask(host, ["/bin/sh", "-c", "cat; echo bad >&2; exit 7"], { input: "good" }),
  ).toEqual({ isDone: false, stdout: "good", stderr: "bad\n" });
  expect(await ask(host, ["/bin/sh", "-c", "echo fine"])).toMatchObject({
    isDone: true,
    stdout: "fine\n",
  });
});

test("ask() gives nothing for a program that is not there, and for one that is killed", async () => {
  const nothing = { isDone: false, stdout: "", stderr: "" };
  expect(await ask(host, ["no-such-program"])).toEqual(nothing);
  expect(await ask(host, ["/bin/sh", "-c", "kill -9 $$"])).toEqual(nothing);
});

test("ask() passes the user's Ctrl-C on", async () => {
  const run = makeRun({ signal: AbortSignal.abort() });
  await expect(ask({ run } as Host, ["/bin/sh", "-c", ":"])).rejects.toMatchObject({
    kind: "interrupted",
  });
});

test("answersPing() knows no more than ping(8)", async () => {
  // RFC 3849: nobody has it.
  expect([false, undefined]).toContain(await answersPing(host, "2001:db8::1"));
});

test("acceptsTcp() knows an open port from a closed one", async () => {
  const server = createServer().listen(0, "::1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { readonly port: number };
  expect(await acceptsTcp("::1", port)).toBe(true);
  await new Promise((resolve) => server.close(resolve));
  expect(await acceptsTcp("::1", port)).toBe(false);
});

test("answersDns() asks again where a packet was lost, and is refused at once where nobody listens", async () => {
  const server = createSocket("udp6");
  await new Promise<void>((resolve) => server.bind(0, "::1", resolve));
  const { port } = server.address();
  let questions = 0;
  server.on("message", (question, { port, address }) => {
    questions += 1;
    // The first is lost; the answer is the question with the bit of a response.
    if (questions === 1) return;
    question[2] = (question[2] ?? 0) | 0x80;
    server.send(question, port, address);
  });
  expect(await answersDns("::1", port)).toBe(true);
  expect(questions).toBe(2);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  const begin = performance.now();
  expect(await answersDns("::1", port)).toBe(false);
  expect(performance.now() - begin).toBeLessThan(2000);
});
