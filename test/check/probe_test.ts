import { expect, test } from "bun:test";
import { createServer } from "node:net";
import { acceptsTcp, answersPing, ask } from "../../lib/check/probe.ts";
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
