/** Podman's words on a real host: flags of `machines pull`, and commands, compose files and quadlets that become machines. */

import { beforeAll, describe, expect, test } from "bun:test";
import { parseMachineToml } from "../../lib/spec/machine_toml.ts";
import type { Host } from "../lab/host.ts";
import { expectGolden } from "../golden/golden.ts";
import { labTimeoutMs, mbctl, mbctlOut, testedHost, testTimeoutMs } from "./_lab.ts";
import { dataPath, hostWith, journalOf, pull, unitOf, waitForMark } from "./_machines.ts";

/** Writes down how it was started, and stays. */
const say = `#!/bin/sh
mount | grep ' /dev/shm ' | tail -n 1 | grep -o 'size=[0-9]*k' >/out/shm
{ id -u; pwd; echo "$GREETING"; echo "$FROM_FILE"; printf '<%s>' "$@"; echo; } >/out/said
echo @@ready
exec sleep 1000
`;
const images = {
  App: {
    files: [
      { path: "bin/say", mode: 0o755, content: say },
      { path: "out/", type: "dir", mode: 0o1777 },
      { path: "srv/", type: "dir", mode: 0o755 },
    ] as const,
    config: { Entrypoint: ["say"], Cmd: ["of the image"], Volumes: { "/out": {} } },
  },
};
const image = "oci:/srv/images:app";

describe.each(testedHost)("on %s", (os) => {
  const hostOf = hostWith(os, images);
  let host: Host;
  beforeAll(() => {
    host = hostOf();
  }, labTimeoutMs);

  const readToml = async (name: string) =>
    (await host.run(["cat", `/var/lib/man8machine_configs/${name}/machine.toml`])).stdout;
  const said = async (name: string) =>
    (await host.run(["cat", dataPath(name, "/out/said")])).stdout.trimEnd().split("\n");

  test(
    "machines pull keeps all that its flags say in machine.toml",
    async () => {
      await host.writeFile("/srv/app.env", "# of a file\nFROM_FILE=a b\n");
      const flags = [
        ...[
          "--volume",
          "store:/out",
          "--volume",
          "/srv/shared:/shared:ro",
          "--mount",
          "/more=config",
        ],
        ...[
          "--tmpfs",
          "/scratch:size=8m,mode=1777",
          "--env-file",
          "/srv/app.env",
          "-e",
          "GREETING=hi",
        ],
        ...["-m", "256m", "--cpus", "0.5", "--pids-limit", "100", "--restart", "on-failure:3"],
        ...["-u", "1000:1000", "-w", "/srv", "--entrypoint", '["say","first"]', "-l", "team=web"],
        ...[
          "--read-only",
          "--cap-drop",
          "ALL",
          "--cap-add",
          "net_bind_service",
          "--device",
          "/dev/null:/dev/own:rw",
        ],
        ...[
          "--stop-signal",
          "INT",
          "--stop-timeout",
          "20",
          "--requires",
          "db",
          "--publish",
          "8080:80",
        ],
        ...[
          "--secret",
          "pw,env=PW",
          "--secret",
          "key,file=KEY_FILE",
          "--secret",
          "api,type=env,target=API",
        ],
        ...[
          "--health-cmd",
          "test -e /out/said",
          "--health-interval",
          "10s",
          "--health-timeout",
          "5s",
        ],
        ...[
          "--health-start-period",
          "1m",
          "--health-retries",
          "2",
          "--health-on-failure",
          "restart",
        ],
      ];
      await pull(host, "all", [...flags, "--", "second word", "-x"], "App");
      const toml = (await readToml("all")).replaceAll(/sha256:[0-9a-f]{64}/g, "sha256:DIGEST");
      expectGolden("podman/pulled_machine.toml", toml.replace(/^ipv4 = .*$/m, 'ipv4 = "ADDRESS"'));
      await mbctlOut(host, ["machines", "remove", "all", "--yes"]);
    },
    testTimeoutMs,
  );

  test(
    "the program runs as the flags say",
    async () => {
      const flags = ["--volume", "/out", "-u", "1000", "-w", "/srv", "--env-file", "/srv/app.env"];
      await pull(
        host,
        "run",
        [...flags, "--env=GREETING=hi", "--start", "--", "one two", "-x"],
        "App",
      );
      await waitForMark(host, "run", "ready");
      expect(await said("run")).toEqual(["1000", "/srv", "hi", "a b", "<one two><-x>"]);
    },
    testTimeoutMs,
  );

  const refused: readonly (readonly [flags: readonly string[], said: string])[] = [
    [["--volume", "/srv/x:/x:Z"], "Cannot use --volume /srv/x:/x:Z, Z: it has no equivalent"],
    [
      ["--volume", "/srv/x:/out", "--mount", "/out=data"],
      "Cannot use the volume /out: it is given twice",
    ],
    [
      ["--mount", "/nowhere=skip"],
      "Cannot skip the volume /nowhere: the image declares no such volume",
    ],
    [["--memory", "lots"], 'Cannot read the size "lots"'],
    [["--cpus", "0.001"], "Cannot limit a machine to 0.001 processors"],
    [["--env-file", "/srv/none.env"], 'Cannot read "/srv/none.env": there is no such file'],
    [["--restart", "perhaps"], 'Cannot read the restart policy "perhaps"'],
    [["--secret", "pw,evn=A"], 'there is no option "evn"'],
    [
      ["--health-interval", "disable"],
      "Cannot use --health-interval disable: it has no equivalent",
    ],
  ];
  test(
    "machines pull refuses what it cannot keep, and changes nothing",
    async () => {
      for (const [flags, message] of refused) {
        const words = ["machines", "pull", image, "bad", "--mount", "/out=data"];
        const { exitCode, stderr } = await mbctl(host, [...words, ...flags]);
        expect([exitCode, stderr]).toEqual([2, expect.stringContaining(message)]);
      }
      const { stdout } = await host.sh("find /var/lib/man8machine_configs -name '*bad*'");
      expect(stdout).toBe("");
    },
    testTimeoutMs,
  );

  test(
    "a command from a document is a file, and the file a machine",
    async () => {
      const command = `docker run -d --name my_app -e GREETING='it is "me"' -e FROM_FILE=x -p 9090:80 -v out:/out --shm-size 8m --restart unless-stopped --dns 1.1.1.1 ${image} a 'b c'`;
      const { stderr } = await host.sh('mbctl machines from-run "$1" >/srv/app.toml', [command]);
      expect(stderr).toContain("warning: no equivalent: my-app: --dns 1.1.1.1: ");
      await mbctlOut(host, ["machines", "apply", "/srv/app.toml", "--start"]);
      await waitForMark(host, "my-app", "ready");
      expect(await host.readFile(dataPath("my-app", "/out/shm"))).toBe("size=8192k\n");
      expect(await said("my-app")).toEqual(["0", "/", 'it is "me"', "x", "<a><b c>"]);
      const spec = parseMachineToml(await readToml("my-app"), "machine.toml");
      expect(spec).toMatchObject({
        restart: { when: "unless-stopped" },
        boot: true,
        publish: [{ hostPort: 9090, machinePort: 80 }],
      });
      const again = await mbctl(host, ["machines", "apply", "/srv/app.toml"]);
      expect(again.exitCode).toBe(0);
      expect(await startedOnce("my-app")).toBe(true);
    },
    testTimeoutMs,
  );

  test(
    "a compose file is a folder, and the folder machines that wait for each other",
    async () => {
      const service = (greeting: string, more: string) =>
        `image: ${image}\n    environment: {GREETING: ${greeting}, FROM_FILE: x}\n    volumes: [out:/out]\n    ${more}`;
      const compose = `services:
  back:
    ${service("back", "healthcheck: {test: test -e /out/said, interval: 1s}")}
  front:
    ${service("front", "depends_on: {back: {condition: service_healthy}}")}
`;
      await host.writeFile("/srv/stack/compose.yaml", compose);
      const words = ["from-compose", "/srv/stack/compose.yaml", "-o", "/srv/stack/machines"];
      const { exitCode, stdout, stderr } = await mbctl(host, ["machines", ...words]);
      expect([exitCode, stdout]).toEqual([
        0,
        "/srv/stack/machines/back.toml\n/srv/stack/machines/front.toml\n",
      ]);
      expect(stderr).toContain("the volume out: back and front would share it");
      await mbctlOut(host, ["machines", "apply", "/srv/stack/machines", "--start"]);
      for (const name of ["back", "front"]) {
        await waitForMark(host, name, "ready");
        expect((await said(name))[2]).toBe(name);
      }
    },
    testTimeoutMs,
  );

  test(
    "a quadlet is a machine",
    async () => {
      const quadlet = `[Container]\nImage=${image}\nContainerName=leaf\nEnvironment="GREETING=hello leaf" FROM_FILE=x\nVolume=leaf.volume:/out\nUser=1000\nExec=one "two three"\n[Install]\nWantedBy=default.target\n`;
      await host.writeFile("/etc/containers/systemd/leaf.container", quadlet);
      await host.sh(
        "mbctl machines from-quadlet /etc/containers/systemd/leaf.container >/srv/leaf.toml",
      );
      await mbctlOut(host, ["machines", "apply", "/srv/leaf.toml", "--start"]);
      await waitForMark(host, "leaf", "ready");
      expect(await said("leaf")).toEqual(["1000", "/", "hello leaf", "x", "<one><two three>"]);
      const { stdout } = await host.run(["systemctl", "is-enabled", unitOf("leaf")]);
      expect(stdout.trim()).toBe("enabled");
    },
    testTimeoutMs,
  );

  /** Whether a machine's program has begun once only. */
  async function startedOnce(name: string): Promise<boolean> {
    return (await journalOf(host, name)).split("@@ready").length === 2;
  }
});
