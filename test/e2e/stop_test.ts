/** How a machine ends on every systemd: exit codes, stop signals, the stop time-out; and that nothing is left of dead processes. */

import { describe, expect, test } from "bun:test";
import { waitFor } from "../lab/wait_for.ts";
import { mbctl, mbctlOut, testedHosts, testTimeoutMs } from "./_lab.ts";
import {
  dataPath,
  type ImageRecipe,
  hostWith,
  journalOf,
  marked,
  pull,
  runToEnd,
  unitEnd,
  unitOf,
  waitForMark,
} from "./_machines.ts";

/** The default of `stop_timeout_sec`; a stop on a host at rest takes 0.4 s. */
const stopTimeoutMs = 10_000;

/** StopSignal of an image, and the number that its app then sees (signal(7), glibc's SIGRTMIN is 34). */
const stopSignals: readonly (readonly [stopSignal: string | undefined, number: number])[] = [
  [undefined, 15],
  ["SIGQUIT", 3],
  ["SIGINT", 2],
  ["SIGWINCH", 28],
  ["SIGRTMIN+3", 37],
];

// Says every signal that comes, and gives a second one 0.2 s to come before it obeys.
const obey = `for n in 1 2 3 10 12 15 28 37; do trap "echo @@$n; got=1" $n; done
  echo @@ready; while [ -z "$got" ]; do sleep 600 & wait; done; sleep 0.2; exit 0`;
const orphans = `n=0; while [ $n -lt 40 ]; do (sleep 0.0$n &); n=$((n + 1)); done; echo @@ready; exec sleep 600`;
const listProcesses =
  'for s in /proc/[0-9]*/stat; do read -r pid name state ppid rest <"$s" && echo "$name $state $ppid"; done';

const images: Readonly<Record<string, ImageRecipe>> = {
  Code: { config: { Volumes: { "/in": {} }, Cmd: ["sh", "/in/script"] } },
  User: {
    config: { User: "1000", Volumes: { "/in": {} }, Cmd: ["sh", "/in/script"] },
  },
  ...Object.fromEntries(
    stopSignals.map(([stopSignal], index) => [
      `Stop${index}`,
      {
        config: {
          ...(stopSignal === undefined ? {} : { StopSignal: stopSignal }),
          Cmd: ["sh", "-c", obey],
        },
      },
    ]),
  ),
  Deaf: {
    config: {
      Cmd: ["sh", "-c", 'trap "" TERM HUP INT; echo @@ready; while :; do sleep 1; done'],
    },
  },
  Orphans: { config: { Cmd: ["sh", "-c", orphans] } },
};

describe.each(testedHosts)("a machine on %s", (os) => {
  const host = hostWith(os, images);

  async function startAndWaitForReady(name: string): Promise<void> {
    await mbctlOut(host(), ["machines", "start", name]);
    await waitForMark(host(), name, "ready");
  }

  // The stub PID 1 of nspawn says 255 for every signal (nspawn-stub-pid1.c).
  const exits: readonly (readonly [name: string, codes: Readonly<Record<string, number>>])[] = [
    [
      "Code",
      {
        "exit 0": 0,
        "exit 1": 1,
        "exit 42": 42,
        "exit 143": 143,
        "kill -9 $$": 255,
        "kill -11 $$": 255,
      },
    ],
    ["User", { "exit 42": 42, "kill -15 $$": 255 }],
  ];
  test.each(exits)(
    "%s: the exit code of the app is that of the unit",
    async (name, codes) => {
      await pull(host(), name, ["--mount=/in=data"]);
      for (const [script, code] of Object.entries(codes)) {
        await host().writeFile(dataPath(name, "/in/script"), `${script}\n`);
        const { status, result, log } = await runToEnd(host(), name);
        expect([script, status, result], log).toEqual([
          script,
          code,
          code === 0 ? "success" : "exit-code",
        ]);
      }
    },
    testTimeoutMs,
  );

  test(
    "a machine that is stopped the moment it has started goes at once",
    async () => {
      await pull(host(), "Early", [], "Orphans");
      for (let round = 0; round < 5; round++) {
        await host().run(["systemctl", "start", unitOf("Early")]);
        const before = performance.now();
        await host().run(["systemctl", "stop", unitOf("Early")]);
        // systemd would kill it after 20 s.
        expect(performance.now() - before).toBeLessThan(15_000);
      }
    },
    testTimeoutMs,
  );

  test.each(
    stopSignals.map(
      ([stopSignal, number], index) => [stopSignal ?? "no signal", number, index] as const,
    ),
  )(
    "an app whose image says %s gets signal %d alone, and machines stop does not wait for its time to be over",
    async (_name, number, index) => {
      const name = `Stop${index}`;
      await pull(host(), name);
      await startAndWaitForReady(name);
      const before = performance.now();
      await mbctlOut(host(), ["machines", "stop", name]);
      const tookMs = performance.now() - before;
      expect(marked(await journalOf(host(), name))).toEqual(["ready", String(number)]);
      expect(await unitEnd(host(), name)).toMatchObject({
        status: 0,
        result: "success",
      });
      expect(tookMs).toBeLessThan(stopTimeoutMs);
    },
    testTimeoutMs,
  );

  test(
    "an app that ignores its stop signal is killed after stop_timeout_sec",
    async () => {
      await host().writeFile("/etc/mbctl/config.toml", "stop_timeout_sec = 1\n");
      await pull(host(), "Deaf");
      await startAndWaitForReady("Deaf");
      const before = performance.now();
      await mbctlOut(host(), ["machines", "stop", "Deaf"]);
      const tookMs = performance.now() - before;
      expect(tookMs).toBeGreaterThan(1000);
      expect(tookMs).toBeLessThan(stopTimeoutMs);
      expect(
        (
          await host().run(["systemctl", "is-active", unitOf("Deaf")], {
            allowFailure: true,
          })
        ).stdout,
      ).toBe("inactive\n");
      expect((await host().run(["machinectl", "list", "--no-legend"])).stdout).toBe("");
    },
    testTimeoutMs,
  );

  test(
    "orphans of the app are reaped",
    async () => {
      await pull(host(), "Orphans");
      await startAndWaitForReady("Orphans");
      const shown = async () =>
        (
          await mbctl(host(), [
            "machines",
            "shell",
            "Orphans",
            "--",
            "/bin/sh",
            "-c",
            listProcesses,
          ])
        ).stdout;
      await waitFor(
        async () => {
          const lines = (await shown())
            .trim()
            .split("\n")
            .map((line) => line.replace(/^\((.*)\) (.).*$/, "$2 $1"));
          // The app alone sleeps; the rest is nspawn's PID 1, udhcpc and the shell that lists.
          return (
            lines.filter((line) => line.endsWith(" sleep")).length === 1 &&
            !lines.some((line) => line.startsWith("Z"))
          );
        },
        { what: "40 orphans to be reaped", explain: shown },
      );
      await mbctlOut(host(), ["machines", "stop", "Orphans"]);
    },
    testTimeoutMs,
  );
});
