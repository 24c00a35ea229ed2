/** check_health.sh as it is shipped, under busybox, with a machine and programs of a test: what it makes of answers. */

import { afterEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseHealthReport } from "../../lib/health/health_report.ts";
import { renderSettings } from "../../lib/health/probe_files.ts";
import { readLinkIfPresent } from "../../lib/host/files.ts";
import type { HealthCheck } from "../../lib/spec/health_check.ts";
import { waitFor } from "../lab/wait_for.ts";
import { checkOf } from "./_machines.ts";

const busybox = Bun.which("busybox") ?? "/bin/busybox";
const scripts = join(import.meta.dir, "../../lib/health");
const unit = "systemd-nspawn@web.service";
const timeoutMs = 20_000;

const killFile = `sys/fs/cgroup/machine.slice/${unit}/mbctl-health/cgroup.kill`;
const stateFile = "run/mbctl/health/web.state";
const stateText = (state: string, mainPid: number) =>
  `STATE=${state}\nSTREAK=0\nEXIT=0\nSINCE=1\nMAIN=${mainPid}\n`;

const made: string[] = [];
afterEach(() => {
  for (const root of made.splice(0)) rmSync(root, { recursive: true });
});

/** A host with one machine, whose systemd-nspawn is process 10, its process 1 is 11, its program 12. */
class FakeHost {
  readonly root: string = mkdtempSync(join(tmpdir(), "mbctl-health-"));
  readonly calls: string = join(this.root, "calls");
  constructor(check: Partial<HealthCheck> = {}) {
    made.push(this.root);
    for (const name of ["check_health.sh", "start_health.sh"]) {
      this.write(`var/lib/mbctl/${name}`, readFileSync(join(scripts, name), "utf8"));
    }
    const settings = {
      ...checkOf({ kind: "tcp", port: 80 }, check),
      busybox: this.at("bin/answer"),
    };
    this.write("var/lib/mbctl/health/web.conf", renderSettings(settings));
    this.write(killFile, "");
    this.write("proc/10/task/10/children", "11 ");
    this.write("proc/11/task/11/children", "12 13 ");
    for (const [pid, inner] of ["1", "2", "9"].entries()) {
      this.write(`proc/${pid + 11}/status`, `Name:\tx\nNSpid:\t${pid + 11}\t${inner}\n`);
    }
    this.write("proc/12/cgroup", `1:name=systemd:/\n0::/machine.slice/${unit}/payload\n`);
    this.write("proc/12/cmdline", "/bin/app\0");
    this.write("proc/12/ns/net", "");
    this.write("proc/self/ns/net", "");
    this.write("main", "10\n");
    symlinkSync("/proc/uptime", this.at("proc/uptime"));
    // What they are called with that changes something is written down.
    this.program("nsenter", 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"');
    this.program("logger", `grep -E '^(MESSAGE|MBCTL_HEALTH)=' >>${this.calls}`);
    this.program(
      "systemctl",
      `case "$*" in
        *--property=MainPID*) cat ${this.at("main")} ;;
        *--property=ControlGroup*) echo /machine.slice/${unit} ;;
        *) echo "$*" >>${this.calls} ;;
      esac`,
    );
    this.program(
      "answer",
      `read -r code <${this.at("answers")} || code=1
      sed -i 1d ${this.at("answers")}
      echo "answer $code"
      [ "$code" = hang ] || exit $code
      # Until it is killed.
      until [ -s ${this.at(killFile)} ]; do sleep 0.01; done
      exit 137`,
    );
  }

  at(path: string): string {
    return join(this.root, path);
  }

  write(path: string, text: string, mode = 0o644): void {
    mkdirSync(dirname(this.at(path)), { recursive: true });
    writeFileSync(this.at(path), text, { mode });
  }

  program(name: string, text: string): void {
    this.write(`bin/${name}`, `#!/bin/sh\n${text}\n`, 0o755);
  }

  /** The machine as it is after a restart: all of its processes are others. */
  restart(): void {
    for (const [old, now] of [
      [10, 20],
      [11, 21],
      [12, 22],
    ]) {
      renameSync(this.at(`proc/${old}`), this.at(`proc/${now}`));
    }
    renameSync(this.at("proc/20/task/10"), this.at("proc/20/task/20"));
    renameSync(this.at("proc/21/task/11"), this.at("proc/21/task/21"));
    this.write("proc/20/task/20/children", "21 ");
    this.write("proc/21/task/21/children", "22 ");
    this.write("main", "20\n");
  }

  setState(state: string, mainPid = 10): void {
    this.write(stateFile, stateText(state, mainPid));
  }

  /** Puts a pipe in the place of the state: each reading waits for the next one, and is seen. */
  makeStatePipe() {
    const pipe = this.at(stateFile);
    mkdirSync(dirname(pipe), { recursive: true });
    Bun.spawnSync(["mkfifo", pipe]);
    const next = async (reader: number, state: string, mainPid: number) => {
      await writeFile(pipe, stateText(state, mainPid));
      const descriptors = `/proc/${reader}/fd`;
      await waitFor(
        () =>
          !existsSync(descriptors) ||
          readdirSync(descriptors).every((fd) => readLinkIfPresent(join(descriptors, fd)) !== pipe),
        { timeoutMs: timeoutMs / 2, what: "the state to be read", intervalMs: 5 },
      );
    };
    return { next };
  }

  get #environment() {
    const bin = this.at("bin");
    return { MBCTL_TEST_ROOT: this.root, MBCTL_TEST_BIN: bin, PATH: `${bin}:/usr/bin:/bin` };
  }

  /** Starts the script. */
  start(words: readonly string[]) {
    return Bun.spawn([busybox, "sh", this.at("var/lib/mbctl/check_health.sh"), ...words], {
      env: this.#environment,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: timeoutMs / 2,
    });
  }

  /** Runs the script, with what the machine answers. */
  run(words: readonly string[], answers: readonly string[] = []) {
    this.write("answers", answers.map((answer) => `${answer}\n`).join(""));
    this.write(killFile, "");
    const { exitCode, stderr } = Bun.spawnSync(
      [busybox, "sh", this.at("var/lib/mbctl/check_health.sh"), ...words],
      { env: this.#environment, stdin: "ignore", timeout: timeoutMs / 2 },
    );
    return { exitCode, stderr: stderr.toString() };
  }

  /** State, streak and exit code that were kept. */
  get kept(): string {
    const text = readFileSync(this.at(stateFile), "utf8");
    const report = parseHealthReport(text);
    return `${report?.state} ${report?.failingStreak} ${report?.exitCode}`;
  }

  /** What was logged and asked of systemd, since the last look. */
  takeCalls(): string[] {
    if (!existsSync(this.calls)) return [];
    const lines = readFileSync(this.calls, "utf8").split("\n").filter(Boolean);
    rmSync(this.calls);
    return lines;
  }
}

const healthy = ["MESSAGE=web: is healthy", "MBCTL_HEALTH=healthy"];
const notOnce = [
  "MESSAGE=web: is unhealthy, not well once since its start",
  "MBCTL_HEALTH=unhealthy",
];

describe("the first check after a start", () => {
  test(
    "one good answer makes it healthy, however often it failed before",
    () => {
      const host = new FakeHost({ startPeriodMs: 60_000, retries: 1 });
      // Each question is two connections: IPv4, then IPv6.
      expect(host.run(["check", "web"], ["1", "1", "1", "1", "1", "0"]).exitCode).toBe(0);
      expect([host.kept, host.takeCalls()]).toEqual(["healthy 0 0", healthy]);
    },
    timeoutMs,
  );

  test.each([
    ["none", []],
    ["restart", [`--no-block restart ${unit}`]],
    ["stop", [`--no-block stop ${unit}`]],
  ] as const)(
    "without one, when its time is over, it is unhealthy; action: %s",
    (onFailure, called) => {
      const host = new FakeHost({ intervalMs: 100, retries: 2, onFailure });
      host.run(["check", "web"], []);
      expect(host.kept).toBe("unhealthy 2 1");
      const [message = "", ...rest] = notOnce;
      const told = onFailure === "none" ? message : `${message}, ${onFailure}`;
      expect(host.takeCalls()).toEqual([told, ...rest, ...called]);
    },
    timeoutMs,
  );

  test(
    "another start of the machine begins anew",
    () => {
      const host = new FakeHost({ intervalMs: 100, retries: 1 });
      host.run(["check", "web"], ["0"]);
      host.takeCalls();
      host.restart();
      host.run(["check", "web"], []);
      expect([host.kept, host.takeCalls()]).toEqual(["unhealthy 1 1", notOnce]);
    },
    timeoutMs,
  );

  test(
    "so does one that was cut short",
    () => {
      const host = new FakeHost({ startPeriodMs: 60_000 });
      host.run(["check", "web"], ["0"]);
      host.setState("starting");
      host.run(["check", "web"], ["1", "1", "0"]);
      expect(host.kept).toBe("healthy 0 0");
    },
    timeoutMs,
  );

  test(
    "nothing is asked of a process that is not the machine's, nor of a machine that does not run",
    () => {
      const host = new FakeHost({ intervalMs: 100, retries: 1 });
      host.write("proc/12/cgroup", "0::/machine.slice/systemd-nspawn@webs.service/payload\n");
      host.run(["check", "web"], ["0"]);
      expect(readFileSync(host.at("answers"), "utf8")).toBe("0\n");
      host.write("main", "0\n");
      rmSync(host.at(stateFile));
      host.run(["check", "web"], ["0"]);
      expect(readFileSync(host.at("answers"), "utf8")).toBe("0\n");
      expect(existsSync(host.at(stateFile))).toBe(false);
    },
    timeoutMs,
  );
});

/** One answer, what is kept after it, and what is called. */
type Row = readonly [answer: string, kept: string, calls: readonly string[]];
const failed = (times: number, code: number) =>
  `MESSAGE=web: is unhealthy, ${times} failures in a row, the last with exit code ${code}`;
const unhealthy = "MBCTL_HEALTH=unhealthy";

describe("later checks", () => {
  const stories: readonly (readonly [what: string, retries: number, rows: readonly Row[]])[] = [
    ["one failure of one", 1, [["1", "unhealthy 1 1", [failed(1, 1), unhealthy]]]],
    [
      "three in a row make it unhealthy, and are told once",
      3,
      [
        ["1", "healthy 1 1", []],
        ["1", "healthy 2 1", []],
        ["1", "unhealthy 3 1", [failed(3, 1), unhealthy]],
        ["1", "unhealthy 4 1", []],
        ["0", "healthy 0 0", healthy],
        ["0", "healthy 0 0", []],
      ],
    ],
    [
      "a success between them ends the row",
      2,
      [
        ["1", "healthy 1 1", []],
        ["0", "healthy 0 0", []],
        ["1", "healthy 1 1", []],
      ],
    ],
    ["an answer that does not come", 1, [["hang", "unhealthy 1 124", [failed(1, 124), unhealthy]]]],
  ];
  test.each(stories)(
    "%s",
    (_, retries, rows) => {
      const host = new FakeHost({ retries, timeoutMs: 300 });
      host.run(["check", "web"], ["0"]);
      host.takeCalls();
      for (const [answer, kept, calls] of rows) {
        host.run(["check", "web"], [answer, answer]);
        expect([host.kept, host.takeCalls()]).toEqual([kept, [...calls]]);
      }
    },
    timeoutMs,
  );

  test(
    "what the probe wrote is kept, in files of root's alone; nothing is written while all is well",
    () => {
      const host = new FakeHost();
      host.run(["check", "web"], ["0"]);
      const before = statSync(host.at(stateFile));
      host.run(["check", "web"], ["0"]);
      const after = statSync(host.at(stateFile));
      expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs]);
      const output = host.at("run/mbctl/health/web.output");
      expect(readFileSync(output, "utf8")).toBe("answer 0\n");
      expect([statSync(output).mode & 0o777, after.mode & 0o777]).toEqual([0o600, 0o600]);
    },
    timeoutMs,
  );
});

describe("await", () => {
  test.each([
    ["healthy", [0, ""]],
    ["unhealthy", [1, "The machine web is unhealthy: mbctl machines show web\n"]],
  ] as const)(
    "ends when the machine is %s",
    async (state, end) => {
      const host = new FakeHost();
      const answers = host.makeStatePipe();
      const waiting = host.start(["await", "web"]);
      // What another start left, and what is not decided, end nothing: it reads on.
      for (const [found, mainPid] of [
        [state, 9],
        ["starting", 10],
        [state, 10],
      ] as const) {
        await answers.next(waiting.pid, found, mainPid);
      }
      expect<unknown>([await waiting.exited, await waiting.stderr.text()]).toEqual(end);
    },
    timeoutMs,
  );
});

describe("require", () => {
  test.each([
    ["healthy", 10, undefined],
    ["unhealthy", 10, "is unhealthy"],
    ["starting", 10, "is starting"],
    ["healthy", 9, "is starting"],
    ["healthy", 0, "is not running"],
  ] as const)(
    "a machine that was %s, now with process %p",
    (state, main, why) => {
      const host = new FakeHost();
      host.setState(state, main === 9 ? 8 : 10);
      host.write("main", `${main}\n`);
      const { exitCode, stderr } = host.run(["require", "web"]);
      expect([exitCode, stderr]).toEqual(
        why === undefined
          ? [0, ""]
          : [1, `The machine web, on which this one depends, ${why}: mbctl machines show web\n`],
      );
    },
    timeoutMs,
  );

  test("a machine without a check is well when it runs; all that are named count", () => {
    const host = new FakeHost();
    expect(host.run(["require", "plain"]).exitCode).toBe(0);
    expect(host.run(["require", "plain", "web"]).stderr).toContain("web");
  });
});
