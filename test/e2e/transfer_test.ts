/** Machines as archives: out of a host, into it again under another name, and what becomes of damaged ones. */

import { beforeAll, describe, expect, test } from "bun:test";
import { debianBaseLayout, systemPackages } from "../lab/images/debian_base.ts";
import {
  mbctl,
  mbctlOut,
  testedHost,
  testedHosts,
  testTimeoutMs,
  tracesOfMachines,
} from "./_lab.ts";
import { dataPath, hostWith, pull, waitForMark } from "./_machines.ts";
import { inside } from "./_network.ts";

const images = {
  Counter: {
    config: {
      Cmd: ["sh", "-c", "echo @@ready; while :; do date +%s%N >> /data/log; sleep 0.1; done"],
      Volumes: { "/data": {}, "/conf": {} },
    },
    files: [
      { path: "data/", type: "dir" },
      { path: "conf/", type: "dir" },
    ],
  },
} as const;

describe.each(testedHosts)("on %s, an exported machine", (os) => {
  const host = hostWith(os, images);
  const archive = "/root/counter.tar";

  beforeAll(async () => {
    await pull(host(), "counter", ["--mount=/data=data", "--mount=/conf=config"]);
    await host().sh(`
      cd ${dataPath("counter", "/data")}; echo one > one; ln one two; ln -s /etc/passwd link
      truncate -s 100M holes; chown 1234:999 one; chmod 4755 one; setfattr -n user.note -v kept one || true
      echo mine > /var/lib/man8machine_configs/counter/conf/mine
      echo 'HAND=made' >> /var/lib/man8machine_configs/counter/man8env.env
      printf '[Service]\\nEnvironment=MINE=yes\\n' > /etc/systemd/system/systemd-nspawn@counter.service.d/90-mine.conf
      systemctl daemon-reload`);
    await mbctlOut(host(), ["machines", "start", "counter"]);
    await waitForMark(host(), "counter", "ready");
    await host().sh("printf s3cr3t-value | mbctl secrets set counter token");
  }, testTimeoutMs);

  test(
    "holds its data, and no secret; it runs on",
    async () => {
      const { stderr } = await mbctl(host(), [
        "machines",
        "export",
        "counter",
        archive,
        "--with-data",
      ]);
      expect(stderr).toContain("left out: the secret token");
      const { stdout } = await host().sh(`
        stat -c '%a %U' ${archive}; tar -tf ${archive}; grep -c s3cr3t ${archive} || true
        n=$(wc -l < ${dataPath("counter", "/data")}/log)
        until [ $(wc -l < ${dataPath("counter", "/data")}/log) -gt $n ]; do sleep 0.1; done; echo runs`);
      expect(stdout).toBe(
        "600 root\nmanifest.json\nconfiguration.tar.zst\nstorage.tar.zst\n0\nruns\n",
      );
      const again = await mbctl(host(), ["machines", "export", "counter", archive]);
      expect(again.exitCode).toBe(4);
    },
    testTimeoutMs,
  );

  test(
    "is made again under another name, with data, attributes and edits",
    async () => {
      const refused = await mbctl(host(), ["machines", "import", archive, "--name", "copy"]);
      expect({ exitCode: refused.exitCode, asks: refused.stderr }).toEqual({
        exitCode: 2,
        asks: expect.stringContaining("90-mine.conf: [Service] Environment=MINE=yes"),
      });
      expect(await tracesOfMachines(host())).not.toContain("/var/lib/man8machine_configs/copy");
      const shown = await mbctlOut(host(), [
        ...["machines", "import", archive, "--name", "copy", "--dry-run"],
      ]);
      expect(shown).toContain("  90-mine.conf: [Service] Environment=MINE=yes");
      const address = await mbctlOut(host(), [
        ...["machines", "import", archive, "--name", "copy", "--yes"],
      ]);
      const early = await mbctl(host(), ["machines", "start", "copy"]);
      expect(early.stderr).toContain("mbctl secrets set copy token");
      await host().sh("printf other | mbctl secrets set copy token; mbctl machines start copy");
      expect(address).toBe(await mbctlOut(host(), ["address", "get", "copy"]));
      await waitForMark(host(), "copy", "ready");
      expect(await inside(host(), "copy", "cat /data/one /conf/mine")).toBe("one\nmine\n");
      const { stdout } = await host().sh(`
        cd ${dataPath("copy", "/data")}; stat -c '%a %u:%g %h' one; readlink link
        stat -c '%s' holes; test $(du -k holes | cut -f1) -lt 100 && echo sparse
        getfattr --only-values -n user.note one 2>/dev/null || true; echo
        cat /etc/systemd/system/systemd-nspawn@copy.service.d/90-mine.conf
        grep HAND /var/lib/man8machine_configs/copy/man8env.env`);
      expect(stdout).toMatch(
        /^4755 1234:999 2\n\/etc\/passwd\n104857600\nsparse\n(kept)?\n\[Service\]\nEnvironment=MINE=yes\nHAND=made\n$/,
      );
      const { exitCode } = await mbctl(host(), [
        ...["machines", "import", archive, "--name", "copy", "--yes"],
      ]);
      expect(exitCode).toBe(4);
      await mbctlOut(host(), ["machines", "remove", "copy", "--stop", "--yes"]);
    },
    testTimeoutMs,
  );

  test(
    "goes through a pipe",
    async () => {
      await host().sh(
        "mbctl machines export counter - --with-data --stop | mbctl machines import - --name piped --yes",
      );
      const shown = await mbctlOut(host(), ["machines", "list"]);
      expect(shown).toMatch(/^counter .*running/m);
      expect(shown).toContain("piped");
      await mbctlOut(host(), ["machines", "remove", "piped", "--yes"]);
    },
    testTimeoutMs,
  );

  test(
    "brings its root tree along where nobody gives its image any more",
    async () => {
      await host().sh(`
        echo changed > /var/lib/man8machines/counter/changed
        mbctl machines export counter /root/whole.tar --with-tree --live
        mv /srv/images /srv/hidden; rm -r /var/cache/mbctl`);
      const without = await mbctl(host(), [
        ...["machines", "import", archive, "--name", "copy", "--yes"],
      ]);
      expect(without.stderr).toContain("neither the store nor a registry gives the image");
      await mbctlOut(host(), [
        ...["machines", "import", "/root/whole.tar", "--name", "copy", "--yes"],
      ]);
      await host().sh("printf other | mbctl secrets set copy token; mbctl machines start copy");
      await waitForMark(host(), "copy", "ready");
      expect(await inside(host(), "copy", "cat /changed")).toBe("changed\n");
      await host().sh("mbctl machines remove copy --stop --yes; mv /srv/hidden /srv/images");
    },
    testTimeoutMs,
  );

  test.skipIf(!testedHost.includes(os))(
    "that is a whole system is another one under another name",
    async () => {
      await host().copyIn(await debianBaseLayout("bookworm", systemPackages), "/srv/base");
      await mbctlOut(host(), ["machines", "pull", "oci:/srv/base:latest", "sys", "--mode=base"]);
      const id = "0123456789abcdef0123456789abcdef";
      const { stdout } = await host().sh(
        `cd /var/lib/man8machines; mkdir -p sys/etc/ssh
         echo ${id} >sys/etc/machine-id; echo key >sys/etc/ssh/ssh_host_ed25519_key; echo mine >sys/etc/mine
         mbctl machines export sys /root/sys.tar
         mbctl machines import /root/sys.tar --name twin --yes
         cd twin/etc; grep . machine-id hostname mine ssh/ssh_host* 2>/dev/null || true`,
        [],
        { timeoutMs: testTimeoutMs },
      );
      // Its address comes first.
      expect(stdout.split("\n").slice(1)).toEqual(["hostname:twin", "mine:mine", ""]);
      for (const name of ["sys", "twin"]) {
        await mbctlOut(host(), ["machines", "remove", name, "--yes"]);
      }
    },
    testTimeoutMs,
  );

  test(
    "that is damaged leaves nothing",
    async () => {
      const before = await tracesOfMachines(host());
      const { stdout } = await host().run(["stat", "-c", "%s", archive]);
      const size = Number(stdout);
      const damages = [
        `head -c ${size - 3000}`,
        `head -c ${Math.floor(size / 2)}`,
        ...[700, 66_600, Math.floor(size / 2)].map(
          (at) => `perl -0777 -pe 'substr($_, ${at}, 8) = "XXXXXXXX"'`,
        ),
      ];
      for (const damage of damages) {
        await host().sh(`${damage} < ${archive} > /root/damaged.tar`);
        const { exitCode, stderr } = await mbctl(host(), [
          ...["machines", "import", "/root/damaged.tar", "--name", "copy", "--yes"],
        ]);
        expect({ damage, exitCode, stderr }).toEqual({
          ...{ damage, exitCode: 2 },
          stderr: expect.stringContaining("Cannot read the archive"),
        });
        expect(await tracesOfMachines(host())).toEqual(before);
      }
    },
    testTimeoutMs,
  );
});
