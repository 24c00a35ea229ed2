/** A machine that gets another name while it runs: everything of it goes along, and nothing of the old name stays. */

import { beforeAll, describe, expect, test } from "bun:test";
import { waitFor } from "../lab/wait_for.ts";
import { mbctl, mbctlOut, testedHost, testTimeoutMs, tracesOfMachines } from "./_lab.ts";
import { dataPath, hostWith, pull, unitOf, waitForMark } from "./_machines.ts";
import { inside } from "./_network.ts";

const images = {
  // Says what it is told, and serves a page.
  Web: {
    config: {
      Cmd: ["sh", "-c", "echo @@ready; cat /run/secrets/token; exec httpd -f -p 80 -h /data"],
      Volumes: { "/data": {}, "/conf": {} },
    },
    files: [
      { path: "data/", type: "dir" },
      { path: "data/index.html", content: "a page\n" },
      { path: "conf/", type: "dir" },
    ],
  },
} as const;

describe.each(testedHost)("on %s, machines rename", (os) => {
  const host = hostWith(os, images);
  let address: string;

  beforeAll(async () => {
    const flags = ["--mount=/data=data", "--mount=/conf=config", "--publish=8080:80"];
    address = await pull(host(), "web", flags);
    await pull(host(), "api", ["--mount=/data=data", "--mount=/conf=config"], "Web");
    await host().sh(`
      echo 'mine' > /var/lib/man8machine_configs/web/conf/mine
      printf '\\n# by hand\\n[Files]\\nBind=/var/lib/man8machine_storage/web/data:/again\\n' >> /var/lib/man8machine_configs/web/container.nspawn
      echo 'HAND=made' >> /var/lib/man8machine_configs/web/man8env.env
      mkdir -p /etc/systemd/system/systemd-nspawn@web.service.d
      printf '[Service]\\nEnvironment=MINE=web\\n' > /etc/systemd/system/systemd-nspawn@web.service.d/90-mine.conf
      systemctl daemon-reload
      printf 'depends = ["web"]\\n%s' "$(cat /var/lib/man8machine_configs/api/machine.toml)" > /root/api.toml`);
    await mbctlOut(host(), ["machines", "apply", "/root/api.toml"]);
    await mbctlOut(host(), ["machines", "start", "web"]);
    await mbctlOut(host(), ["machines", "enable", "web"]);
    await mbctlOut(host(), ["machines", "snapshot", "web", "before"]);
    await waitForMark(host(), "web", "ready");
  }, testTimeoutMs);

  test(
    "asks before it stops a machine that runs",
    async () => {
      const { exitCode, stderr } = await mbctl(host(), ["machines", "rename", "web", "www"]);
      expect({ exitCode, asks: stderr.includes("--yes") }).toEqual({ exitCode: 2, asks: true });
      expect(await tracesOfMachines(host())).not.toContain("/var/lib/machines/www");
    },
    testTimeoutMs,
  );

  test(
    "gives it another address, and keeps data, edits, ports, boot entry and snapshots",
    async () => {
      const renamed = await mbctlOut(host(), ["machines", "rename", "web", "www", "--yes"]);
      expect(renamed).toBe(await mbctlOut(host(), ["address", "get", "www"]));
      expect(renamed).not.toBe(address);
      await waitForMark(host(), "www", "ready");
      expect(await inside(host(), "www", "ip -6 addr show dev host0")).toContain(renamed);
      expect(await inside(host(), "www", "cat /again/index.html /conf/mine")).toBe(
        "a page\nmine\n",
      );
      const { stdout } = await host().sh(`
        cat /etc/systemd/system/systemd-nspawn@www.service.d/90-mine.conf
        grep HAND /var/lib/man8machine_configs/www/man8env.env
        systemctl is-enabled systemd-nspawn@www.service
        getent ahostsv6 www | head -1 | cut -d ' ' -f 1
        getent hosts web || echo nobody
        cat ${dataPath("www", "/data")}/index.html`);
      expect(stdout).toBe(
        `[Service]\nEnvironment=MINE=web\nHAND=made\nenabled\n${renamed}\nnobody\na page\n`,
      );
      await waitFor(
        async () =>
          (await host().sh("curl -s -m 2 http://127.0.0.1:8080/ || true")).stdout === "a page\n",
        { what: "the published port to answer" },
      );
      expect(await mbctlOut(host(), ["machines", "snapshots", "www"])).toContain("before");
      const traces = await host().sh(
        "grep -rlE 'man8machine[a-z_]*/web|@web.service|_web[_.]|^name = \"web\"' /etc/systemd /var/lib/man8machine_configs || true; ls -d /var/lib/*/web /var/lib/*/.mbctl-*web* /etc/systemd/nspawn/web.nspawn 2>/dev/null || true",
      );
      expect(traces.stdout).toBe("");
    },
    testTimeoutMs,
  );

  test(
    "tells the machine that waits for it, and can be taken back",
    async () => {
      const toml = async () =>
        (await host().sh("grep depends /var/lib/man8machine_configs/api/machine.toml")).stdout;
      expect(await toml()).toContain('"www"');
      const units = await host().run(["systemctl", "show", "-p", "After", unitOf("api")]);
      expect(units.stdout).not.toContain("_web.");
      await mbctlOut(host(), ["machines", "rename", "www", "web", "--yes"]);
      expect(await toml()).toContain('"web"');
      expect(await mbctlOut(host(), ["address", "get", "web"])).toBe(address);
      await waitForMark(host(), "web", "ready");
      await mbctlOut(host(), ["machines", "rollback", "web", "before", "--yes"]);
      expect(await inside(host(), "web", "cat /again/index.html")).toBe("a page\n");
    },
    testTimeoutMs,
  );

  test(
    "refuses a name that is taken, and leaves everything as it was",
    async () => {
      const before = await tracesOfMachines(host());
      const { exitCode, stderr } = await mbctl(host(), [
        ...["machines", "rename", "web", "api", "--yes"],
      ]);
      expect({ exitCode, isTaken: stderr.includes("the name is in use by") }).toEqual({
        exitCode: 4,
        isTaken: true,
      });
      expect(await tracesOfMachines(host())).toEqual(before);
    },
    testTimeoutMs,
  );
});
