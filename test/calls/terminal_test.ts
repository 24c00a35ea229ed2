/** Calls on a terminal. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  closeSync,
  constants,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeSync,
} from "node:fs";
import { encodeFrame } from "../../lib/calls/frame.ts";
import { isErrno } from "../../lib/host/files.ts";
import { openTerminalEnd, rawModes } from "../../lib/host/libc_terminal.ts";
import { sendWithRights } from "../../lib/host/libc_unix.ts";
import { keys } from "../lab/pty.ts";
import { waitFor } from "../lab/wait_for.ts";
import { TestConnector } from "./_connector.ts";
import { TestNamespace } from "./_namespace.ts";
import { TestTerminal } from "./_terminal.ts";

setDefaultTimeout(20_000);

const size = { rows: 33, cols: 99 };

let namespace: TestNamespace;
beforeAll(async () => {
  namespace = await TestNamespace.start();
});
afterAll(() => namespace[Symbol.asyncDispose]());

/** A terminal on which a client runs, between two looks at the terminal's modes. */
function call(connector: TestConnector, script: string, behind = ""): TestTerminal {
  const line = `stty -g; tty; "$@" ${behind}; code=$?; stty -g; echo "end $code"`;
  const words = ["in-namespace", "/bin/bash", "--norc", "--noprofile", "-c", script];
  return new TestTerminal(["/bin/bash", "-c", line, "sh", ...connector.clientArgv(words)], size);
}

/** Waits for the end; the modes before and after must be the same. @returns the client's exit code. */
async function endOf(terminal: TestTerminal): Promise<number> {
  const [, code] = await terminal.waitFor(/end (\d+)\r\n/);
  const modes = terminal.output.match(/[0-9a-f]+(:[0-9a-f]+){20,}/g) ?? [];
  expect(modes).toEqual([modes[0] as string, modes[0] as string]);
  await terminal.exit();
  return Number(code);
}

/** The number of a command's process as we count, by that of its namespace. */
function outside(connector: TestConnector, pid: number): number {
  const found = connector
    .processes()
    .find((each) => readFileSync(`/proc/${each}/status`, "utf8").includes(`\t${pid}\nNSpgid`));
  if (found === undefined) throw new Error(`there is no ${pid}`);
  return found;
}

function nameOf(pid: number): string {
  return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
}

/** Names of what a process has open. */
function openFiles(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).map((name) => readlinkSync(`/proc/${pid}/fd/${name}`));
}

describe("a command on a terminal", () => {
  test("has one of its own that controls it, of the client's size and modes; the client's never gets there", async () => {
    await using connector = await new TestConnector().serve({ target: namespace.pid });
    await using terminal = call(
      connector,
      "tty; stty size; stty -a | grep -o '[-]*echo '; ps -o stat= -p $$; echo $$ >/dev/tty; read x; echo got $x; exit 5",
    );
    const [, clients] = await terminal.waitFor(/(\/dev\/pts\/\d+)\r\n/);
    const [, own] = await terminal.waitFor(/(\/dev\/pts\/\d+)\r\n/);
    expect(own).not.toBe(clients as string);
    await terminal.waitFor(/33 99\r\necho \r\n/);
    // s: leads its session; +: in the foreground.
    await terminal.waitFor(/S.*s.*\+\s*\r\n/);
    const [, pid] = await terminal.waitFor(/(\d+)\r\n/);
    expect(new Set(openFiles(outside(connector, Number(pid))))).toEqual(new Set([own as string]));
    expect(openFiles(connector.pid)).not.toContain(clients as string);
    terminal.send("hällo\r");
    await terminal.waitFor(/hällo\r\ngot hällo\r\n/);
    expect(await endOf(terminal)).toBe(5);
    expect(connector.groups()).toEqual([]);
  });

  test("ends by Ctrl-C and Ctrl-\\, reads to Ctrl-D, and is not stopped by Ctrl-Z", async () => {
    await using connector = await new TestConnector().serve({ target: namespace.pid });
    for (const [key, exitCode] of [
      [keys.ctrlC, 130],
      [keys.ctrlBackslash, 131],
      [keys.ctrlD, 0],
    ] as const) {
      await using terminal = call(connector, "ulimit -c 0; echo ready; exec cat");
      await terminal.waitFor(/ready\r\n/);
      terminal.send(`${keys.ctrlZ}x\r`);
      await terminal.waitFor(/x\r\n/);
      terminal.send(key);
      expect(await endOf(terminal)).toBe(exitCode);
    }
  });

  test("may be a shell with jobs of its own", async () => {
    await using connector = await new TestConnector().serve({ target: namespace.pid });
    await using terminal = call(connector, "PS1='# ' exec bash --norc --noprofile -i");
    await terminal.waitFor(/# $/);
    terminal.send("sleep 60\r");
    await terminal.waitFor(/sleep 60\r\n/);
    const sleeps = () => connector.processes().some((pid) => nameOf(pid) === "sleep");
    await waitFor(sleeps, { intervalMs: 5, what: "sleep" });
    terminal.send(keys.ctrlZ);
    await terminal.waitFor(/Stopped\s+sleep 60/);
    terminal.send("fg\r");
    await terminal.waitFor(/sleep 60\r\n/);
    terminal.send(keys.ctrlC);
    await terminal.waitFor(/\^C\r\n# /);
    terminal.send("exit 3\r");
    expect(await endOf(terminal)).toBe(3);
  });

  test("learns when the size changes", async () => {
    await using connector = await new TestConnector().serve({ target: namespace.pid });
    await using terminal = call(
      connector,
      "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.01; done",
    );
    await terminal.waitFor(/ready\r\n/);
    terminal.resize(40, 120);
    await terminal.waitFor(/40 120\r\n/);
    expect(await endOf(terminal)).toBe(0);
  });

  test("has all of its output shown, and all that is pasted typed, byte for byte", async () => {
    await using connector = await new TestConnector().serve({ target: namespace.pid });
    const pasted = Array.from({ length: 30_000 }, (_, index) => `${index}`).join("\n");
    const script = `stty raw -echo; echo ready; head -c ${pasted.length} | sha256sum; stty sane; seq 1 50000; echo last`;
    await using terminal = call(connector, script);
    await terminal.waitFor(/ready/);
    terminal.send(pasted);
    const hash = new Bun.CryptoHasher("sha256").update(pasted).digest("hex");
    await terminal.waitFor(new RegExp(hash));
    await terminal.waitFor(/49999\r\n50000\r\nlast\r\n/);
    expect(await endOf(terminal)).toBe(0);
  });
});

describe("a client on a terminal", () => {
  test("shows what was written before the answer, and has the terminal as it was", async () => {
    await using connector = new TestConnector();
    await using terminal = new TestTerminal(connector.clientArgv(["run"]), size);
    const socket = await connector.accept();
    const master = openSync("/dev/ptmx", constants.O_RDWR | constants.O_NOCTTY);
    const end = openTerminalEnd(master);
    const writing = openSync(`/proc/self/fd/${end}`, constants.O_WRONLY | constants.O_NONBLOCK);
    // As much as the kernel holds.
    const written = fill(writing);
    expect(written).toBeGreaterThan(4096);
    // Both at once: there is no time between them in which it could be shown.
    const frames = [{ terminal: true }, { exit_code: 3 }].map(encodeFrame);
    sendWithRights(socket, Buffer.concat(frames), [master]);
    expect(await terminal.exit()).toBe(3);
    await terminal.waitFor(new RegExp(`x{${written}}`));
    expect(terminal.isRaw()).toBe(false);
    for (const descriptor of [socket, master, end, writing]) closeSync(descriptor);
  });

  test("in a pipeline leaves what is typed to the others", async () => {
    await using connector = await new TestConnector().serve({ target: namespace.pid });
    const script =
      "test -t 0 || echo no input; test -t 1 || echo a pipe; test -t 2 && echo a terminal; cat; echo told >&2";
    await using terminal = call(
      connector,
      script,
      "| { read a; read b; read c; echo $a, $b, $c; read x </dev/tty; echo typed $x; }",
    );
    await terminal.waitFor(/no input, a pipe, a terminal\r\n/);
    terminal.send("y\r");
    await terminal.waitFor(/typed y\r\n/);
    expect(await endOf(terminal)).toBe(0);
    expect(terminal.output).toContain("told\r\n");
  });

  test("in the background neither reads from it nor changes it, until it is brought to the foreground", async () => {
    await using connector = await new TestConnector().serve({ target: namespace.pid });
    const words = ["in-namespace", "/bin/bash", "-c", "echo begun; read x; echo got $x"];
    const script = 'set -m; "$@" & read y; echo outer $y; fg >/dev/null; echo "end $?"';
    await using terminal = new TestTerminal(
      ["/bin/bash", "-c", script, "sh", ...connector.clientArgv(words)],
      size,
    );
    await terminal.waitFor(/begun\r+\n/);
    terminal.send("one\r");
    await terminal.waitFor(/outer one\r\n/);
    const raw = { intervalMs: 10, what: "the foreground" };
    await waitFor(() => terminal.isRaw(), raw);
    terminal.send("two\r");
    await terminal.waitFor(/got two\r\n/);
    await terminal.waitFor(/end 0\r\n/);
  });

  test.each([
    ["the server is killed", 125],
    ["the client is ended", 143],
  ])("gives it back as it was when %s", async (what, exitCode) => {
    await using connector = await new TestConnector().serve({ target: namespace.pid });
    await using terminal = call(connector, "echo ready $PPID; exec sleep 60");
    await terminal.waitFor(/ready/);
    await waitFor(() => terminal.isRaw(), {
      intervalMs: 5,
      what: "a raw terminal",
    });
    if (what === "the server is killed") connector.server.kill("SIGKILL");
    else process.kill(clientOf(connector), "SIGTERM");
    expect(await endOf(terminal)).toBe(exitCode);
  });

  test("that is killed takes its command along", async () => {
    await using connector = await new TestConnector().serve({
      target: namespace.pid,
      graceMs: 200,
    });
    await using terminal = call(connector, "trap '' HUP; echo ready; sleep 60");
    await terminal.waitFor(/ready/);
    process.kill(clientOf(connector), "SIGKILL");
    await waitFor(() => connector.groups().length === 0, {
      intervalMs: 10,
      what: "its end",
    });
  });
});

/** Writes until there is no more room. @returns how many bytes that were. */
function fill(descriptor: number): number {
  let written = 0;
  try {
    for (;;) written += writeSync(descriptor, "x".repeat(512));
  } catch (error) {
    if (isErrno(error, "EAGAIN")) return written;
    throw error;
  }
}

/** The one client of a connector. */
function clientOf(connector: TestConnector): number {
  const found = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .find((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
        return words[1]?.endsWith("client_child.ts") === true && words[2] === connector.path;
      } catch {
        return false;
      }
    });
  if (found === undefined) throw new Error("there is no client");
  return Number(found);
}

test("rawModes() does what stty(1) calls raw, without echo", () => {
  const view = (modes: Uint8Array) => new DataView(modes.buffer);
  const modes = new Uint8Array(36).fill(0xff);
  const raw = view(rawModes(modes));
  const flags = [0, 4, 8, 12].map((at) => raw.getUint32(at, true).toString(8));
  // cfmakeraw(3): what is cleared in each; CS8 is set.
  expect(flags).toEqual(["37777775024", "37777777776", "37777777377", "37777677664"]);
});
