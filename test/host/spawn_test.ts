import { afterAll, beforeAll, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MbctlError } from "../../lib/errors.ts";
import { makePipe } from "../../lib/host/libc.ts";
import { CommandError } from "../../lib/host/run.ts";
import { makeSpawn } from "../../lib/host/spawn.ts";

let base = "";
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "mbctl-spawn-"));
});
afterAll(() => rmSync(base, { recursive: true }));

async function failure(action: () => unknown): Promise<MbctlError> {
  try {
    await action();
  } catch (error) {
    if (error instanceof MbctlError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test("spawn() joins two children by a pipe of ours, and gives them files", async () => {
  const spawn = makeSpawn();
  const from = join(base, "from");
  writeFileSync(from, "abc\n".repeat(100_000));
  const [input, output] = [openSync(from, "r"), openSync(join(base, "to"), "w")];
  const { readEnd, writeEnd } = makePipe();
  const first = spawn(["sed", "s/b/B/"], { stdin: input, stdout: writeEnd });
  const second = spawn(["sh", "-c", "cat <&3 >&1"], { stdout: output, descriptors: [readEnd] });
  for (const end of [input, output, readEnd, writeEnd]) closeSync(end);
  await Promise.all([first.done(), second.done()]);
  expect(readFileSync(join(base, "to"), "utf8")).toBe("aBc\n".repeat(100_000));
});

test("spawn() tells the command, and says what a child said that failed", async () => {
  const lines: string[] = [];
  const spawn = makeSpawn({ onCommand: (line) => void lines.push(line) });
  const error = await failure(() => spawn(["sh", "-c", "echo no >&2; exit 3"]).done());
  expect(error).toBeInstanceOf(CommandError);
  expect(error.message).toBe('Cannot run "sh": it exited with code 3');
  expect((error.cause as Error).message).toBe("no");
  expect(lines).toEqual(["sh -c 'echo no >&2; exit 3'"]);
});

test("spawn() does not know a program that is not installed", async () => {
  const error = await failure(() => makeSpawn()(["no-such-program"]));
  expect(error.kind).toBe("host");
});

test("spawn() ends the child when it is disposed of, killed, or the user stops us", async () => {
  const controller = new AbortController();
  const spawn = makeSpawn({ signal: controller.signal });
  const sleep = ["sleep", "100"];
  let disposed = 0;
  {
    using child = spawn(sleep);
    disposed = child.pid;
  }
  const killed = spawn(sleep);
  killed.kill();
  expect((await failure(() => killed.done())).message).toBe(
    'Cannot run "sleep": it ended by SIGKILL',
  );
  const stopped = spawn(sleep);
  controller.abort();
  expect((await failure(() => stopped.done())).kind).toBe("interrupted");
  expect((await failure(() => spawn(sleep))).kind).toBe("interrupted");
  expect([killed.pid, stopped.pid].filter(isAlive)).toEqual([]);
  while (isAlive(disposed)) await Bun.sleep(1);
});
