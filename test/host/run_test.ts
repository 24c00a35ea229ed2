import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { MbctlError } from "../../lib/errors.ts";
import { childEnvironment, CommandError, makeRun, requireProgram } from "../../lib/host/run.ts";
import { waitFor } from "../lab/wait_for.ts";

let base = "";
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "mbctl-run-"));
});
afterAll(() => rmSync(base, { recursive: true }));
const run = makeRun();

async function failure(action: Promise<unknown>): Promise<MbctlError> {
  try {
    await action;
  } catch (error) {
    if (error instanceof MbctlError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

test("run() gives the program every word as it is", async () => {
  const words = [
    "",
    " ",
    "a b",
    "$(touch pwned)",
    "`id`",
    "'",
    '"',
    "\\",
    "\n",
    "-n",
    "--",
    "*",
    "~",
    "ä\t€",
    "$PPID",
    "!",
    "#",
  ];
  const { stdout } = await run(["printf", "%s\\0", ...words]);
  expect(stdout.split("\0").slice(0, -1)).toEqual(words);
});

test("run() gives any word as it is", async () => {
  const word = fc
    .string({ unit: "binary-ascii", minLength: 1 })
    .filter((text) => !text.includes("\0"));
  await fc.assert(
    fc.asyncProperty(fc.array(word, { minLength: 1, maxLength: 8 }), async (words) => {
      expect((await run(["printf", "%s\\0", ...words])).stdout.split("\0").slice(0, -1)).toEqual(
        words,
      );
    }),
    { numRuns: 20 },
  );
});

test("run() keeps stdout and stderr apart, and tells the lines of each as they come", async () => {
  const lines: string[] = [];
  const script = "echo out; echo err >&2; printf 'no end'";
  const result = await run(["sh", "-c", script], {
    onStdoutLine: (line) => lines.push(`1 ${line}`),
    onStderrLine: (line) => lines.push(`2 ${line}`),
  });
  expect(result).toEqual({ stdout: "out\nno end", stderr: "err\n", exitCode: 0 });
  expect(lines.sort()).toEqual(["1 no end", "1 out", "2 err"]);
});

test("run() gives the program what is on its standard input, or nothing", async () => {
  expect((await run(["cat"], { input: "a\nb" })).stdout).toBe("a\nb");
  expect((await run(["cat"])).stdout).toBe("");
});

test("run() tells how a program ended that did not read its input", async () => {
  const input = "x".repeat(300_000);
  const error = await failure(run(["/bin/sh", "-c", "exec <&-; echo no >&2; exit 3"], { input }));
  expect(error.message).toBe('Cannot run "/bin/sh": it exited with code 3');
  expect((error.cause as Error).message).toBe("no");
});

test("run() tells what a failed program said", async () => {
  const error = await failure(run(["sh", "-c", "echo one; echo two >&2; exit 3"]));
  expect(error).toBeInstanceOf(CommandError);
  expect(error).toMatchObject({
    kind: "tool",
    message: 'Cannot run "sh": it exited with code 3',
    cause: { message: "two" },
  });
  expect((error as CommandError).result).toEqual({ stdout: "one\n", stderr: "two\n", exitCode: 3 });
});

test("run() lets exit codes pass that are allowed", async () => {
  expect((await run(["sh", "-c", "exit 3"], { allowExitCodes: [0, 3] })).exitCode).toBe(3);
  expect((await failure(run(["true"], { allowExitCodes: [1] }))).kind).toBe("tool");
});

test("run() tells the signal that ended a program", async () => {
  expect((await failure(run(["sh", "-c", "kill -9 $$"]))).message).toBe(
    'Cannot run "sh": it ended by SIGKILL',
  );
});

test("run() names a program that is not installed, and how to get it", async () => {
  const error = await failure(run(["no-such-program"]));
  expect(error).toMatchObject({
    kind: "host",
    message: 'Cannot find the program "no-such-program": it is not installed',
  });
  expect(error.hint).toMatch(/ no-such-program/);
  expect(() => requireProgram("no-such-program")).toThrow(error.message);
  requireProgram("sh");
});

test("run() ends a program that takes too long", async () => {
  const before = performance.now();
  const error = await failure(run(["sleep", "60"], { timeoutMs: 100 }));
  expect(error.message).toBe('Cannot run "sleep": it ended by SIGTERM');
  expect(performance.now() - before).toBeLessThan(5000);
});

test("run() ends a program that writes more than it may, on both outputs together", async () => {
  const limited = (script: string) => run(["sh", "-c", script], { outputLimitBytes: 1000 });
  expect((await limited("head -c 600 /dev/zero; head -c 400 /dev/zero >&2")).stdout).toHaveLength(
    600,
  );
  const error = await failure(limited("exec cat /dev/zero >&2"));
  expect([error.kind, error.message]).toEqual([
    "tool",
    'Cannot run "sh": it writes more than 1000 bytes',
  ]);
}, 10_000);

test.each([
  ["takes too long", "exec sleep 30", { timeoutMs: 1000 }, /ended by SIGTERM/],
  ["writes too much", "exec yes", { outputLimitBytes: 1000 }, /writes more than 1000 bytes/],
])(
  "run() does not wait for what a program that %s left behind",
  async (_, rest, options, said) => {
    const pidFile = join(base, "left");
    // As a program of a machine's does, behind nsenter(1): it has our pipes, and does not hear of the end.
    const left = `(trap '' TERM; ${rest}) & echo $! >${pidFile}`;
    rmSync(pidFile, { force: true });
    try {
      const before = performance.now();
      const error = await failure(run(["sh", "-c", `${left}; ${rest}`], options));
      expect(error.message).toMatch(said);
      expect(performance.now() - before).toBeLessThan(5000);
    } finally {
      const pid = existsSync(pidFile) ? Number(readFileSync(pidFile, "utf8")) : 0;
      // Empty where the program was ended before it left anything; 0 would be all of us.
      if (pid > 1) process.kill(pid, "SIGKILL");
    }
  },
  20_000,
);

test("run() ends the program when it is aborted, and starts none after that", async () => {
  const pidFile = join(base, "pid");
  for (const where of ["options", "maker"] as const) {
    const controller = new AbortController();
    const { signal } = controller;
    const runIt = where === "maker" ? makeRun({ signal }) : run;
    const options = where === "maker" ? {} : { signal };
    const running = failure(runIt(["sh", "-c", `echo $$ >${pidFile}; exec sleep 60`], options));
    await waitFor(() => existsSync(pidFile) && readFileSync(pidFile, "utf8") !== "", {
      what: "the child",
    });
    const pid = readFileSync(pidFile, "utf8").trim();
    controller.abort();
    expect((await running).kind).toBe("interrupted");
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    rmSync(pidFile);
    expect((await failure(runIt(["touch", pidFile], options))).kind).toBe("interrupted");
    expect(existsSync(pidFile)).toBe(false);
  }
});

test("run() calls a program interrupted that got the user's Ctrl-C before we heard of it", async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 110);
  const error = await failure(
    run(["sh", "-c", "sleep 0.1; kill -INT $$; sleep 1"], { signal: controller.signal }),
  );
  expect(error.kind).toBe("interrupted");
});

test("run() ends its programs when it is killed itself", async () => {
  const file = join(base, "beats");
  const module = JSON.stringify(join(import.meta.dir, "../../lib/host/run.ts"));
  const script = `const { makeRun } = await import(${module});
    await makeRun()(["sh", "-c", "while :; do echo beat >>${file}; sleep 0.02; done"]);`;
  const parent = Bun.spawn([process.execPath, "-e", script], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  await waitFor(() => existsSync(file), { what: "the child" });
  parent.kill("SIGKILL");
  await parent.exited;
  const size = readFileSync(file).length;
  await Bun.sleep(100);
  // A beat may have been on its way.
  expect(readFileSync(file).length - size).toBeLessThanOrEqual(5);
});

test("childEnvironment() passes on what tools need, and nothing else", () => {
  const passed = {
    PATH: "/x",
    HOME: "/root",
    https_proxy: "http://p",
    NO_PROXY: "*",
    XDG_RUNTIME_DIR: "/r",
    REGISTRY_AUTH_FILE: "/a",
  };
  const dropped = {
    LD_PRELOAD: "/x.so",
    ZX_PREFIX: "touch pwned;",
    BASH_ENV: "/x",
    ENV: "/x",
    LANG: "de_DE",
    LC_ALL: "de_DE",
    IFS: "x",
    SECRET: "1",
  };
  expect(childEnvironment({ ...passed, ...dropped })).toEqual({ ...passed, LC_ALL: "C.UTF-8" });
  expect(childEnvironment({})).toEqual({
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    LC_ALL: "C.UTF-8",
  });
});

test("run() takes nothing of zx's own variables", async () => {
  const module = JSON.stringify(join(import.meta.dir, "../../lib/host/run.ts"));
  writeFileSync(
    join(base, "zx.ts"),
    `const { makeRun } = await import(${module}); console.log((await makeRun()(["echo", "fine"])).stdout);`,
  );
  const env = {
    ...process.env,
    ZX_PREFIX: "touch pwned;",
    ZX_POSTFIX: "; touch pwned",
    ZX_SHELL: "/bin/false",
    ZX_VERBOSE: "true",
  };
  const { stdout, stderr } = Bun.spawnSync([process.execPath, join(base, "zx.ts")], {
    env,
    cwd: base,
  });
  expect([stdout.toString(), stderr.toString(), existsSync(join(base, "pwned"))]).toEqual([
    "fine\n\n",
    "",
    false,
  ]);
});

test("run() changes variables and folder on request, and shows the command as it is pasted", async () => {
  const shown: string[] = [];
  const told = makeRun({ onCommand: (line) => shown.push(line) });
  const { stdout } = await told(["sh", "-c", 'echo "$PWD $TZ ${HOME-none}"'], {
    cwd: base,
    env: { TZ: "UTC", HOME: undefined },
  });
  expect(stdout).toBe(`${base} UTC none\n`);
  expect(shown[0]).toEndWith(`sh -c 'echo "$PWD $TZ \${HOME-none}"'`);
});
