/** The image store on a real host: fetched once, used offline, carried to another host, damaged, pruned, shared. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Host } from "../lab/host.ts";
import { makeBusyboxImage } from "../lab/images/busybox_image.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { Registry } from "../lab/registry.ts";
import { labTimeoutMs, mbctl, mbctlOut, testedHost, testTimeoutMs } from "./_lab.ts";

const cmd = ["/bin/sh", "-c", "echo @@$(cat /version); exec sleep 600"];

describe.each(testedHost)("on %s", (os) => {
  let lab: Lab;
  let host: Host;
  let registry: Registry;
  let image = "";
  const layouts: string[] = [];

  beforeAll(async () => {
    lab = await startLab({
      hosts: [
        { name: "hosta", os },
        { name: "hostb", os },
      ],
      mbctl: true,
    });
    host = lab.host("hosta");
    registry = await Registry.start(host);
    for (const version of ["one", "two", "three"]) {
      const layout = join(host.dir, `image-${version}`);
      await makeBusyboxImage(layout, {
        config: { Cmd: cmd },
        files: [{ path: "version", content: version }],
      });
      layouts.push(layout);
    }
    image = (await registry.push(layouts[0] ?? "", "app")).reference;
  }, labTimeoutMs);
  afterAll(async () => await lab[Symbol.asyncDispose](), labTimeoutMs);

  const pull = (name: string, ...more: string[]) => [
    ...["machines", "pull", image, name, "--tls-verify=false", ...more],
  ];
  const versionOf = async (name: string) =>
    (await host.run(["cat", `/var/lib/man8machines/${name}/version`])).stdout;
  const remove = (name: string) => mbctlOut(host, ["machines", "remove", name, "--stop", "--yes"]);
  const layerOf = async (reference: string) => {
    const facts = JSON.parse(await mbctlOut(host, ["oci", "inspect", reference, "--json"]));
    return {
      digest: facts.layers.at(-1).digest as string,
      manifest: facts.manifestDigest as string,
    };
  };
  const blob = (digest: string) => `/var/cache/mbctl/blobs/${digest.replace(":", "/")}`;

  test("no host has umoci", async () => {
    const { exitCode } = await host.run(["sh", "-c", "command -v umoci"], { allowFailure: true });
    expect(exitCode).not.toBe(0);
  });

  test(
    "with the registry stopped a second machine is made of the store, and starts",
    async () => {
      await mbctlOut(host, pull("first"));
      await registry.down();
      try {
        await mbctlOut(host, pull("second", "--start"));
        expect(await versionOf("second")).toBe("one");
        await mbctlOut(host, pull("third", "--pull=never"));
        expect(await versionOf("third")).toBe("one");
        const newer = await mbctl(host, pull("fourth", "--pull=newer"));
        expect(newer.exitCode).toBe(0);
        expect(newer.stderr).toMatch(
          /^warning: cannot ask the registry whether .*: taking what it named at /m,
        );
        const always = await mbctl(host, pull("fifth", "--pull=always"));
        expect([always.exitCode, always.stderr]).toEqual([
          5,
          expect.stringMatching(/connection refused/),
        ]);
        const never = await mbctl(host, [
          ...["machines", "pull", "localhost:5000/other", "sixth", "--pull=never"],
        ]);
        expect([never.exitCode, never.stderr]).toEqual([
          1,
          'mbctl: Cannot use image "localhost:5000/other:latest": the image is not in the store, and --pull never forbids to fetch it\nhint: run the command without --pull never, or bring the image: mbctl oci load FILE\n',
        ]);
      } finally {
        await registry.up();
      }
      for (const name of ["second", "third", "fourth"]) await remove(name);
    },
    testTimeoutMs,
  );

  test(
    "a tag that has moved: missing keeps the old image, newer takes the new one, the old one is kept by its digest",
    async () => {
      const before = await layerOf(image);
      await registry.push(layouts[1] ?? "", "app");
      await mbctlOut(host, pull("old"));
      await mbctlOut(host, pull("new", "--pull=newer"));
      expect([await versionOf("old"), await versionOf("new")]).toEqual(["one", "two"]);
      await registry.down();
      try {
        const pinned = `localhost:5000/app@${before.manifest}`;
        await mbctlOut(host, ["machines", "pull", pinned, "pinned"]);
        expect(await versionOf("pinned")).toBe("one");
      } finally {
        await registry.up();
      }
      for (const name of ["old", "new", "pinned"]) await remove(name);
    },
    testTimeoutMs,
  );

  test(
    "what is saved on one host is loaded on another, which no network reaches, with the same digests",
    async () => {
      const other = lab.host("hostb");
      for (const [path, flags] of [
        ["/srv/app.tar", []],
        ["/srv/layout", ["--format=oci-dir"]],
      ] as const) {
        await mbctlOut(host, ["oci", "save", image, path, ...flags]);
        // skopeo reads it as well as mbctl does.
        const kind = path.endsWith(".tar") ? "oci-archive" : "oci";
        const read = await host.run(["skopeo", "inspect", "--raw", `${kind}:${path}:${image}`]);
        expect(JSON.parse(read.stdout).layers).toHaveLength(2);
        const local = join(host.dir, "carried");
        mkdirSync(local, { recursive: true });
        const packed = (
          await host.sh(`tar -C "$(dirname "$1")" -cf - "$(basename "$1")" | base64 -w0`, [path])
        ).stdout;
        writeFileSync(join(local, "packed.tar"), Buffer.from(packed, "base64"));
        await other.copyIn(local, "/srv/carried");
        await other.sh('rm -rf "$1"; tar -C "$(dirname "$1")" -xf /srv/carried/packed.tar', [path]);
        const { digest } = JSON.parse(await mbctlOut(host, ["oci", "inspect", image, "--json"]));
        expect(await mbctlOut(other, ["oci", "load", path])).toBe(`${image} ${digest}`);
        await mbctlOut(other, ["machines", "pull", image, "carried", "--pull=never"]);
        const toml = (await other.run(["cat", "/var/lib/man8machine_configs/carried/machine.toml"]))
          .stdout;
        expect(toml).toContain(`digest = "${digest}"`);
        await mbctlOut(other, ["machines", "remove", "carried", "--yes"]);
        await mbctlOut(other, ["cache", "clear", "--yes"]);
        expect(
          (await mbctl(other, ["machines", "pull", image, "x", "--pull=never"])).exitCode,
        ).toBe(1);
      }
    },
    testTimeoutMs,
  );

  test(
    "a damaged layer is noticed, thrown out and fetched again; without the registry it is an error that says so",
    async () => {
      const { digest } = await layerOf(image);
      const spoil = () =>
        host.sh('size=$(stat -c %s "$1"); head -c "$size" /dev/zero >"$1"', [blob(digest)]);
      await spoil();
      const healed = await mbctl(host, pull("healed"));
      expect({ exitCode: healed.exitCode, stderr: healed.stderr }).toMatchObject({ exitCode: 0 });
      expect(healed.stderr).toContain(
        `warning: the stored layer ${digest} is damaged: fetching it again`,
      );
      await remove("healed");
      await spoil();
      await registry.down();
      try {
        const { exitCode, stderr } = await mbctl(host, pull("healed"));
        expect(exitCode).toBe(5);
        expect(stderr).toMatch(/connection refused/);
      } finally {
        await registry.up();
      }
      const { stdout } = await host.sh(
        "find /var/lib/man8machines -mindepth 1 -maxdepth 1 -name '*healed*'",
      );
      expect(stdout).toBe("");
      await mbctlOut(host, pull("healed"));
      await remove("healed");
    },
    testTimeoutMs,
  );

  test(
    "pulls of one image at once share the work, and all succeed",
    async () => {
      await mbctlOut(host, ["cache", "clear", "--yes"]);
      const names = ["c1", "c2", "c3"];
      const results = await Promise.all(names.map((name) => mbctl(host, pull(name))));
      expect(
        results.map(({ exitCode, stderr }) => [exitCode, exitCode === 0 ? "" : stderr]),
      ).toEqual(names.map(() => [0, ""]));
      for (const name of names) await remove(name);
    },
    testTimeoutMs,
  );

  test(
    "what a machine uses is never pruned; the rest goes, and the freed bytes are told",
    async () => {
      const other = await registry.push(layouts[2] ?? "", "unused");
      await mbctlOut(host, ["oci", "pull", other.reference, "--tls-verify=false"]);
      await mbctlOut(host, pull("keeper", "--pull=always"));
      const { digest } = await layerOf(image);
      const dry = await mbctlOut(host, ["cache", "prune", "--dry-run"]);
      const said = await mbctlOut(host, ["cache", "prune", "--yes"]);
      expect(dry).toContain("localhost:5000/unused");
      expect(said).toMatch(/freed/i);
      expect((await host.run(["test", "-e", blob(digest)], { allowFailure: true })).exitCode).toBe(
        0,
      );
      const list = JSON.parse(await mbctlOut(host, ["oci", "list", "--json"]));
      expect(JSON.stringify(list)).not.toContain("unused");
      expect(JSON.stringify(list)).toContain("keeper");
      await mbctlOut(host, ["cache", "verify"]);
      await remove("keeper");
    },
    testTimeoutMs,
  );

  test(
    "an image that policy.json rejects is refused, and the rule is named",
    async () => {
      await mbctlOut(host, ["cache", "clear", "--yes"]);
      const policy = "/etc/containers/policy.json";
      await host.sh('[ ! -e "$1" ] || cp "$1" "$1.kept"', [policy]);
      await host.sh("mkdir -p /etc/containers");
      await host.writeFile(
        policy,
        JSON.stringify({
          default: [{ type: "insecureAcceptAnything" }],
          transports: { docker: { "localhost:5000/app": [{ type: "reject" }] } },
        }),
      );
      try {
        const { exitCode, stderr } = await mbctl(host, pull("rejected", "--pull=always"));
        expect(exitCode).toBe(5);
        expect(stderr).toMatch(/the policy refuses it/);
        expect(stderr).toMatch(
          /hint: the rule "reject" of "docker:localhost:5000\/app" in \/etc\/containers\/policy\.json/,
        );
      } finally {
        await host.sh('rm "$1"; [ ! -e "$1.kept" ] || mv "$1.kept" "$1"', [policy]);
      }
      const inspected = JSON.parse(
        await mbctlOut(host, ["oci", "inspect", image, "--tls-verify=false", "--json"]),
      );
      expect(inspected.verifiedBy).toContain("insecureAcceptAnything");
    },
    testTimeoutMs,
  );

  test("oci tags lists what the registry offers", async () => {
    await registry.push(layouts[0] ?? "", "app", { tag: "v1" });
    const answer = await mbctlOut(host, [
      "oci",
      "tags",
      "localhost:5000/app",
      "--tls-verify=false",
      "--json",
    ]);
    expect(JSON.parse(answer)).toMatchObject({
      repository: "localhost:5000/app",
      tags: ["latest", "v1"],
    });
  });

  test(
    "cache list says what is kept and whether trees are; progress is JSON lines, or silence, as one likes",
    async () => {
      const { treePolicy, images } = JSON.parse(await mbctlOut(host, ["cache", "list", "--json"]));
      expect(treePolicy).toEqual({ cloning: "copy", setting: "auto", kept: false });
      expect(images.length).toBeGreaterThan(0);
      expect(await mbctlOut(host, ["cache", "list"])).toContain(
        'a machine\'s tree is a copy in full: trees are not kept (image_trees = "auto")',
      );
      const events = await mbctl(host, pull("loud", "--progress=json"));
      expect(events.exitCode).toBe(0);
      const lines = events.stderr.trim().split("\n");
      const kinds = lines.map((line) => JSON.parse(line).event);
      expect(kinds).toContain("start");
      expect(kinds).toContain("done");
      const silent = await mbctl(host, pull("silent", "--quiet"));
      expect([silent.exitCode, silent.stderr]).toEqual([0, ""]);
      for (const name of ["loud", "silent"]) await remove(name);
    },
    testTimeoutMs,
  );
});
