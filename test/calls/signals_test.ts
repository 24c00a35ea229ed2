/** What a client is told, its command is told; and when one of them goes, the other. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { exitCodeOf } from "../lab/run.ts";
import { waitFor } from "../lab/wait_for.ts";
import { TestConnector } from "./_connector.ts";
import { TestNamespace } from "./_namespace.ts";

setDefaultTimeout(20_000);

const shell = (script: string) => ["run", "/bin/sh", "-c", script];

type Call = ReturnType<TestConnector["start"]>;

/** Lines of a call's output, one at a time. */
function linesOf(call: Call) {
  const reader = call.stdout.getReader();
  const decoder = new TextDecoder();
  let text = "";
  return async (): Promise<string> => {
    while (!text.includes("\n")) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`no line: ${JSON.stringify(text)}`);
      text += decoder.decode(value, { stream: true });
    }
    const line = text.slice(0, text.indexOf("\n"));
    text = text.slice(line.length + 1);
    return line;
  };
}

/** Waits until nothing is left of any command. */
async function ended(connector: TestConnector, timeoutMs = 5000): Promise<void> {
  const what = { timeoutMs, intervalMs: 10, what: "the end of all commands" };
  await waitFor(() => connector.groups().length === 0, what);
}

function stateOf(pid: number): string {
  return /^State:\s*(\w)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "";
}

describe("a signal to the client", () => {
  test.each(["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2"] as const)(
    "%s reaches its command, whose end is the client's",
    async (signal) => {
      await using connector = await new TestConnector().serve();
      const name = signal.slice(3);
      const call = connector.start(
        shell(`trap 'echo got; exit 9' ${name}; echo here; while :; do sleep 0.01; done`),
      );
      const line = linesOf(call);
      expect(await line()).toBe("here");
      call.kill(signal);
      expect(await line()).toBe("got");
      await call.exited;
      expect(exitCodeOf(call)).toBe(9);
    },
  );

  test("ends one that does not listen, as 128 and the signal's number", async () => {
    await using connector = await new TestConnector().serve();
    const call = connector.start(shell("echo here; exec sleep 60"));
    await linesOf(call)();
    call.kill("SIGINT");
    await call.exited;
    expect(exitCodeOf(call)).toBe(130);
  });

  test("SIGINT is for the whole group, as a terminal would have it; SIGTERM is not", async () => {
    await using connector = await new TestConnector().serve();
    const child = `sh -c "trap 'echo child INT; exit' INT; trap 'echo child TERM' TERM; echo here; while :; do sleep 0.01; done"`;
    const call = connector.start(
      shell(`trap 'echo INT' INT; trap 'echo TERM' TERM; ${child}; read x`),
    );
    const line = linesOf(call);
    await line();
    call.kill("SIGTERM");
    call.kill("SIGINT");
    // The shell's own come when its child has gone.
    expect([await line(), await line(), await line()].sort()).toEqual(["INT", "TERM", "child INT"]);
    call.kill("SIGKILL");
    await ended(connector);
  });

  test("SIGTSTP stops both, SIGCONT has both go on", async () => {
    await using connector = await new TestConnector().serve();
    const call = connector.start(shell("echo $$; read x; exit 6"));
    const pid = Number(await linesOf(call)());
    call.kill("SIGTSTP");
    const both = { timeoutMs: 5000, intervalMs: 10 };
    await waitFor(() => stateOf(pid) === "T" && stateOf(call.pid) === "T", {
      ...both,
      what: "both stopped",
    });
    call.kill("SIGCONT");
    await waitFor(() => stateOf(pid) === "S" && stateOf(call.pid) !== "T", {
      ...both,
      what: "both awake",
    });
    call.stdin.end();
    await call.exited;
    expect(exitCodeOf(call)).toBe(6);
  });

  test("ends a call whose command has not begun", async () => {
    await using connector = await new TestConnector().serve({ planMs: 300 });
    const call = connector.start(shell("echo never"));
    await waitFor(() => connector.descriptors() >= 11, {
      intervalMs: 2,
      what: "the request",
    });
    call.kill("SIGTERM");
    await call.exited;
    expect([exitCodeOf(call), await call.stdout.text()]).toEqual([143, ""]);
  });
});

describe("a client that is gone", () => {
  test("has its command told by SIGHUP", async () => {
    await using connector = await new TestConnector().serve({ graceMs: 60_000 });
    const call = connector.start(
      shell("trap 'exit 0' HUP; echo here; while :; do sleep 0.01; done"),
    );
    await linesOf(call)();
    call.kill("SIGKILL");
    await ended(connector);
  });

  test("has all that it started killed after the grace time, daemons too", async () => {
    await using connector = await new TestConnector().serve({ graceMs: 300 });
    const daemon = "setsid sh -c 'trap \"\" HUP; setsid sleep 61 & echo $$; sleep 62' & ";
    const call = connector.start(shell(`trap '' HUP; ${daemon} read x; sleep 63`));
    await linesOf(call)();
    await waitFor(() => connector.processes().length >= 4, {
      intervalMs: 5,
      what: "all",
    });
    const goneMs = performance.now();
    call.kill("SIGKILL");
    await ended(connector);
    expect(performance.now() - goneMs).toBeGreaterThan(280);
  });

  test("before its command began has none begin", async () => {
    await using connector = await new TestConnector().serve({ planMs: 200 });
    const before = connector.descriptors();
    const call = connector.start(shell("echo begun >&2"));
    await waitFor(() => connector.descriptors() === before + 4, {
      intervalMs: 2,
      what: "the request",
    });
    call.kill("SIGKILL");
    await waitFor(() => connector.descriptors() === before, {
      intervalMs: 5,
      what: "the end",
    });
    expect([connector.groups(), await call.stderr.text()]).toEqual([[], ""]);
  });
});

test("what a command leaves behind ends with it; the client does not wait for that", async () => {
  await using connector = await new TestConnector().serve({ graceMs: 300 });
  const ready = join(connector.folder, "ready");
  const daemon = `setsid sh -c 'trap "" HUP; : >${ready}; sleep 61' </dev/null >/dev/null 2>&1`;
  const script = `${daemon} & while [ ! -e ${ready} ]; do :; done; exit 2`;
  const startMs = performance.now();
  expect((await connector.call(shell(script))).exitCode).toBe(2);
  expect(connector.processes().length).toBeGreaterThan(0);
  await ended(connector);
  expect(performance.now() - startMs).toBeGreaterThan(280);
});

describe("behind nsenter(1), which waits for the command in another PID namespace", () => {
  let namespace: TestNamespace;
  beforeAll(async () => {
    namespace = await TestNamespace.start();
  });
  afterAll(() => namespace[Symbol.asyncDispose]());
  const inside = (script: string) => ["in-namespace", "/bin/sh", "-c", script];

  test("signals reach the command and its group, and not nsenter", async () => {
    await using connector = await new TestConnector().serve({ target: namespace.pid });
    const call = connector.start(
      inside(
        "trap 'echo got INT' INT; trap 'exit 8' TERM; echo here $$; while :; do sleep 0.01; done",
      ),
    );
    const line = linesOf(call);
    expect(await line()).toMatch(/^here \d{1,2}$/);
    for (const _ of [1, 2]) {
      call.kill("SIGINT");
      expect(await line()).toBe("got INT");
    }
    call.kill("SIGTERM");
    await call.exited;
    expect(exitCodeOf(call)).toBe(8);
  });

  test.each([
    ["exit 5", 5],
    ["kill -KILL $$", 137],
    ["kill -SEGV $$", 139],
  ])("its end is the client's: %s", async (script, exitCode) => {
    await using connector = await new TestConnector().serve({ target: namespace.pid });
    expect(await connector.call(inside(`ulimit -c 0; ${script}`))).toMatchObject({ exitCode });
  });

  test("a client that is gone takes it along", async () => {
    await using connector = await new TestConnector().serve({
      target: namespace.pid,
      graceMs: 200,
    });
    const call = connector.start(inside("trap '' HUP; echo here; while :; do sleep 0.01; done"));
    await linesOf(call)();
    call.kill("SIGKILL");
    await ended(connector);
  });
});
