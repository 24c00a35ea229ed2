/** Machines that mbctl did not make: one of the earlier mbctl, one by hand, one that boots; and what the verbs make of them. */

import { beforeAll, describe, expect, test } from "bun:test";
import { waitFor } from "../lab/wait_for.ts";
import { mbctl, mbctlOut, testedHosts, testTimeoutMs } from "./_lab.ts";
import { hostWith, journalOf, pull, treePath, unitOf, waitForMark } from "./_machines.ts";
import { inside } from "./_network.ts";

const images = {
  App: {
    config: {
      Cmd: ["sh", "-c", "echo @@ready $WHO; exec sleep 10000"],
      Volumes: { "/data": {} },
    },
    files: [
      { path: "data/", type: "dir" },
      {
        path: "sbin/busybox-init.sh",
        mode: 0o755,
        // As the earlier mbctl's: variables, then the command line.
        content:
          '#!/bin/sh\nwhile IFS= read -r line; do export "$line"; done </man8env.env\nip link set lo up\neval "set -- $MAN8S_APPLICATION_ARGS"\nexec "$@"\n',
      },
      // systemd-nspawn boots nothing without it.
      { path: "usr/lib/os-release", content: "ID=lab\n" },
      {
        path: "sbin/init",
        mode: 0o755,
        // SIGRTMIN+3, by which systemd-nspawn stops what it has booted (its KillSignal=).
        content: "#!/bin/sh\ntrap 'exit 0' 37\necho @@booted\nwhile :; do sleep 0.2; done\n",
      },
    ],
  },
} as const;

describe.each(testedHosts)("on %s, machines adopt", (os) => {
  const host = hostWith(os, images);
  const configs = "/var/lib/man8machine_configs";

  beforeAll(async () => {
    // Root trees of machines, of which nothing else is left.
    await pull(host(), "seed", ["--mount=/data=data"], "App");
    await host().sh(`
      cp -a ${treePath("seed")} ${treePath("vault")}
      mkdir -p ${configs}/vault /var/lib/man8machine_storage/vault/data
      echo kept > /var/lib/man8machine_storage/vault/data/file
      cat > ${configs}/vault/container.nspawn <<'END'
[Exec]
Boot=no
ProcessTwo=yes
Parameters=/sbin/busybox-init.sh
ResolvConf=copy-stub
Timezone=copy
LinkJournal=no
PrivateUsers=pick
Environment="PATH=/bin"
[Network]
VirtualEthernet=yes
Bridge=srvgrp0
[Files]
PrivateUsersOwnership=map
Bind=${configs}/vault/man8env.env:/man8env.env:idmap
Bind=/var/lib/man8machine_storage/vault/data:/data:idmap
END
      cat > ${configs}/vault/man8env.env <<'END'
MAN8S_CONTAINER_NAME=vault
MAN8S_CONTAINER_TEMPLATE=network_isolated
MAN8S_OCI_IMAGE_URL=oci:/srv/images:app
MAN8S_APPLICATION_ARGS='sh' '-c' 'echo @@ready $WHO; exec sleep 10000'
WHO=vault
END
      ln -s ${configs}/vault/container.nspawn /etc/systemd/nspawn/vault.nspawn
      ln -s ${treePath("vault")} /var/lib/machines/vault
      cp -a ${treePath("seed")} /var/lib/machines/byhand; cp -a ${treePath("seed")} /var/lib/machines/whole
      printf '[Exec]\\nBoot=no\\nProcessTwo=yes\\nParameters=/bin/sh -c "echo @@ready; exec sleep 10000"\\n[Network]\\nBridge=srvgrp0\\n[Files]\\nBind=/srv/images:/images\\n' > /etc/systemd/nspawn/byhand.nspawn
      printf '[Exec]\\nBoot=yes\\nPrivateUsers=no\\n[Network]\\nVirtualEthernet=no\\n' > /etc/systemd/nspawn/whole.nspawn
      systemctl start systemd-nspawn@vault.service systemd-nspawn@whole.service`);
    await waitForMark(host(), "vault", "ready vault");
  }, testTimeoutMs);

  test(
    "takes over one of the earlier mbctl while it runs, and says what it keeps",
    async () => {
      const pid = async () =>
        (await host().run(["systemctl", "show", "-p", "MainPID", unitOf("vault")])).stdout;
      const before = [await pid(), (await host().sh(`cat ${configs}/vault/*`)).stdout];
      const shown = await mbctl(host(), ["machines", "adopt", "vault", "--dry-run"]);
      expect(shown.stdout).toContain('name = "vault"');
      expect(await host().sh(`ls ${configs}/vault`)).toMatchObject({
        stdout: "container.nspawn\nman8env.env\n",
      });
      const { stderr } = await mbctl(host(), ["machines", "adopt", "vault"]);
      expect(stderr).toContain("its init stays /sbin/busybox-init.sh");
      expect([
        await pid(),
        (await host().sh(`cat ${configs}/vault/container.nspawn ${configs}/vault/man8env.env`))
          .stdout,
      ]).toEqual(before);
      expect(await mbctlOut(host(), ["machines", "list"])).toMatch(/^vault .*running/m);
      expect(await inside(host(), "vault", "cat /data/file")).toBe("kept\n");
    },
    testTimeoutMs,
  );

  test(
    "then all verbs work on it: restart, snapshot, apply, rename",
    async () => {
      await mbctlOut(host(), ["machines", "restart", "vault"]);
      await mbctlOut(host(), ["machines", "snapshot", "vault", "first"]);
      await host().sh(`sed -i 's/WHO = "vault"/WHO = "applied"/' ${configs}/vault/machine.toml`);
      await mbctlOut(host(), ["machines", "apply", "vault", "--yes"]);
      await waitForMark(host(), "vault", "ready applied");
      const { stdout } = await host().sh(`grep -c busybox-init ${configs}/vault/container.nspawn`);
      expect(stdout).toBe("1\n");
      await mbctlOut(host(), ["machines", "rename", "vault", "safe", "--yes"]);
      await waitForMark(host(), "safe", "ready applied");
      expect(await inside(host(), "safe", "cat /data/file")).toBe("kept\n");
      await mbctlOut(host(), ["machines", "remove", "safe", "--stop", "--yes"]);
    },
    testTimeoutMs,
  );

  test(
    "moves one by hand to its place, and gives it man8s-init where that is asked for",
    async () => {
      await mbctlOut(host(), [
        "machines",
        "adopt",
        "byhand",
        "--init",
        "--image",
        "oci:/srv/images:app",
      ]);
      await mbctlOut(host(), ["machines", "start", "byhand"]);
      await waitForMark(host(), "byhand", "ready");
      const address = await mbctlOut(host(), ["address", "get", "byhand"]);
      await waitFor(
        async () => (await inside(host(), "byhand", "ip -6 addr show dev host0")).includes(address),
        { what: "its address", explain: () => journalOf(host(), "byhand") },
      );
      expect(await inside(host(), "byhand", "ls /images")).toContain("index.json");
      // The image is known, its digest is not: the next upgrade takes today's.
      await mbctlOut(host(), ["machines", "upgrade", "byhand", "--yes", "--grace", "1"]);
      await waitForMark(host(), "byhand", "ready");
      const { stdout } = await host().sh(`grep ^digest ${configs}/byhand/machine.toml`);
      expect(stdout).not.toContain("00000000");
    },
    testTimeoutMs,
  );

  test(
    "leaves one that boots to its own init",
    async () => {
      const early = await mbctl(host(), ["machines", "adopt", "whole"]);
      expect({ exitCode: early.exitCode, stderr: early.stderr }).toEqual({
        exitCode: 4,
        stderr: expect.stringContaining("systemctl stop systemd-nspawn@whole.service"),
      });
      await host().sh("systemctl stop systemd-nspawn@whole.service");
      const { stderr } = await mbctl(host(), ["machines", "adopt", "whole"]);
      expect(stderr).toContain("it boots an init of its own");
      await mbctlOut(host(), ["machines", "start", "whole"]);
      await waitForMark(host(), "whole", "booted");
      expect(await mbctlOut(host(), ["machines", "list"])).toMatch(/^whole .*running/m);
      await mbctlOut(host(), ["machines", "remove", "whole", "--stop", "--yes"]);
    },
    testTimeoutMs,
  );
});
