/**
 * The main job on every systemd: each of the six images is pulled from a real
 * registry, runs, is reached over the mesh from another host, stops and goes.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Host } from "../lab/host.ts";
import { debianBaseLayout } from "../lab/images/debian_base.ts";
import { type RealImage, realImages } from "../lab/images/real_images.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { Registry } from "../lab/registry.ts";
import { waitFor } from "../lab/wait_for.ts";
import {
  labTimeoutMs,
  mbctl,
  mbctlOut,
  testedHosts,
  testTimeoutMs,
  tracesOfMachines,
} from "./_lab.ts";

/** How a client on the other host talks to each image's program, and what it answers. */
const clients: Readonly<Record<RealImage, { readonly script: string; readonly answer: RegExp }>> = {
  registry: {
    script: 'curl -sS -m 5 -D - "http://[$1]:5000/v2/"',
    answer: /Docker-Distribution-Api-Version: registry\/2\.0/i,
  },
  nginx: { script: 'curl -sS -m 5 "http://[$1]/"', answer: /nginx/i },
  redis: {
    script: 'exec 3<>"/dev/tcp/$1/6379"; printf "PING\\r\\n" >&3; head -n1 <&3',
    answer: /\+PONG/,
  },
  postgres: {
    // SSLRequest of the frontend/backend protocol: the server answers one letter.
    script:
      'exec 3<>"/dev/tcp/$1/5432"; printf "\\x00\\x00\\x00\\x08\\x04\\xd2\\x16\\x2f" >&3; head -c1 <&3',
    answer: /^[NS]$/,
  },
  scratch: { script: 'curl -sS -m 5 "http://[$1]/"', answer: /./ },
  busybox: { script: 'curl -sS -m 5 "http://[$1]:8080/"', answer: /./ },
};

/** What the real image wants to be told, too. */
const settings: Partial<Record<RealImage, readonly string[]>> = {
  postgres: ["--env=POSTGRES_PASSWORD=lab"],
};

/** `ok`, by host and image: the README's table is made of it. */
const results: Record<string, Record<string, string>> = {};

describe.each(testedHosts)("on %s", (os) => {
  let lab: Lab;
  let here: Host;
  let there: Host;
  let registry: Registry;

  beforeAll(async () => {
    lab = await startLab({
      hosts: [
        { name: "hosta", os },
        { name: "hostb", os },
      ],
      mbctl: true,
    });
    here = lab.host("hosta");
    there = lab.host("hostb");
    registry = await Registry.start(here);
    results[os] = {};
  }, labTimeoutMs);

  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
    const folder = join(import.meta.dir, "../../build");
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `images-${os}.json`);
    writeFileSync(
      file,
      `${JSON.stringify({ systemd: here.systemdVersion, images: results[os] }, null, 2)}\n`,
    );
  }, labTimeoutMs);

  // A test that failed half-way must not fail the next ones.
  afterEach(async () => {
    for (const image of realImages)
      await mbctl(here, ["machines", "remove", image, "--stop", "--yes"]);
  });

  test.each(realImages)(
    "%s is pulled, runs, is reached over the mesh, stops and goes",
    async (image) => {
      const { reference, digest } = await registry.pushReal(image);
      const flags = ["--tls-verify=false"];
      const inspected = JSON.parse(
        await mbctlOut(here, ["oci", "inspect", reference, ...flags, "--json"]),
      );
      expect(inspected.digest).toBe(digest);

      const mounts = inspected.volumes.map((path: string) => `--mount=${path}=data`);
      const address = await mbctlOut(here, [
        "machines",
        "pull",
        reference,
        image,
        ...flags,
        ...mounts,
        ...(settings[image] ?? []),
        "--start",
      ]);
      expect(address).toBe(await mbctlOut(here, ["address", "get", image]));
      expect(address.startsWith("3")).toBe(true);

      const { script, answer } = clients[image];
      await waitFor(
        async () => {
          const { stdout } = await there.run(["bash", "-c", script, "client", address], {
            allowFailure: true,
            timeoutMs: 10_000,
          });
          return answer.test(stdout);
        },
        {
          timeoutMs: 60_000,
          what: `${image} to answer over the mesh`,
          explain: async () => (await mbctl(here, ["machines", "logs", image])).stdout,
        },
      );

      const { machines } = JSON.parse(await mbctlOut(here, ["machines", "list", "--json"]));
      expect(machines).toHaveLength(1);
      expect(machines[0]).toMatchObject({
        name: image,
        state: "running",
        address,
        image: reference,
      });
      const logs = await mbctlOut(here, ["machines", "logs", image]);
      expect(logs).toMatch(/man8s-init: starting /);

      const before = performance.now();
      await mbctlOut(here, ["machines", "stop", image]);
      // All six obey their stop signal: none is killed after 10 s.
      expect(performance.now() - before).toBeLessThan(10_000);
      expect(await mbctlOut(here, ["machines", "list"])).toMatch(/ stopped /);

      await mbctlOut(here, ["machines", "remove", image, "--yes"]);
      expect(await tracesOfMachines(here)).toEqual([]);
      results[os] = { ...results[os], [image]: "ok" };
    },
    testTimeoutMs,
  );

  test(
    "an image says how it is to live: an operating system boots, a program runs",
    async () => {
      const flags = ["--tls-verify=false"];
      const layout = await debianBaseLayout("bookworm");
      const debian = (await registry.push(layout, "debian", { tag: "bookworm" })).reference;
      const system =
        "an operating system (Debian GNU/Linux 12 (bookworm)) without a program of its own";
      const inspect = async (reference: string, ...words: string[]) =>
        JSON.parse(
          await mbctlOut(here, ["oci", "inspect", reference, ...flags, "--json", ...words]),
        );
      // Its layer is read from the registry, and not kept.
      expect(await inspect(debian)).toMatchObject({ mode: "base", modeReason: system });
      const { images } = JSON.parse(await mbctlOut(here, ["cache", "list", "--json"]));
      expect(images.filter(({ image }: { image: string }) => image === debian)).toEqual([]);

      const pull = async (...words: string[]) =>
        (await mbctl(here, ["machines", "pull", debian, "system", ...flags, "--dry-run", ...words]))
          .stderr;
      expect(await pull()).toMatch(/^mode base: an operating system \(Debian/m);
      expect(await pull("--", "sleep", "1")).toMatch(/^mode direct: a program was named for it$/m);
      expect(await pull("--mode=direct")).not.toMatch(/^mode /m);

      expect(await pull("--mode=app")).toMatch(/^mbctl: .* there is no base to run it in$/m);
      expect(await pull("--mode=base", "--base=other")).toMatch(/^mbctl: Cannot use --base with /m);

      const nginx = (await registry.pushReal("nginx")).reference;
      expect(await inspect(nginx)).toMatchObject({
        mode: "direct",
        modeReason:
          "an image with a program of its own, /docker-entrypoint.sh nginx -g 'daemon off;'",
      });
    },
    testTimeoutMs,
  );
});
