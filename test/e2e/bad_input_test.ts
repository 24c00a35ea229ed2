/** What a user can get wrong, on a real host: a code, words, and nothing changed. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { keys } from "../lab/pty.ts";
import { waitFor } from "../lab/wait_for.ts";
import { type BadLab, expectRefusal, pull, snapshotHost, startBadLab } from "./_bad_lab.ts";
import { labTimeoutMs, mbctlOut, testedHost, testTimeoutMs } from "./_lab.ts";

describe.each(testedHost)("on %s", (os) => {
  let lab: BadLab;
  beforeAll(async () => {
    lab = await startBadLab(os);
  }, labTimeoutMs);
  afterAll(async () => await lab[Symbol.asyncDispose](), labTimeoutMs);

  test("no bridge", async () => {
    await lab.host.writeFile("/etc/mbctl/config.toml", 'bridge = "nobridge"\n');
    const said =
      'exit 3\nmbctl: Cannot plug machines into the bridge "nobridge": there is no such bridge\nhint: mbctl host setup makes it\n';
    try {
      await expectRefusal(lab.host, pull(lab.image), said);
    } finally {
      await lab.host.run(["rm", "-r", "/etc/mbctl"]);
    }
  });

  test("no yggdrasil", async () => {
    const moves =
      "for file in /usr/bin/yggdrasil /usr/bin/yggdrasilctl /usr/sbin/yggdrasil /usr/sbin/yggdrasilctl";
    const configured = 'or write prefix = "3xx:…::/64" to /etc/mbctl/config.toml\n';
    try {
      await lab.host.sh(`${moves}; do [ ! -f $file ] || mv $file $file.away; done`);
      await expectRefusal(
        lab.host,
        pull(lab.image),
        `exit 3\nmbctl: Cannot find the host's yggdrasil prefix: yggdrasil is not installed\nhint: apt install yggdrasil, ${configured}`,
      );
    } finally {
      await lab.host.sh(`${moves}; do [ ! -f $file.away ] || mv $file.away $file; done`);
    }
  });

  test("no busybox", async () => {
    try {
      await lab.host.sh("mv /usr/bin/busybox /usr/bin/busybox.away");
      await expectRefusal(
        lab.host,
        pull(lab.image),
        "exit 3\nmbctl: Cannot find busybox: it is not installed\nhint: apt install busybox-static\n",
      );
    } finally {
      await lab.host.sh("mv /usr/bin/busybox.away /usr/bin/busybox");
    }
  });

  test("a name that a machine has which somebody started by hand", async () => {
    await lab.host.sh(
      "mkdir -p /var/tmp/tree/usr /var/tmp/tree/etc /var/tmp/tree/bin; cp /usr/bin/busybox /var/tmp/tree/bin; ln -sf busybox /var/tmp/tree/bin/sleep",
    );
    await using byHand = lab.host.start([
      "systemd-nspawn",
      "-q",
      "-M",
      "web",
      "-D",
      "/var/tmp/tree",
      "--as-pid2",
      "/bin/sleep",
      "60",
    ]);
    await waitFor(
      async () =>
        (await lab.host.run(["machinectl", "show", "web"], { allowFailure: true })).exitCode === 0,
      {
        what: "the machine to run",
        explain: () => byHand.stderr(),
      },
    );
    await expectRefusal(
      lab.host,
      pull(lab.image),
      'exit 4\nmbctl: Cannot make the machine "web": the name is in use by a running machine "web"\nhint: choose another name, or remove what is listed: mbctl did not make it\n',
    );
    await lab.host.run(["machinectl", "terminate", "web"]);
    await byHand.exited;
  });

  test(
    "a machine that was started by hand is not removed, nor stopped",
    async () => {
      await mbctlOut(lab.host, pull(lab.image));
      await using byHand = lab.host.start([
        "systemd-nspawn",
        "-M",
        "web",
        "-D",
        "/var/lib/man8machines/web",
      ]);
      await waitFor(
        async () =>
          (await lab.host.run(["machinectl", "show", "web"], { allowFailure: true })).exitCode ===
          0,
        {
          what: "the machine to run",
          explain: () => byHand.stdout() + byHand.stderr(),
        },
      );
      const said =
        'exit 4\nmbctl: Cannot remove the machine "web": it runs, started by hand\nhint: machinectl poweroff web\n';
      await expectRefusal(lab.host, ["machines", "remove", "web", "--yes"], said);
      await expectRefusal(lab.host, ["machines", "remove", "web", "--yes", "--stop"], said);
      await lab.host.run(["machinectl", "poweroff", "web"]);
      await byHand.exited;
      await mbctlOut(lab.host, ["machines", "remove", "web", "--yes"]);
    },
    testTimeoutMs,
  );

  test(
    "a machine that runs is neither made anew nor removed",
    async () => {
      await mbctlOut(lab.host, pull(lab.image, "--start"));
      await expectRefusal(
        lab.host,
        ["machines", "remove", "web", "--yes"],
        'exit 4\nmbctl: Cannot remove the machine "web": it runs\nhint: mbctl machines stop web, or add --stop\n',
      );
      const paths = [
        ...[
          "/var/lib/man8machines/web",
          "/var/lib/man8machine_configs/web",
          "/var/lib/man8machine_storage/web",
        ],
        ...[
          "/etc/systemd/nspawn/web.nspawn",
          "/var/lib/machines/web",
          "/etc/systemd/system/systemd-nspawn@web.service.d",
        ],
      ];
      await expectRefusal(
        lab.host,
        pull(lab.image),
        `exit 4\nmbctl: Cannot make the machine "web": the name is in use by ${paths.join(", ")}, the running unit systemd-nspawn@web.service\nhint: it is a machine already: mbctl machines start web; for a new one choose another name, or first: mbctl machines remove web\n`,
      );
      const { machines } = JSON.parse(await mbctlOut(lab.host, ["machines", "list", "--json"]));
      expect(machines).toMatchObject([{ name: "web", state: "running" }]);
      await mbctlOut(lab.host, ["machines", "remove", "web", "--stop", "--yes"]);
    },
    testTimeoutMs,
  );

  test("Ctrl-C at a question, and while a registry does not answer", async () => {
    const before = await snapshotHost(lab.host);
    await using asked = lab.host.pty([
      "mbctl",
      "machines",
      "pull",
      lab.image,
      "web",
      "--tls-verify=false",
    ]);
    await asked.waitFor(/\/data/);
    asked.send(keys.ctrlC);
    expect(await asked.exited).toBe(130);
    expect(await snapshotHost(lab.host)).toEqual(before);

    await lab.host.run(["systemctl", "kill", "-s", "SIGSTOP", "lab-registry-5000.service"]);
    try {
      await using waiting = lab.host.pty(["mbctl", ...pull(lab.image)]);
      await waitFor(
        async () =>
          (await lab.host.run(["pgrep", "-x", "skopeo"], { allowFailure: true })).exitCode === 0,
        {
          what: "skopeo to run",
        },
      );
      waiting.send(keys.ctrlC);
      expect(await waiting.exited).toBe(130);
      expect((await lab.host.run(["pgrep", "-x", "skopeo"], { allowFailure: true })).exitCode).toBe(
        1,
      );
      expect(await snapshotHost(lab.host)).toEqual(before);
    } finally {
      await lab.host.run(["systemctl", "kill", "-s", "SIGCONT", "lab-registry-5000.service"]);
    }
  });
});
