/** Machines on their way from one host to another, over a real ssh. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { dirname } from "node:path";
import type { Host } from "../lab/host.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { waitFor } from "../lab/wait_for.ts";
import {
  labTimeoutMs,
  mbctl,
  mbctlOut,
  testedHosts,
  testTimeoutMs,
  tracesOfMachines,
} from "./_lab.ts";
import { joinBySsh, sshPackages } from "./_ssh.ts";
import { dataPath, installImages, pull, waitForMark } from "./_machines.ts";
import { inside, takePort } from "./_network.ts";

const images = {
  Web: {
    config: {
      Cmd: ["sh", "-c", "cat /run/secrets/token; echo; echo @@ready; exec httpd -f -p 80 -h /data"],
      Volumes: { "/data": {}, "/conf": {} },
    },
    files: [
      { path: "data/", type: "dir" },
      { path: "data/index.html", content: "a page\n" },
      { path: "conf/", type: "dir" },
    ],
  },
} as const;

/** On the other host: whoever holds it moves a machine to that name. */
const claim = "/run/mbctl/lock/.move-web.lock";

describe.each(testedHosts)("on %s, machines move", (os) => {
  let lab: Lab;
  let a: Host;
  let b: Host;

  beforeAll(async () => {
    const packages = [...sshPackages, "rsync"];
    const hosts = ["hosta", "hostb"].map((name) => ({ name, os, packages }));
    lab = await startLab({ hosts, mbctl: true });
    [a, b] = [lab.host("hosta"), lab.host("hostb")];
    await joinBySsh(lab, "hosta", "hostb");
    // The other host cannot have it: the root tree is sent.
    await installImages(a, images);
  }, labTimeoutMs);
  afterAll(async () => await lab?.[Symbol.asyncDispose](), labTimeoutMs);

  async function makeWeb(): Promise<void> {
    await pull(a, "web", ["--mount=/data=data", "--mount=/conf=config", "--publish=8080:80"]);
    await a.sh(`
      printf s3cr3t | mbctl secrets set web token --yes
      echo mine > /var/lib/man8machine_configs/web/conf/mine
      chown 1234:999 /var/lib/man8machine_configs/web/conf/mine
      truncate -s 100M ${dataPath("web", "/data")}/holes
      echo 'HAND=made' >> /var/lib/man8machine_configs/web/man8env.env
      mbctl machines enable web; mbctl machines start web`);
    await waitForMark(a, "web", "ready");
  }

  /** Puts a case of sh before the other host's mbctl; none takes it away. */
  async function instead(line?: string): Promise<void> {
    const script = `#!/bin/sh\ncase "$*" in ${line} esac\nexec /usr/local/bin/mbctl.real "$@"\n`;
    if (line === undefined) await b.sh("mv /usr/local/bin/mbctl.real /usr/local/bin/mbctl");
    else {
      await b.sh("mv /usr/local/bin/mbctl /usr/local/bin/mbctl.real");
      await b.writeFile("/usr/local/bin/mbctl", script, "0755");
    }
  }

  /** Whatever is left of machines on a host. */
  async function nothingOn(host: Host): Promise<void> {
    expect(await tracesOfMachines(host)).toEqual([]);
  }

  test(
    "says before it begins whether the other host would take it",
    async () => {
      await makeWeb();
      const shown = await mbctlOut(a, [
        ...["machines", "move", "web", "ssh://root@hostb", "--dry-run"],
      ]);
      expect(shown).toContain("a port of the host that leads to it: 8080:80");
      await nothingOn(b);
      const unasked = await mbctl(a, ["machines", "move", "web", "ssh://root@hostb"]);
      expect({ exitCode: unasked.exitCode, asks: unasked.stderr.includes("--yes") }).toEqual({
        ...{ exitCode: 2, asks: true },
      });
      for (const [target, state] of [
        ["ssh://root@-oProxyCommand=x", "it is no ssh:// address"],
        ["ssh://root@nowhere.invalid", "ssh cannot connect"],
      ] as const) {
        const { stderr } = await mbctl(a, ["machines", "move", "web", target, "--yes"]);
        expect(stderr).toContain(state);
      }
      await nothingOn(b);
    },
    testTimeoutMs,
  );

  test(
    "leaves it running here when it cannot run there",
    async () => {
      const { stdout: pid } = await a.run(["systemctl", "is-active", "systemd-nspawn@web.service"]);
      expect(pid.trim()).toBe("active");
      const move = ["machines", "move", "web", "ssh://root@hostb", "--yes"];
      // Its port is taken there: that is seen before.
      await takePort(b, 8080);
      const early = await mbctl(a, move);
      await b.sh("systemctl stop taker");
      expect({ exitCode: early.exitCode, stderr: early.stderr }).toEqual({
        exitCode: 1,
        stderr: expect.stringContaining("port 8080/tcp of the host is taken"),
      });
      expect(early.stderr).not.toContain("stays here");
      // Another host moves one to that name.
      await b.sh(`
        mkdir -p ${dirname(claim)}
        systemd-run --quiet --unit=mover flock ${claim} sleep infinity
        while flock -n ${claim} true; do sleep 0.1; done`);
      const second = await mbctl(a, move);
      await b.sh("systemctl stop mover");
      expect({ exitCode: second.exitCode, stderr: second.stderr }).toEqual({
        exitCode: 4,
        stderr: expect.stringContaining("another mbctl does"),
      });
      // It does not start there: that is seen late.
      await instead('*"machines start"*) exit 7;;');
      const late = await mbctl(a, move);
      await instead();
      expect({ exitCode: late.exitCode, stderr: late.stderr }).toEqual({
        exitCode: 1,
        stderr: expect.stringContaining('"web" stays here'),
      });
      await nothingOn(b);
      // Neither can it be removed there.
      await instead('*"machines start"*) exit 7;; *"machines remove"*) exit 255;;');
      const lost = await mbctl(a, move);
      await instead();
      expect(lost.stderr).toContain("mbctl machines remove web --stop");
      await mbctlOut(b, ["machines", "remove", "web", "--stop", "--yes"]);
      await nothingOn(b);
      expect(await mbctlOut(a, ["machines", "list"])).toMatch(/^web .*running/m);
      expect(await inside(a, "web", "cat /data/index.html")).toBe("a page\n");
    },
    testTimeoutMs,
  );

  test(
    "is killed when it has stopped it: the next mbctl starts it again",
    async () => {
      await instead('*"import - --name web --yes"*) touch /run/reached; exec sleep 60;;');
      const move = a.start(["mbctl", "machines", "move", "web", "ssh://root@hostb", "--yes"]);
      await waitFor(
        async () => (await b.sh("test -e /run/reached && echo yes || true")).stdout === "yes\n",
        { what: "the archive to be on its way" },
      );
      // Nobody else moves a machine to that name meanwhile.
      expect((await b.sh(`flock -n ${claim} true && echo free || echo taken`)).stdout).toBe(
        "taken\n",
      );
      await move.kill("SIGKILL");
      await move.exited;
      await instead();
      expect(await mbctlOut(a, ["machines", "list"])).not.toMatch(/^web .*running/m);
      await mbctlOut(a, ["machines", "start", "web"]);
      await waitForMark(a, "web", "ready");
      // What was copied is there for the next move.
      expect(await tracesOfMachines(b)).toEqual(["/var/lib/man8machine_storage/.mbctl-new.web"]);
    },
    testTimeoutMs,
  );

  test(
    "takes it there with data, secrets, edits and boot entry, and leaves nothing here",
    async () => {
      const address = await mbctlOut(a, ["machines", "move", "web", "ssh://root@hostb", "--yes"]);
      await nothingOn(a);
      expect(address).toBe(await mbctlOut(b, ["address", "get", "web"]));
      await waitForMark(b, "web", "ready");
      expect(await inside(b, "web", "cat /conf/mine /run/secrets/token")).toBe("mine\ns3cr3t");
      const { stdout } = await b.sh(`
        stat -c '%u:%g' /var/lib/man8machine_configs/web/conf/mine
        stat -c '%s' ${dataPath("web", "/data")}/holes
        test $(du -k ${dataPath("web", "/data")}/holes | cut -f1) -lt 100 && echo sparse
        grep HAND /var/lib/man8machine_configs/web/man8env.env
        systemctl is-enabled systemd-nspawn@web.service
        grep -rl s3cr3t /var/lib/man8machine_configs /etc || echo sealed`);
      expect(stdout).toBe("1234:999\n104857600\nsparse\nHAND=made\nenabled\nsealed\n");
      // Both hosts know of it: the one that it left reaches it by its name.
      await waitFor(
        async () =>
          (await a.sh("curl -s -m 2 http://web.hostb/ || true")).stdout === "a page\n" &&
          (await b.sh("curl -s -m 2 http://127.0.0.1:8080/ || true")).stdout === "a page\n",
        {
          what: "the page",
          explain: async () => (await a.sh("getent hosts web.hostb; cat /etc/hosts")).stdout,
        },
      );
    },
    testTimeoutMs,
  );

  test(
    "refuses a name that is in use there, and takes another; without rsync too",
    async () => {
      await makeWeb();
      const taken = await mbctl(a, ["machines", "move", "web", "ssh://root@hostb", "--yes"]);
      expect({ exitCode: taken.exitCode, stderr: taken.stderr }).toEqual({
        exitCode: 1,
        stderr: expect.stringContaining("the name is in use by"),
      });
      await b.sh("mv /usr/bin/rsync /usr/bin/rsync.off");
      const words = ["machines", "move", "web", "ssh://root@hostb", "--name", "www", "--keep"];
      const clash = await mbctl(a, [...words, "--yes"]);
      expect(clash.stderr).toContain("8080");
      await mbctlOut(a, [...words, "--publish", "8081:80", "--yes"]);
      await waitForMark(b, "www", "ready");
      expect(await inside(b, "www", "cat /data/index.html /run/secrets/token")).toBe(
        "a page\ns3cr3t",
      );
      await waitFor(
        async () =>
          (await b.sh("curl -s -m 2 http://127.0.0.1:8081/ || true")).stdout === "a page\n",
        { what: "the page at its other port" },
      );
      expect(await mbctlOut(a, ["machines", "list"])).toMatch(/^web .*stopped/m);
      const enabled = await a.sh("systemctl is-enabled systemd-nspawn@web.service || true");
      expect(enabled.stdout.trim()).toBe("disabled");
    },
    testTimeoutMs,
  );
});
