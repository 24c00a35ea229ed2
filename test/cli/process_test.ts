/** What only a real process shows: signals, pipes, terminals, exit codes. */

import { describe, expect, test } from "bun:test";
import { join } from "node:path";

const PROGRAM = [process.execPath, join(import.meta.dir, "fixture_program.ts")];
const ENVIRONMENT = { PATH: "/usr/bin:/bin", TERM: "xterm", NO_COLOR: "1" };

/** Runs a verb, and sends it signals once it says that it waits. */
async function run(words: readonly string[], signals: readonly NodeJS.Signals[] = [], pauseMs = 0) {
  const child = Bun.spawn([...PROGRAM, ...words], {
    env: ENVIRONMENT,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  let stderr = "";
  const decoder = new TextDecoder();
  let isSignalled = false;
  for await (const chunk of child.stderr) {
    stderr += decoder.decode(chunk, { stream: true });
    if (isSignalled || !stderr.includes("waiting\n")) continue;
    isSignalled = true;
    void (async () => {
      for (const signal of signals) {
        child.kill(signal);
        await Bun.sleep(pauseMs);
      }
    })();
  }
  return {
    exitCode: await child.exited,
    stdout: await child.stdout.text(),
    stderr,
  };
}

const STOPPING = "waiting\nmbctl: stopping; a second Ctrl-C ends it at once\n";

describe("a signal", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)(
    "%s stops the work, which may tidy up, with exit code %d",
    async (signal, exitCode) => {
      expect(await run(["wait"], [signal])).toEqual({
        exitCode,
        stdout: "",
        stderr: `${STOPPING}mbctl: Stopped by ${signal}\n`,
      });
    },
  );

  test("that comes twice at once is one", async () => {
    const seen = await run(["wait"], ["SIGTERM", "SIGTERM"], 20);
    expect(seen.stderr).toBe(`${STOPPING}mbctl: Stopped by SIGTERM\n`);
  });

  test("that comes again ends what does not stop", async () => {
    expect(await run(["wait", "--stubborn"], ["SIGINT", "SIGINT"], 400)).toEqual({
      exitCode: 130,
      stdout: "",
      stderr: STOPPING,
    });
  });

  test("is left to the program that has the terminal", async () => {
    expect(await run(["own"], ["SIGINT", "SIGINT"], 300)).toEqual({
      exitCode: 7,
      stdout: "",
      stderr: "waiting\n",
    });
  });
});

describe("standard output", () => {
  test("gets everything, however much it is", async () => {
    const seen = await run(["flood", "--lines", "50000"]);
    expect(seen.exitCode).toBe(3);
    expect(seen.stdout.split("\n")).toHaveLength(50_001);
  });

  test("may be closed by its reader", async () => {
    const script = `"$@" | head -n 1; echo "\${PIPESTATUS[*]}"`;
    const child = Bun.spawn(["bash", "-c", script, "bash", ...PROGRAM, "flood"], {
      env: ENVIRONMENT,
      stdout: "pipe",
      stderr: "pipe",
    });
    expect(await child.stderr.text()).toBe("");
    expect(await child.stdout.text()).toBe(`line 0 ${"x".repeat(90)}\n3 0\n`);
  });

  test("that is full is an error", async () => {
    const child = Bun.spawn(["sh", "-c", `exec "$@" >/dev/full`, "sh", ...PROGRAM, "flood"], {
      env: ENVIRONMENT,
      stdout: "ignore",
      stderr: "pipe",
    });
    expect(await child.stderr.text()).toMatch(
      /^mbctl: Cannot write the answer\n {2}because: ENOSPC/,
    );
    expect(await child.exited).toBe(1);
  });
});

test("a failure that nobody waited for is a bug", async () => {
  const seen = await run(["stray"]);
  expect(seen.exitCode).toBe(70);
  expect(seen.stderr).toMatch(
    /^mbctl: this is a bug of mbctl, please report it\n {2}because: TypeError/,
  );
});

describe("on a terminal", () => {
  /** Runs a verb on a terminal of its own and presses keys when the question is there. */
  async function onTerminal(words: readonly string[], keys: string, redirect = "") {
    let shown = "";
    let isPressed = false;
    const child = Bun.spawn(["sh", "-c", `exec "$@" ${redirect}`, "sh", ...PROGRAM, ...words], {
      env: ENVIRONMENT,
      terminal: {
        cols: 80,
        rows: 24,
        data(terminal, data) {
          shown += new TextDecoder().decode(data);
          if (isPressed || !/Remove|waiting/.test(shown)) return;
          isPressed = true;
          setTimeout(() => terminal.write(keys), 50);
        },
      },
    });
    const exitCode = await child.exited;
    await Bun.sleep(20);
    return { exitCode, shown };
  }

  test("a question is answered by a key", async () => {
    const seen = await onTerminal(["ask"], "y");
    expect(seen.shown).toMatch(/true\r\n$/);
    expect(seen.exitCode).toBe(0);
  });

  test("a question is shown even where the answer goes elsewhere", async () => {
    const seen = await onTerminal(["ask"], "y", ">/dev/null");
    expect(seen.shown).toMatch(/Remove "web"\?/);
    expect(seen.exitCode).toBe(0);
  });

  test("Ctrl-C at a question ends the verb", async () => {
    const seen = await onTerminal(["ask"], "\x03");
    expect(seen.shown).toMatch(/mbctl: Stopped at the question "Remove "web"\?"\r\n$/);
    expect(seen.exitCode).toBe(130);
  });

  test("Ctrl-C while it works ends the verb", async () => {
    const seen = await onTerminal(["wait"], "\x03");
    expect(seen.shown).toMatch(/mbctl: Stopped by SIGINT\r\n$/);
    expect(seen.exitCode).toBe(130);
  });

  test("no question is asked where standard error is not one", async () => {
    const seen = await onTerminal(["ask"], "", "2>&1 | cat");
    expect(seen.shown).toMatch(/Cannot ask without a terminal/);
  });
});
