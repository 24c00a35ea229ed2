/** `machines stats`, `events`, `wait` and `logs`: what is told of machines that run, and of those that ended. */

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { waitFor } from "../lab/wait_for.ts";
import { mbctl, mbctlOut, testedHosts, testTimeoutMs } from "./_lab.ts";
import { hostWith, pull, unitOf } from "./_machines.ts";

/** Ends with 7 once it is told to. */
const job = "echo begun; while [ ! -e /run/go ]; do sleep 0.1; done; exit 7";

const images = {
  job: { config: { Entrypoint: ["sh", "-c", job] } },
  well: {
    config: {
      Entrypoint: ["sh", "-c", "while :; do sleep 1000 & wait $!; done"],
      Healthcheck: {
        Test: ["CMD-SHELL", "test -e /run/well"],
        Interval: 1_000_000_000,
        Retries: 1,
      },
    },
  },
};

setDefaultTimeout(testTimeoutMs);

describe.each(testedHosts)("on %s", (os) => {
  const host = hostWith(os, images);
  const machines = async (...words: string[]) => await mbctlOut(host(), ["machines", ...words]);
  const tellJob = async () => await machines("exec", "job", "--", "touch", "/run/go");

  test("wait prints the exit code of what ended while it waited, and of what had ended before", async () => {
    await pull(host(), "job", ["--start"]);
    await using waiting = host().start(["mbctl", "machines", "wait", "job"]);
    await using hurried = host().start([
      ...["mbctl", "machines", "wait", "job", "--timeout", "200ms"],
    ]);
    const late = await hurried.exited;
    expect(late.exitCode).toBe(1);
    expect(late.stderr).toContain("the time is over");
    await tellJob();
    expect(await waiting.exited).toMatchObject({ exitCode: 0, stdout: "7\n" });
    expect(JSON.parse(await machines("wait", "job", "--json"))).toEqual({
      schemaVersion: 1,
      machines: [{ name: "job", condition: "stopped", exitCode: 7 }],
    });
  });

  // Only the journal can have told it.
  test("wait knows the code of a machine that systemd forgot, and Ctrl-C", async () => {
    await machines("start", "job");
    await using waiting = host().start(["mbctl", "machines", "wait", "job"]);
    await waitFor(
      async () => (await host().run(["pgrep", "-f", "^journalctl.*--follow"])).exitCode === 0,
      { what: "wait to follow the journal" },
    );
    await machines("stop", "job");
    expect((await waiting.exited).stdout).toMatch(/^(143|255)\n$/);
    await machines("start", "job");
    await using stopped = host().start(["mbctl", "machines", "wait", "job"]);
    await waitFor(
      async () => (await host().run(["pgrep", "-f", "^journalctl.*--follow"])).exitCode === 0,
      { what: "wait to follow the journal" },
    );
    await stopped.kill("SIGINT");
    expect((await stopped.exited).exitCode).toBe(130);
    await waitFor(
      async () =>
        (await host().run(["pgrep", "-f", "^journalctl"], { allowFailure: true })).exitCode !== 0,
      { what: "journalctl to end" },
    );
  });

  test("wait knows health, where there is a check", async () => {
    await pull(host(), "well", ["--start"]);
    await machines("wait", "well", "--condition", "running");
    await using waiting = host().start([
      ...["mbctl", "machines", "wait", "well", "--condition", "healthy", "--timeout", "30s"],
    ]);
    await machines("exec", "well", "--", "touch", "/run/well");
    expect(await waiting.exited).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    await machines("exec", "well", "--", "rm", "/run/well");
    await machines("wait", "well", "--condition", "unhealthy", "--timeout", "30s");
    const none = await mbctl(host(), ["machines", "wait", "job", "--condition", "healthy"]);
    expect(none.exitCode).toBe(2);
    expect(none.stderr).toContain("it has no health check");
  });

  test("stats has what the kernel counts", async () => {
    await machines(
      "exec",
      "well",
      "--",
      "sh",
      "-c",
      "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done",
    );
    const { machines: all } = JSON.parse(
      await machines("stats", "well", "--interval", "200ms", "--disk", "--json"),
    ) as { machines: Record<string, number | string>[] };
    expect(all).toHaveLength(1);
    const [well = {}] = all;
    expect(well).toMatchObject({ name: "well", state: "running" });
    for (const figure of ["cpuUsec", "cpuPercent", "treeBytes", "receivedBytes", "sentBytes"]) {
      expect({ figure, value: well[figure] }).toEqual({ figure, value: expect.any(Number) });
    }
    expect(well.cpuUsec).toBeGreaterThan(0);
    expect(well.treeBytes).toBeGreaterThan(1_000_000);
    // The network counts the machine's own side: what it gets from the host is received.
    const received = well.receivedBytes as number;
    const address = await mbctlOut(host(), ["address", "get", "well"]);
    await host().run(["ping", "-6", "-c", "3", "-s", "1000", "-i", "0.2", address]);
    const later = JSON.parse(await machines("stats", "well", "--interval", "50ms", "--json"));
    expect(later.machines[0].receivedBytes).toBeGreaterThanOrEqual(received + 3000);
    expect(await machines("stats", "--interval", "50ms")).toMatch(
      /^NAME +STATE .*\n(job .*\n)?well +running /,
    );
    await using following = host().start([
      ...["mbctl", "machines", "stats", "-f", "--interval", "50ms", "--json"],
    ]);
    await waitFor(() => following.stdout().split("\n").length > 3, {
      what: "three lines of figures",
    });
    await following.kill("SIGINT");
    expect((await following.exited).exitCode).toBe(130);
  });

  test("events tells what systemd and mbctl did, and nothing that others say", async () => {
    await host().sh(
      `printf 'MESSAGE=lies\\nSYSLOG_IDENTIFIER=mbctl\\nMBCTL_EVENT=apply\\nMBCTL_MACHINE=job\\n' |
         setpriv --reuid=65534 --clear-groups logger --journald
       printf 'MESSAGE=job: true\\nSYSLOG_IDENTIFIER=mbctl\\nMBCTL_EVENT=apply\\nMBCTL_MACHINE=job\\nMBCTL_TO_IMAGE=x\\n' |
         logger --journald
       journalctl --sync`,
    );
    const events = (await machines("events", "job", "--json"))
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const told = events.map(({ event, source, message }) => `${source} ${event} ${message}`);
    expect(told).toContain("systemd start started");
    expect(told).toContain("systemd exit exited with 7");
    expect(told).toContain("systemd fail failed: exit-code");
    expect(told).toContain("systemd stop stopped");
    expect(told.filter((text) => text.includes("lies"))).toEqual([]);
    expect(events.at(-1)).toEqual({
      schemaVersion: 1,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      machine: "job",
      event: "apply",
      source: "mbctl",
      message: "true",
      fields: { toImage: "x" },
    });
    expect(await machines("events", "-n", "1", "well")).toMatch(/^\S+Z {2}well {2}\S+ {2}/);
    expect(await machines("events", "--until", "2000-01-01")).toBe("");
    expect((await mbctl(host(), ["machines", "events", "--since", "nonsense"])).exitCode).toBe(5);
  });

  test("events -f tells of a machine that is made meanwhile", async () => {
    await using following = host().start(["mbctl", "machines", "events", "-f", "--json"]);
    await waitFor(
      async () => (await host().run(["pgrep", "-f", "^journalctl.*--follow"])).exitCode === 0,
      { what: "events to follow the journal" },
    );
    await pull(host(), "fresh", ["--start"], "job");
    await waitFor(() => /"machine":"fresh","event":"start"/.test(following.stdout()), {
      what: "the start to be told",
      explain: () => following.stdout(),
    });
    await following.kill("SIGTERM");
    expect((await following.exited).exitCode).toBe(143);
    await machines("remove", "fresh", "--stop", "--yes");
    const told = await machines("events", "fresh");
    expect(told).toContain("  fresh  pull  made of oci:");
    expect(told).toMatch(/ {2}fresh {2}remove {2}removed$/);
  });

  test("logs passes options of journalctl on, and stays with the machine", async () => {
    await host().run(["journalctl", "--sync"]);
    expect(await machines("logs", "job", "-o", "cat", "-g", "^begun")).toMatch(/^(begun\s*)+$/);
    expect(
      await machines("logs", "job", "-n", "1", "--until", "2000-01-01", "-o", "cat"),
    ).not.toContain("begun");
    const lines = (await machines("logs", "job", "--json", "--", "-n", "3", "_PID=1"))
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, string>);
    expect(lines.map(({ UNIT }) => UNIT)).toEqual(Array(3).fill(unitOf("job")));
    for (const option of ["--unit=ssh", "-ussh", "--uni=x", "-M.host", "--vacuum-size=1", "-D/"]) {
      const refused = await mbctl(host(), ["machines", "logs", "job", "--", option]);
      expect({ option, exitCode: refused.exitCode }).toEqual({ option, exitCode: 2 });
    }
  });
});
