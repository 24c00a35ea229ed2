/** The verbs beside pull and shell, as an administrator uses them. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Host } from "../lab/host.ts";
import { makeBusyboxImage } from "../lab/images/busybox_image.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { keys } from "../lab/pty.ts";
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

describe.each(testedHosts)("on %s", (os) => {
  let lab: Lab;
  let host: Host;
  let registry: Registry;
  const image = { oci: "", docker: "", digest: "" };

  beforeAll(async () => {
    lab = await startLab({ hosts: [{ name: "hosta", os }], mbctl: true });
    host = lab.host("hosta");
    registry = await Registry.start(host);
    const config = {
      Entrypoint: ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1000 & wait $!; done"],
      Volumes: { "/data": {}, "/etc/app": {} },
    };
    const files = [
      { path: "data/", type: "dir" as const, mode: 0o750, uid: 33, gid: 44 },
      { path: "data/kept", content: "from the image\n", mode: 0o640, uid: 33, gid: 44 },
      { path: "etc/app/", type: "dir" as const },
      { path: "etc/app/app.conf", content: "a = 1\n" },
    ];
    const oci = await makeBusyboxImage(join(lab.dir, "oci"), { config, files });
    const docker = await makeBusyboxImage(join(lab.dir, "docker"), {
      config,
      files,
      mediaTypes: "docker",
    });
    const pushed = await registry.push(oci.dir, "app");
    image.oci = pushed.reference;
    image.digest = pushed.digest;
    image.docker = (await registry.push(docker.dir, "docker/app", { tag: "1.0" })).reference;
    await host.copyIn(oci.dir, "/root/app");
  }, labTimeoutMs);

  afterAll(async () => await lab[Symbol.asyncDispose](), labTimeoutMs);

  const mounts = ["--mount=/data=data", "--mount=/etc/app=config"];
  const remove = async (name: string) =>
    await mbctlOut(host, ["machines", "remove", name, "--stop", "--yes"]);

  test(
    "pull asks what is to become of each volume",
    async () => {
      await using pty = host.pty(
        ["mbctl", "machines", "pull", image.oci, "asked", "--tls-verify=false"],
        { cols: 120 },
      );
      await pty.waitFor(/\/data/);
      pty.send(keys.enter);
      await pty.waitFor(/\/etc\/app/);
      pty.send(keys.down);
      pty.send(keys.down);
      pty.send(keys.enter);
      await pty.waitFor(/Path on the host/);
      pty.send("/srv/app-settings");
      pty.send(keys.enter);
      await pty.waitFor(/3[0-9a-f]{2}:[0-9a-f:]+/, 30_000);
      expect(await pty.exited).toBe(0);
      expect(await host.readFile("/srv/app-settings/app.conf")).toBe("a = 1\n");
      const stat = await host.run([
        "stat",
        "-c",
        "%a %u %g %n",
        "/var/lib/man8machine_storage/asked/data/kept",
      ]);
      expect(stat.stdout).toBe("640 33 44 /var/lib/man8machine_storage/asked/data/kept\n");

      const gone = await mbctl(host, ["machines", "remove", "asked", "--yes"]);
      expect(gone).toEqual({ exitCode: 0, stdout: "", stderr: "left alone: /srv/app-settings\n" });
      expect(await host.readFile("/srv/app-settings/app.conf")).toBe("a = 1\n");
      expect(await tracesOfMachines(host)).toEqual([]);
    },
    testTimeoutMs,
  );

  test("pull without a terminal names the flag that answers", async () => {
    const { exitCode, stderr } = await mbctl(host, [
      "machines",
      "pull",
      image.oci,
      "mute",
      "--tls-verify=false",
    ]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(
      /hint: answer with --mount \/data=config\|data\|skip\|\/path\/on\/the\/host\n$/,
    );
    expect(await tracesOfMachines(host)).toEqual([]);
  });

  test(
    "an image comes by digest, as Docker schema 2, from a layout, an archive and a folder",
    async () => {
      const flags = ["--tls-verify=false", ...mounts];
      await host.run([
        "skopeo",
        "copy",
        "--quiet",
        "oci:/root/app:latest",
        "docker-archive:/root/app.tar:app:1",
      ]);
      await host.run(["skopeo", "copy", "--quiet", "oci:/root/app:latest", "dir:/root/app.dir"]);
      const sources = [
        `${image.oci.replace(/:latest$/, "")}@${image.digest}`,
        image.docker,
        "oci:/root/app:latest",
        "docker-archive:/root/app.tar:app:1",
        "dir:app.dir",
      ];
      for (const source of sources) {
        await mbctlOut(host, ["machines", "pull", source, "one", ...flags, "--start"], {
          cwd: "/root",
        });
        expect(await mbctlOut(host, ["machines", "list"])).toMatch(/^one +running /m);
        const shown = await mbctlOut(host, ["machines", "show", "one"]);
        expect(shown).toMatch(
          /^digest +sha256:[0-9a-f]{64} +\/var\/lib\/man8machine_configs\/one\/machine\.toml$/m,
        );
        await remove("one");
      }
      expect(await tracesOfMachines(host)).toEqual([]);
    },
    testTimeoutMs,
  );

  test("a dry run prints the steps that the run takes, and changes nothing", async () => {
    const words = ["machines", "pull", "oci:/root/app:latest", "dry", ...mounts];
    const planned = (await mbctlOut(host, [...words, "--dry-run"])).split("\n");
    expect(await tracesOfMachines(host)).toEqual([]);
    const { stderr } = await mbctl(host, ["-v", ...words]);
    const said = stderr.split("\n");
    expect(planned.length).toBeGreaterThan(15);
    expect(planned.filter((step) => !said.includes(step))).toEqual([]);
    const removal = (await mbctlOut(host, ["machines", "remove", "dry", "--dry-run"])).split("\n");
    const removed = (await mbctl(host, ["-v", "machines", "remove", "dry", "--yes"])).stderr.split(
      "\n",
    );
    expect(removal.filter((step) => !removed.includes(step))).toEqual([]);
  });

  test(
    "start, restart, stop, enable and disable take several machines",
    async () => {
      for (const name of ["one", "two"])
        await mbctlOut(host, ["machines", "pull", "oci:/root/app:latest", name, ...mounts]);
      await mbctlOut(host, ["machines", "start", "one", "two"]);
      const states = async () =>
        JSON.parse(await mbctlOut(host, ["machines", "list", "--json"])).machines;
      expect(await states()).toMatchObject([
        { name: "one", state: "running", startsAtBoot: false },
        { name: "two", state: "running", startsAtBoot: false },
      ]);
      await mbctlOut(host, ["machines", "enable", "one"]);
      await mbctlOut(host, ["machines", "restart", "one"]);
      await mbctlOut(host, ["machines", "stop", "two"]);
      expect(await states()).toMatchObject([
        { name: "one", state: "running", startsAtBoot: true },
        { name: "two", state: "stopped", startsAtBoot: false },
      ]);
      await mbctlOut(host, ["machines", "disable", "one"]);
      expect((await states())[0].startsAtBoot).toBe(false);
      await mbctlOut(host, ["machines", "enable", "one"]);
      const both = await mbctl(host, ["machines", "start", "one", "three"]);
      expect(both).toEqual({
        exitCode: 2,
        stdout: "",
        stderr:
          'mbctl: Cannot find the machine "three": there is no such machine\nhint: there are: one, two\n',
      });
      await remove("one");
      await remove("two");
      expect(await tracesOfMachines(host)).toEqual([]);
      expect(
        (await host.run(["systemctl", "list-units", "--failed", "--plain", "--no-legend"])).stdout,
      ).not.toMatch(/nspawn/);
    },
    testTimeoutMs,
  );

  test("a machine whose systemd-nspawn was killed starts again", async () => {
    await mbctlOut(host, [
      "machines",
      "pull",
      "oci:/root/app:latest",
      "killed",
      ...mounts,
      "--start",
    ]);
    const unit = "systemd-nspawn@killed.service";
    await host.sh('kill -9 "$(systemctl show --property=MainPID --value "$1")"', [unit]);
    await waitFor(
      async () => /^killed +failed \(signal\) /m.test(await mbctlOut(host, ["machines", "list"])),
      {
        what: "systemd to see it",
      },
    );
    await mbctlOut(host, ["machines", "start", "killed"]);
    expect(await mbctlOut(host, ["machines", "list"])).toMatch(/^killed +running /m);
    await remove("killed");
  });

  test(
    "remove asks on a terminal, and takes no for an answer",
    async () => {
      await mbctlOut(host, ["machines", "pull", "oci:/root/app:latest", "precious", ...mounts]);
      const before = await tracesOfMachines(host);
      await using pty = host.pty(["mbctl", "machines", "remove", "precious"]);
      await pty.waitFor(/Remove the machine "precious"/);
      pty.send("n");
      expect(await pty.exited).toBe(130);
      expect(await tracesOfMachines(host)).toEqual(before);
      await remove("precious");
    },
    testTimeoutMs,
  );

  test("download gives the root tree and the configuration, man8init makes it bootable", async () => {
    await mbctlOut(host, ["oci", "download", "oci:/root/app:latest", "tree"], { cwd: "/root" });
    expect((await host.sh("ls -A /root/tree")).stdout).not.toMatch(/man8/);
    expect(JSON.parse(await host.readFile("/root/tree.config.json")).config.Volumes).toHaveProperty(
      "/data",
    );
    const again = await mbctl(host, ["oci", "download", "oci:/root/app:latest", "tree"], {
      cwd: "/root",
    });
    expect(again.exitCode).toBe(4);
    // What a run leaves that is killed just before its last step: the next one makes all of it anew.
    await host.sh("cd /root && mv tree .mbctl-new.tree && echo half > tree.config.json");
    await mbctlOut(host, ["oci", "download", "oci:/root/app:latest", "tree"], { cwd: "/root" });
    expect((await host.sh("ls -A /root")).stdout).not.toMatch(/mbctl-/);
    expect(JSON.parse(await host.readFile("/root/tree.config.json"))).toHaveProperty("config");
    await mbctlOut(host, ["oci", "man8init", "tree"], { cwd: "/root" });
    const first = (
      await host.sh("cd /root/tree && find man8s-init -type f | sort | xargs sha256sum")
    ).stdout;
    await host.sh(
      "echo broken > /root/tree/man8s-init/00-init.sh; touch /root/tree/man8s-init/old",
    );
    await mbctlOut(host, ["oci", "man8init", "/root/tree"]);
    const second = (
      await host.sh("cd /root/tree && find man8s-init -type f | sort | xargs sha256sum")
    ).stdout;
    expect(second).toBe(first);
    expect(first).toMatch(/ man8s-init\/00-init\.sh\n/);
    await host.run(["rm", "-rf", "/root/tree", "/root/tree.config.json"]);
  });
});
