/** Calls as users make them: real processes and sockets, everything but the machine. */

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { encodeFrame } from "../../lib/calls/frame.ts";
import { readTextIfPresent } from "../../lib/host/files.ts";
import { exitCodeOf } from "../lab/run.ts";
import { waitFor } from "../lab/wait_for.ts";
import { TestConnector } from "./_connector.ts";

setDefaultTimeout(20_000);

const shell = (script: string) => ["run", "/bin/sh", "-c", script];

/** Waits until nothing of any command is left, and the server has no descriptor more than before. */
async function nothingLeft(connector: TestConnector, descriptors: number): Promise<void> {
  await waitFor(() => connector.groups().length === 0 && connector.descriptors() === descriptors, {
    intervalMs: 10,
    what: "the end of all that was started",
    explain: () => `${connector.groups()} ${connector.descriptors()} of ${descriptors}`,
  });
}

/** Descriptors of a process that its children inherit (proc_pid_fdinfo(5): without O_CLOEXEC); its three streams left out. */
function inheritable(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    // One that was closed since is inherited by nobody.
    const info = Number(fd) > 2 ? readTextIfPresent(`/proc/${pid}/fdinfo/${fd}`) : undefined;
    return info !== undefined && !/^flags:\s*0?2[0-7]{6}$/m.test(info);
  });
}

/** Processor time of a process so far (proc_pid_stat(5), utime and stime). */
function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

describe("a lent command", () => {
  test("has the client's input and output, and neither its environment nor its folder", async () => {
    await using connector = await new TestConnector().serve();
    const client = Bun.spawn(
      connector.clientArgv(shell("cat; echo talk >&2; env; readlink /proc/self/cwd")),
      {
        stdio: [Buffer.from("input\n"), "pipe", "pipe"],
        env: { SECRET: "client's" },
        cwd: connector.folder,
      },
    );
    const [stdout, stderr] = await Promise.all([client.stdout.text(), client.stderr.text()]);
    const cwd = process.cwd();
    expect(stdout).toBe(`input\nPATH=/usr/bin:/bin\nSERVED=yes\nPWD=${cwd}\n${cwd}\n`);
    expect(stderr).toBe("talk\n");
    expect(await client.exited).toBe(0);
  });

  test.each([
    [["run", "/bin/sh", "-c", "exit 3"], 3, ""],
    [["run", "/bin/sh", "-c", "exit 255"], 255, ""],
    [["run", "/bin/sh", "-c", "kill -KILL $$"], 137, ""],
    [["run", "/bin/sh", "-c", "kill -TERM $$"], 143, ""],
    [["run", "/nonexistent"], 127, 'Cannot find the program "/nonexistent"\n'],
    [["run", "/etc/passwd"], 126, 'Cannot run "/etc/passwd": it is no program\n'],
    [["su"], 127, 'Cannot run "su": it is not lent\nhint: mbctl connector list\n'],
  ] as const)("%#: its end is the client's", async (argv, exitCode, stderr) => {
    await using connector = await new TestConnector().serve();
    const before = connector.descriptors();
    expect(await connector.call(argv)).toEqual({ exitCode, stdout: "", stderr });
    await nothingLeft(connector, before);
  });

  test("gets three descriptors and no more, no ignored signal, a session and a cgroup of its own", async () => {
    await using connector = await new TestConnector().serve();
    // Descriptors of another client, which the server has at this moment.
    using held = connector.connect();
    expect(held.send(Buffer.from([0, 0]), [0, 1, 2])).toBe(2);
    await waitFor(() => connector.descriptors() >= 11, { what: "descriptors" });
    const call = connector.start(shell("echo $$; read x"));
    const pid = Number(Buffer.from((await call.stdout.getReader().read()).value ?? []).toString());
    const proc = (file: string) => readFileSync(`/proc/${pid}/${file}`, "utf8");
    expect(readdirSync(`/proc/${pid}/fd`)).toEqual(["0", "1", "2"]);
    // Signal 32 is the C library's own: whoever started the tests may have it ignored.
    expect(proc("status")).toMatch(/SigBlk:\t0{16}\nSigIgn:\t0{8}[08]0{7}\n/);
    expect(proc("cgroup")).toMatch(/^0::\S*\/mbctl-connector-\w+\/mbctl-connector_test\.\d+-1$/m);
    expect(proc("stat").split(" ").slice(4, 6)).toEqual([`${pid}`, `${pid}`]);
    expect(inheritable(connector.pid)).toEqual([]);
    call.stdin.end();
    await call.exited;
  });

  test("writes to the very pipe of the client, and opens it by name as another user", async () => {
    await using connector = await new TestConnector().serve();
    const asUser = [
      "run",
      "/usr/bin/setpriv",
      "--reuid=1000",
      "--regid=1000",
      "--clear-groups",
      "/bin/sh",
    ];
    const script =
      "readlink /proc/self/fd/1; echo again >/dev/stdout; echo talk >/dev/stderr; cat /dev/stdin";
    const pipeline = 'echo in | { readlink /proc/self/fd/1; "$@" 2>&1; } | cat';
    const argv = [
      "/bin/sh",
      "-c",
      pipeline,
      "sh",
      ...connector.clientArgv([...asUser, "-c", script]),
    ];
    const child = Bun.spawn(argv, { stdout: "pipe", stderr: "inherit" });
    const [ours, theirs, ...rest] = (await child.stdout.text()).trim().split("\n");
    expect(ours).toMatch(/^pipe:/);
    expect(theirs).toBe(ours as string);
    expect(rest).toEqual(["again", "talk", "in"]);
  });

  test("reads a file of the client's, whose mode stays as it is", async () => {
    await using connector = await new TestConnector().serve();
    const path = join(connector.folder, "file");
    await Bun.write(path, "text\n");
    const { mode } = statSync(path);
    const child = Bun.spawn(connector.clientArgv(shell("cat")), {
      stdio: [Bun.file(path), "pipe", "inherit"],
    });
    expect(await child.stdout.text()).toBe("text\n");
    expect(statSync(path).mode).toBe(mode);
  });

  test("is one of fifty at a time", async () => {
    await using connector = await new TestConnector().serve();
    const before = connector.descriptors();
    const calls = Array.from({ length: 50 }, (_, index) =>
      connector.start(shell(`echo ${index}; cat; exit ${index}`)),
    );
    await Promise.all(calls.map(({ stdout }) => stdout.getReader().read()));
    expect(connector.groups()).toHaveLength(50);
    for (const { stdin } of calls) stdin.end();
    const ends = await Promise.all(calls.map((call) => call.exited.then(() => exitCodeOf(call))));
    expect(ends).toEqual(Array.from({ length: 50 }, (_, index) => index));
    await nothingLeft(connector, before);
  }, 30_000);
});

describe("a server", () => {
  test("leaves when nobody calls, and whoever comes then waits for the next", async () => {
    await using connector = new TestConnector();
    const call = connector.connect();
    call.send(encodeFrame({ argv: shell("exit 4") }), [0, 1, 2]);
    await connector.serve({ exitIdleMs: 50 });
    expect(await call.answer()).toEqual({ exit_code: 4 });
    call[Symbol.dispose]();
    await connector.server.exited;
    expect(connector.server.exitCode).toBe(0);
    const waiting = connector.call(shell("exit 5"));
    await connector.serve();
    expect((await waiting).exitCode).toBe(5);
  });

  test("that leaves all the time loses nobody", async () => {
    await using connector = await new TestConnector().serve({ exitIdleMs: 1 });
    let isOver = false;
    const served = (async () => {
      for (; !isOver; await connector.server.exited)
        await connector.serve({ exitIdleMs: 1 }).catch(() => {});
    })();
    for (let index = 0; index < 30; index++) {
      expect(await connector.call(shell(`exit ${index}`))).toEqual({
        exitCode: index,
        stdout: "",
        stderr: "",
      });
    }
    isOver = true;
    await served;
  }, 60_000);

  test("takes no more at a time than it may, and the others later", async () => {
    await using connector = await new TestConnector().serve({ clientLimit: 2 });
    const [first, second, third] = [0, 1, 2].map(() =>
      connector.start(shell("echo here; cat")),
    ) as [
      ReturnType<TestConnector["start"]>,
      ReturnType<TestConnector["start"]>,
      ReturnType<TestConnector["start"]>,
    ];
    await waitFor(() => connector.groups().length === 2, { what: "two commands" });
    for (const call of [first, second, third]) call.stdin.end();
    expect(await Promise.all([first, second, third].map((call) => call.exited))).toEqual([0, 0, 0]);
  });

  test("does nothing while nobody does, and while those wait whom it does not take", async () => {
    await using connector = await new TestConnector().serve({ clientLimit: 1 });
    const calls = [0, 1, 2].map(() => connector.start(shell("echo here; cat")));
    await Promise.race(calls.map(({ stdout }) => stdout.getReader().read()));
    const before = cpuTicks(connector.pid);
    // Longer than a tick of the server's (1 s), which is allowed.
    await Bun.sleep(1500);
    // Hundredths of a second.
    expect(cpuTicks(connector.pid) - before).toBeLessThan(10);
    for (const { stdin } of calls) stdin.end();
    await Promise.all(calls.map(({ exited }) => exited));
  });

  test("ends its commands by SIGTERM, and says how they ended", async () => {
    await using connector = await new TestConnector().serve();
    const calls = [
      connector.start(shell("echo here; read x")),
      connector.start(shell("trap 'exit 7' HUP; echo here; while :; do sleep 0.01; done")),
      connector.start(shell("trap '' HUP; echo here; read x")),
    ];
    await Promise.all(calls.map(({ stdout }) => stdout.getReader().read()));
    connector.server.kill("SIGTERM");
    expect(await Promise.all(calls.map(({ exited }) => exited))).toEqual([129, 7, 137]);
    await connector.server.exited;
    expect([connector.server.exitCode, connector.groups()]).toEqual([0, []]);
  });

  test("that was killed leaves a client that knows, and commands that the next one ends", async () => {
    await using connector = await new TestConnector().serve();
    const call = connector.start(shell("trap '' HUP; echo here; exec sleep 60 2>/dev/null"));
    await call.stdout.getReader().read();
    connector.server.kill("SIGKILL");
    expect(await call.stderr.text()).toBe("Cannot end the call: the connector went away\n");
    expect(await call.exited).toBe(125);
    expect(connector.processes()).toHaveLength(1);
    await connector.serve();
    expect((await connector.call(shell("exit 3"))).exitCode).toBe(3);
    await waitFor(() => connector.processes().length === 0, { what: "its end" });
  });
});

describe("callConnector() without a server", () => {
  test.each([
    ["none", "there is none"],
    ["socket", "nobody serves it"],
    [`${"long/".repeat(40)}none`, "there is none"],
  ])("%#: says so, with 125", async (name, state) => {
    await using connector = new TestConnector();
    const path = join(connector.folder, name);
    if (name === "socket") connector.close();
    const [bun = "", file = ""] = connector.clientArgv([]);
    const child = Bun.spawn([bun, file, path, "psql"], { stdio: ["ignore", "inherit", "pipe"] });
    expect(await child.stderr.text()).toBe(
      `Cannot reach the connector ${JSON.stringify(path)}: ${state}\n`,
    );
    expect(await child.exited).toBe(125);
  });
});
