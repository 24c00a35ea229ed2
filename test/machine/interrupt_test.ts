/** Ctrl-C and its kin, and children that outlive a killed mbctl. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { waitFor } from "../lab/wait_for.ts";
import { canPull, OuterHost } from "./_outer_host.ts";
import { litter } from "./_snapshot.ts";
import { sweep } from "./_sweep.ts";

/** The children that write while they run, and the word that says which call of theirs is meant. */
const children: readonly (readonly [program: string, word: string])[] = [
  ["skopeo", "inspect"],
  ["skopeo", "copy"],
  ["umoci", "unpack"],
  ["cp", "-a"],
];

describe.skipIf(!canPull)("stopped", () => {
  let host: OuterHost;
  let fresh: string[];
  let pulled: string[];

  beforeAll(async () => {
    host = await OuterHost.create();
    await host.run(host.pullWords);
    await host.run(["machines", "remove", "web", "--yes"]);
    host.resetOwn();
    host.keep("fresh");
    fresh = host.snapshot();
    await host.run(host.pullWords);
    pulled = host.snapshot();
    expect(pulled).not.toEqual(fresh);
  });
  afterAll(() => host?.[Symbol.dispose]());

  /**
   * Starts a pull in a process group of its own, in which one child never ends
   * and writes a heartbeat, and waits for that.
   */
  async function pullThatHangs([program, word]: readonly [string, string]) {
    host.bringBack("fresh");
    const bin = join(host.dir, "bin");
    const real = Bun.which(program) ?? "";
    // umoci has a root of its own, in which only its tree can be written.
    const heart = program === "umoci" ? "/tree/heart" : join(host.dir, "state/heart");
    const seen =
      program === "umoci" ? join(host.root, "var/lib/man8machines/.mbctl-new.web/heart") : heart;
    mkdirSync(bin, { recursive: true });
    for (const other of ["skopeo", "umoci", "cp"]) {
      writeFileSync(
        join(bin, other),
        `#!/usr/bin/sh\nexec ${Bun.which(other, { PATH: "/usr/bin:/bin" })} "$@"\n`,
      );
      chmodSync(join(bin, other), 0o755);
    }
    writeFileSync(
      join(bin, program),
      `#!/usr/bin/sh\ncase "$*" in *${word}*) while :; do echo beat >>${heart}; sleep 0.02; done;; esac\nexec ${real} "$@"\n`,
    );
    const child = Bun.spawn(host.argv(host.pullWords), {
      stdio: ["ignore", "pipe", "pipe"],
      cwd: host.dir,
      env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
      detached: true,
    });
    await waitFor(() => existsSync(seen), { timeoutMs: 10_000, what: `${program} ${word} to run` });
    const hasStopped = async () => {
      const size = existsSync(seen) ? statSync(seen).size : 0;
      await Bun.sleep(100);
      return size === (existsSync(seen) ? statSync(seen).size : 0);
    };
    const clear = () => Bun.spawnSync(["rm", "-f", join(host.dir, "state/heart")]);
    return { child, hasStopped, clear };
  }

  test.each(children)(
    "SIGKILL ends %s %s too, and the next pull is whole",
    async (program, word) => {
      const { child, hasStopped, clear } = await pullThatHangs([program, word]);
      child.kill("SIGKILL");
      await child.exited;
      expect(await hasStopped()).toBe(true);
      clear();
      const { exitCode, stderr } = await host.run(host.pullWords);
      expect({ exitCode, stderr: exitCode === 0 ? "" : stderr }).toEqual({
        exitCode: 0,
        stderr: "",
      });
      expect(host.snapshot()).toEqual(pulled);
    },
  );

  const signals = [
    ["SIGINT to the group, as Ctrl-C,", "SIGINT", true, 130],
    ["SIGINT to mbctl alone", "SIGINT", false, 130],
    ["SIGTERM to mbctl alone", "SIGTERM", false, 143],
    ["SIGHUP to the group", "SIGHUP", true, 129],
  ] as const;
  test.each(signals)(
    "%s takes the pull back at every child",
    async (_, signal, toGroup, exitCode) => {
      for (const which of children) {
        const { child, hasStopped, clear } = await pullThatHangs(which);
        process.kill(toGroup ? -child.pid : child.pid, signal);
        const stderr = await new Response(child.stderr).text();
        await child.exited;
        expect({ which, exitCode: child.exitCode }).toEqual({ which, exitCode });
        expect(stderr).toEndWith(`mbctl: Stopped by ${signal}\n`);
        expect(await hasStopped()).toBe(true);
        clear();
        expect({ which, tree: host.snapshot() }).toEqual({ which, tree: fresh });
      }
    },
  );

  test("SIGINT at any step leaves nothing and exits with 130, or comes too late", async () => {
    const seen = new Set<number | null>();
    await sweep(
      host,
      () => host.bringBack("fresh"),
      host.pullWords,
      async (point, { exitCode, stderr }) => {
        seen.add(exitCode);
        const tree = host.snapshot();
        expect({ point, exitCode, tree, stderr: "" }).toEqual({
          point,
          exitCode,
          tree: exitCode === 0 ? pulled : fresh,
          stderr: "",
        });
        expect(exitCode === 0 || exitCode === 130).toBe(true);
        expect(litter(tree)).toEqual([]);
        if (exitCode === 130) expect(stderr).toEndWith("mbctl: Stopped by SIGINT\n");
      },
      { signal: "INT", stride: 4 },
    );
    expect(seen).toEqual(new Set([0, 130]));
  }, 60_000);

  test("Ctrl-C at a question leaves nothing and exits with 130", async () => {
    host.bringBack("fresh");
    let output = "";
    const terminal = new Bun.Terminal({
      cols: 80,
      rows: 24,
      data(_, data) {
        output += Buffer.from(data).toString();
      },
    });
    const words = ["machines", "pull", host.image, "web"];
    const child = Bun.spawn(host.argv(words), {
      terminal,
      cwd: host.dir,
      env: { ...process.env, TERM: "xterm" },
    });
    await waitFor(() => output.includes("/conf"), {
      timeoutMs: 10_000,
      what: "the question",
      explain: () => output,
    });
    terminal.write("\x03");
    await child.exited;
    terminal.close();
    expect(child.exitCode).toBe(130);
    expect(host.snapshot()).toEqual(fresh);
  });

  test("a removal that is stopped says so, and the next one ends it", async () => {
    host.bringBack("fresh");
    const stop = async () => void (await host.run(host.pullWords));
    await stop();
    const folder = dirname(join(host.root, "var/lib/man8machines/web"));
    expect(existsSync(folder)).toBe(true);
    const words = ["machines", "remove", "web", "--yes"];
    const inject = ["-e", "trace=rename", "-e", "inject=rename:signal=INT:when=1"];
    const stopped = await host.run(words, ["strace", "-qq", "-o", "/dev/null", ...inject]);
    expect(stopped.exitCode).toBe(130);
    const { machines } = JSON.parse((await host.run(["machines", "list", "--json"])).stdout);
    expect(machines).toMatchObject([{ name: "web", state: "remove unfinished" }]);
    expect((await host.run(words)).exitCode).toBe(0);
    expect(litter(host.snapshot())).toEqual([]);
  });
});
