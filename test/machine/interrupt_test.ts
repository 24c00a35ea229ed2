/** Ctrl-C and its kin, and children that outlive a killed mbctl. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { renderTar } from "../lab/images/tar.ts";
import { waitFor } from "../lab/wait_for.ts";
import { canServe, type RealRegistry, startRegistry } from "../registry/_real_registry.ts";
import { canPull, OuterHost } from "./_outer_host.ts";
import { applierOf, hasEnded, writeProgram } from "./_processes.ts";
import { litter } from "./_snapshot.ts";
import { sweep } from "./_sweep.ts";

interface HangingChild {
  readonly program: string;
  /** Which call of it is meant. */
  readonly word: string;
  /** Whether it is our own applying process that never ends, as it is given bytes for ever. */
  readonly feeds?: boolean;
}

/** The children that work while a pull waits. */
const children: Readonly<Record<string, HangingChild>> = {
  "skopeo inspect": { program: "skopeo", word: "inspect" },
  "skopeo's proxy": { program: "skopeo", word: "experimental-image-proxy" },
  "the decompressor": { program: "igzip", word: "-dc" },
  "the applying process": { program: "igzip", word: "-dc", feeds: true },
  "cp -a": { program: "cp", word: "-a" },
};

describe.skipIf(!canPull || !canServe)("stopped", () => {
  let host: OuterHost;
  let registry: RealRegistry;
  let fresh: string[];
  let pulled: string[];

  beforeAll(async () => {
    host = await OuterHost.create();
    registry = await startRegistry(join(host.dir, "registry"));
    await host.serve(registry);
    await host.run(host.pullWords);
    await host.run(["machines", "remove", "web", "--yes"]);
    host.resetOwn();
    // Nothing is in the store: all has to be fetched.
    rmSync(join(host.root, "var/cache"), { recursive: true });
    host.keep("fresh");
    fresh = host.snapshot();
    await host.run(host.pullWords);
    pulled = host.snapshot();
    expect(pulled).not.toEqual(fresh);
    // The file that hangs, as far as it goes.
    const heart = renderTar([{ path: "heart", content: new Uint8Array(32 << 20) }]);
    writeFileSync(join(host.dir, "heart.tar"), heart.subarray(0, 512));
  });
  afterAll(async () => {
    await registry?.stop();
    host?.[Symbol.dispose]();
  });

  /** The script of a child that hangs: it writes a heartbeat. */
  function scriptOf({ program, word, feeds }: HangingChild, heart: string): string {
    // What is not meant goes on as ever; igzip need not be installed.
    const real = program === "igzip" ? "gzip" : Bun.which(program, { PATH: "/usr/bin:/bin" });
    const beat = feeds
      ? // Not ended with its parent: it ends when nobody reads what it writes.
        `(cat ${host.dir}/heart.tar; for i in $(seq 500); do head -c 65536 /dev/zero || exit; sleep 0.02; done) 2>/dev/null & wait`
      : `while :; do echo beat >>${heart}; sleep 0.02; done`;
    return `case "$*" in *${word}*) ${beat};; esac\nexec ${real} "$@"`;
  }

  /**
   * Starts a pull in a process group of its own, in which one child never ends
   * and writes a heartbeat, and waits for that.
   */
  async function pullThatHangs(which: string) {
    const hanging = children[which] as HangingChild;
    host.bringBack("fresh");
    const bin = join(host.dir, "bin");
    const heart = hanging.feeds
      ? join(host.root, "var/lib/man8machines/.mbctl-new.web/heart")
      : join(host.dir, "state/heart");
    rmSync(bin, { recursive: true, force: true });
    mkdirSync(bin);
    writeProgram(bin, hanging.program, scriptOf(hanging, heart));
    const child = Bun.spawn(host.argv(host.pullWords), {
      stdio: ["ignore", "pipe", "pipe"],
      cwd: host.dir,
      env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
      detached: true,
    });
    const size = () => statSync(heart, { throwIfNoEntry: false })?.size ?? 0;
    await waitFor(() => size() > 0, { what: `${which} to run` });
    const applier = hanging.program === "igzip" ? await applierOf(child.pid) : undefined;
    const hasStopped = async () => {
      if (applier !== undefined) await hasEnded(applier);
      const before = size();
      await Bun.sleep(100);
      return before === size();
    };
    const clear = () => rmSync(join(host.dir, "state/heart"), { force: true });
    return { child, applier, hasStopped, clear };
  }

  test.each(Object.keys(children))(
    "SIGKILL ends %s too, and the next pull is whole",
    async (which) => {
      const { child, hasStopped, clear } = await pullThatHangs(which);
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
    20_000,
  );

  test("the end of the applying process takes the pull back", async () => {
    const { child, applier = Number.NaN, hasStopped } = await pullThatHangs("the applying process");
    process.kill(applier, "SIGKILL");
    const stderr = await new Response(child.stderr).text();
    await child.exited;
    expect(stderr).toMatch(
      /^mbctl: Cannot make ".*": the applying process failed\n {2}because: .* it ended by SIGKILL\nhint: .+\n$/m,
    );
    expect(child.exitCode).toBe(5);
    expect(await hasStopped()).toBe(true);
    expect(host.snapshot()).toEqual(fresh);
    expect(host.storeTroubles()).toEqual([]);
  }, 20_000);

  const signals = [
    ["SIGINT to the group, as Ctrl-C,", "SIGINT", true, 130],
    ["SIGINT to mbctl alone", "SIGINT", false, 130],
    ["SIGTERM to mbctl alone", "SIGTERM", false, 143],
    ["SIGHUP to the group", "SIGHUP", true, 129],
  ] as const;
  test.each(signals)(
    "%s takes the pull back at every child",
    async (_, signal, toGroup, exitCode) => {
      for (const which of Object.keys(children)) {
        const { child, hasStopped, clear } = await pullThatHangs(which);
        process.kill(toGroup ? -child.pid : child.pid, signal);
        const stderr = await new Response(child.stderr).text();
        await child.exited;
        expect({ which, exitCode: child.exitCode }).toEqual({ which, exitCode });
        expect(stderr).toEndWith(`mbctl: Stopped by ${signal}\n`);
        expect(await hasStopped()).toBe(true);
        clear();
        const troubles = host.storeTroubles();
        expect({ which, tree: host.snapshot(), troubles }).toEqual({
          which,
          tree: fresh,
          troubles: [],
        });
      }
    },
    30_000,
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
        expect(host.storeTroubles()).toEqual([]);
        if (exitCode === 130) expect(stderr).toEndWith("mbctl: Stopped by SIGINT\n");
      },
      { signal: "INT", stride: 4 },
    );
    expect(seen).toEqual(new Set([0, 130]));
  }, 120_000);

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
    const words = ["machines", "pull", host.image, "web", "--tls-verify=false"];
    const child = Bun.spawn(host.argv(words), {
      terminal,
      cwd: host.dir,
      env: { ...process.env, TERM: "xterm" },
    });
    await waitFor(() => output.includes("/conf"), {
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
