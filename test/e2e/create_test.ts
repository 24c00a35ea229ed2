/**
 * Making a whole system and not coming to its end: a mirror that is away or lies, Ctrl-C, a kill. Nothing of it stays: no
 * process, no mount, no interface, no tree. test/e2e/base_test.ts has those that are made.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { DebianMirror } from "../lab/debian_mirror.ts";
import type { Host } from "../lab/host.ts";
import { debianBaseLayout } from "../lab/images/debian_base.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { Registry } from "../lab/registry.ts";
import { waitFor } from "../lab/wait_for.ts";
import { installImages } from "./_machines.ts";
import {
  labTimeoutMs,
  mbctl,
  mbctlOut,
  testedHost,
  testTimeoutMs,
  tracesOfMachines,
} from "./_lab.ts";

/** An image that calls itself Debian, and what it has for a package manager. */
const debianLike = (aptGet: string) => ({
  config: {},
  files: [
    { path: "etc/os-release", content: 'ID=debian\nPRETTY_NAME="A Debian"\n' },
    { path: "bin/apt-get", mode: 0o755, content: `#!/bin/sh\n${aptGet}\n` },
  ],
});

const images = {
  // What root of the host could do.
  thief: debianLike(`read -r inside outside count </proc/self/uid_map
echo "uid $outside pids $(ls /proc | grep -c '^[0-9]')"
mknod /disk b 8 0 && echo "a disk"
echo b >/proc/sysrq-trigger && echo "a reboot"
ls /sys/class/net | grep -q srvgrp0 && echo "the host's network"
kill -9 1; exit 3`),
  liar: debianLike("exit 0"),
  flood: debianLike("yes"),
};

describe.each(testedHost)("machines create on %s", (os) => {
  let lab: Lab;
  let host: Host;
  let mirror: DebianMirror;
  let reference: string;

  beforeAll(async () => {
    lab = await startLab({ hosts: [{ name: "hosta", os, packages: ["mmdebstrap"] }], mbctl: true });
    host = lab.host("hosta");
    mirror = await DebianMirror.start(host);
    const registry = await Registry.start(host);
    await installImages(host, images);
    ({ reference } = await registry.push(await debianBaseLayout("trixie"), "debian", { tag: "x" }));
  }, labTimeoutMs);
  afterAll(async () => {
    await mirror?.[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
  }, labTimeoutMs);

  /** What there is beside files: programs at work for a machine, its mounts, its cable, and litter. */
  const present = async () => {
    const { stdout } = await host.sh(
      `pgrep -xl 'mmdebstrap|systemd-nspawn|apt-get|dpkg' || true
       grep man8machines /proc/mounts || true
       ip -brief link | grep -o '^vb-[^ ]*' || true
       ls -d /tmp/mmdebstrap* /root/.gnupg 2>/dev/null || true
       systemctl list-units --plain --no-legend '*.scope' | grep -v init.scope || true`,
    );
    return stdout;
  };
  const make = ["machines", "create", "Box", "--os", "debian:12"];

  test(
    "a mirror that is away, or whose packages nobody signed, is an error in the bootstrapper's words",
    async () => {
      await using server = host.start([
        "busybox",
        "httpd",
        "-f",
        "-p",
        "127.0.0.1:8099",
        "-h",
        "/srv",
      ]);
      await host.writeFile(
        "/srv/dists/bookworm/InRelease",
        "Suite: bookworm\nCodename: bookworm\n",
      );
      for (const [url, words] of [
        ["http://127.0.0.1:9/debian", /127\.0\.0\.1:9|Connection refused/],
        ["http://127.0.0.1:8099", /is not signed|not valid|NODATA|unsigned|Clearsigned/i],
      ] as const) {
        const { exitCode, stderr } = await mbctl(host, [...make, "--mirror", url]);
        expect([url, exitCode]).toEqual([url, 5]);
        expect(stderr).toContain("mbctl: Cannot make the system: mmdebstrap failed\n");
        expect(stderr).toMatch(words);
        expect(await tracesOfMachines(host)).toEqual([]);
        expect(await present()).toBe("");
      }
      expect(server.stderr()).toBe("");
    },
    testTimeoutMs,
  );

  test(
    "a dry run shows the bootstrapper's command, and does nothing",
    async () => {
      const words = [...make, "--mirror", mirror.url, "--packages", "git,make", "--dry-run"];
      const shown = await mbctlOut(host, words);
      expect(shown).toMatch(
        /mmdebstrap .*,git,make .* bookworm \/var\/lib\/man8machines\/\.mbctl-new\.Box /,
      );
      expect(await tracesOfMachines(host)).toEqual([]);
    },
    testTimeoutMs,
  );

  test(
    "an image's package manager is contained, and its end is an error that says what it said",
    async () => {
      for (const [image, message] of [
        ["thief", "Cannot make a system of A Debian: its apt-get failed"],
        [
          "liar",
          "Cannot make a system of A Debian: its apt-get was content, and systemd, dbus or logins are missing still",
        ],
        ["flood", 'Cannot run "systemd-nspawn": it writes more than 16777216 bytes'],
      ] as const) {
        const words = ["machines", "pull", `oci:/srv/images:${image}`, "Box", "--mode", "base"];
        const { exitCode, stderr } = await mbctl(host, words);
        expect([image, exitCode]).toEqual([image, 5]);
        expect(stderr).toContain(`mbctl: ${message}\n`);
        if (image === "thief") {
          const [, uid, pids] = /uid (\d+) pids (\d+)/.exec(stderr) ?? [];
          expect([Number(uid) >= 65536, Number(pids) < 20]).toEqual([true, true]);
          expect(stderr).not.toMatch(/a disk|a reboot|the host's network/);
        }
        expect(await tracesOfMachines(host)).toEqual([]);
        expect(await present()).toBe("");
      }
    },
    testTimeoutMs,
  );

  const distribution = {
    name: "a distribution",
    words: () => [...make, "--mirror", mirror.url],
  };
  const image = {
    name: "an image without systemd",
    words: () => ["machines", "pull", reference, "Box", "--tls-verify=false", "--mode", "base"],
  };

  test.each([
    { ...distribution, signal: "SIGKILL" },
    { ...image, signal: "SIGINT" },
    { ...image, signal: "SIGKILL" },
  ] as const)(
    "of $name, ended by $signal, leaves nothing",
    async ({ words, signal }) => {
      await using run = host.start(["mbctl", ...words()]);
      await waitFor(
        async () => {
          const found = await host.run(["pgrep", "^dpkg"], { allowFailure: true });
          return found.exitCode === 0;
        },
        { timeoutMs: 60_000, what: "packages to be unpacked", explain: () => run.stderr() },
      );
      await run.kill(signal);
      const { exitCode } = await run.exited;
      expect(exitCode).toBe(signal === "SIGINT" ? 130 : 137);
      // What was killed is taken back by the next mbctl that looks; its processes and mounts are gone by themselves.
      await waitFor(async () => (await present()) === "", {
        what: "processes, mounts and interfaces to be gone",
        explain: present,
      });
      if (signal === "SIGKILL") await mbctlOut(host, ["machines", "recover"]);
      expect(await tracesOfMachines(host)).toEqual([]);
    },
    testTimeoutMs,
  );
});
