import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, readdir, rm, utimes } from "node:fs/promises";
import { join } from "node:path";
import { DebianMirror } from "./debian_mirror.ts";
import { type Lab, startLab } from "./lab.ts";
import { MirrorCache, upstreamMirror } from "./mirror_cache.ts";

setDefaultTimeout(5 * 60_000);

describe("in a lab host without a way out", () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await startLab({ hosts: [{ name: "solo", os: "debian12" }], mesh: false });
    await lab
      .host("solo")
      .sh("rm -rf /etc/apt/sources.list*; mkdir -p /etc/apt/sources.list.d /pkg");
  });
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
  });

  test("a boot of the host keeps it", async () => {
    const host = lab.host("solo");
    await using mirror = await DebianMirror.start(host);
    await lab.reboot(host);
    await host.run(["curl", "-sfo", "/dev/null", `${mirror.url}/dists/bookworm/Release`]);
    // systemd drops a job where it finds a cycle.
    const cycles = await host.sh("journalctl -b --grep 'ordering cycle' || true");
    expect(cycles.stdout).not.toContain("lab-debian-mirror");
  });

  test("apt takes a signed package from deb.debian.org, and again when the real mirror is gone", async () => {
    const host = lab.host("solo");
    const signedBy = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]";
    const fetchPackage =
      "rm -rf /var/lib/apt/lists /pkg/*; apt-get -q update; cd /pkg; apt-get -q download hello; dpkg-deb --info hello_*.deb";
    {
      await using mirror = await DebianMirror.start(host);
      await host.writeFile(
        "/etc/apt/sources.list",
        `deb ${signedBy} ${mirror.url} bookworm main\ndeb ${signedBy} http://deb.debian.org/debian-security bookworm-security main\n`,
      );
      expect((await host.sh(fetchPackage)).stdout).toContain("Package: hello");
    }
    await using mirror = await DebianMirror.start(host, "http://[::1]:9");
    expect((await host.sh(fetchPackage)).stdout).toContain("Package: hello");
    const missing = await host.run(["curl", "-s", `${mirror.urlByAddress}/dists/none/InRelease`]);
    expect(missing.stdout).toStartWith("Cannot fetch http://[::1]:9/debian/dists/none/InRelease: ");
  });
});

describe("MirrorCache", () => {
  const before = process.env.XDG_CACHE_HOME;
  let dir: string;
  let upstream: Bun.Server<undefined>;
  let asked: string[] = [];
  beforeAll(async () => {
    dir = await mkdtemp("/var/tmp/mirror-cache-test-");
    process.env.XDG_CACHE_HOME = dir;
    upstream = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: (request) => {
        const { pathname } = new URL(request.url);
        asked.push(pathname);
        return pathname.includes("none")
          ? new Response("no", { status: 404 })
          : new Response(pathname.padEnd(1000));
      },
    });
  });
  afterAll(async () => {
    await upstream.stop(true);
    if (before === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = before;
    await rm(dir, { recursive: true });
  });

  const deb = (name: string) => `/debian/pool/main/${name}.deb`;

  test("asks the real mirror once, also for many at a time, and keeps what it said", async () => {
    asked = [];
    const cache = await MirrorCache.open(`http://127.0.0.1:${upstream.port}`);
    const answers = await Promise.all([deb("a"), deb("a"), deb("b")].map((p) => cache.answer(p)));
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200]);
    expect((await answers[2]?.text())?.trim()).toBe(deb("b"));
    expect(asked.toSorted()).toEqual([deb("a"), deb("b")]);
    expect((await cache.answer(deb("none"))).status).toBe(404);
  });

  test.each([
    "/etc/passwd",
    "/debian/",
    "/debian/../x/pool/y.deb",
    "/debian/pool/../../../x.deb",
    "/debian/pool/",
    "/ubuntu/pool/a.deb",
  ])("does not ask for %s", async (path) => {
    asked = [];
    const cache = await MirrorCache.open(`http://127.0.0.1:${upstream.port}`);
    expect((await cache.answer(path)).status).toBe(404);
    expect(asked).toEqual([]);
  });

  test("is brought below its size, oldest first, when it is opened", async () => {
    const cache = await MirrorCache.open(`http://127.0.0.1:${upstream.port}`);
    const folder = join(dir, "mbctl-lab/debian-mirror/debian/pool/main");
    for (const [second, name] of ["a", "b", "c"].entries()) {
      await cache.answer(deb(name));
      await utimes(join(folder, `${name}.deb`), second, second);
    }
    await cache.answer(deb("a"));
    await MirrorCache.open(upstreamMirror(), 2000);
    expect((await readdir(folder)).toSorted()).toEqual(["a.deb", "c.deb"]);
  });
});
