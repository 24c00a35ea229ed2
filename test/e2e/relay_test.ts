/** Apps that listen on IPv4 alone, reached at their machine's mesh address from another host. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Host } from "../lab/host.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { waitFor } from "../lab/wait_for.ts";
import { labTimeoutMs, mbctlOut, testedHosts, testTimeoutMs } from "./_lab.ts";
import { type ImageRecipe, installImages, pull, unitOf } from "./_machines.ts";
import { inside } from "./_network.ts";
import {
  askUdp,
  countAnswers,
  fetchPage,
  installNginx,
  nginxImage,
  serveUdp,
  waitForPage,
} from "./_relay.ts";

/** Listens where it is told, by a file that says how; the last one wins. */
const listen = `cd /tmp; while :; do
  if [ -e next ]; then kill $(cat pid) 2>/dev/null; wait; mv next now; httpd -f -h /www -p "$(cat now)" & echo $! >pid; fi
  sleep 0.1; done`;
const images: Readonly<Record<string, ImageRecipe>> = {
  Late: {
    config: { Cmd: ["sh", "-c", listen], StopSignal: "SIGKILL" },
    files: [{ path: "www/index.html", content: "late\n" }],
  },
};

describe.each(testedHosts)("relays on %s", (os) => {
  let lab: Lab;
  let host: Host;
  let there: Host;
  let web = "";
  let late = "";

  beforeAll(async () => {
    lab = await startLab({
      hosts: [
        { name: "hosta", os },
        { name: "hostb", os },
      ],
      mbctl: true,
    });
    [host, there] = [lab.host("hosta"), lab.host("hostb")];
    await Promise.all([installNginx(host), installImages(host, images)]);
    const relays = ["--relay6", "auto", "--relay6", "8081+proxy", "--relay6", "53/udp"];
    const words = ["machines", "pull", nginxImage, "Web", ...relays, "--start"];
    web = await mbctlOut(host, words);
    late = await pull(host, "Late", ["--relay6", "8000", "--start"]);
  }, labTimeoutMs);
  afterAll(async () => await lab[Symbol.asyncDispose](), labTimeoutMs);

  /** What watches and relays has said of a machine. */
  const said = async (name: string) =>
    (
      await host.sh('journalctl --sync; exec journalctl -q -o cat -u "$1"', [
        `mbctl-relay6_${name}`,
      ])
    ).stdout;

  /** Has the app of Late listen somewhere. */
  const listenOn = async (address: string) =>
    await host.sh(
      `printf %s "$1" >/var/lib/man8machines/Late/next; exec mbctl machines shell Late -- sh -c 'cp /next /tmp/.next; mv /tmp/.next /tmp/next'`,
      [address],
    );

  /** What runs and is mounted for a machine's relays. */
  const relaysOf = async (name: string) =>
    (
      await host.sh(
        `systemctl list-units --plain --no-legend --state=active "mbctl-*$1*"; findmnt -n "/run/mbctl/netns/$1" || true`,
        [name],
      )
    ).stdout;

  test(
    "nginx on 0.0.0.0:80 alone is fetched over its mesh address, and takes nobody for localhost",
    async () => {
      const page = await waitForPage(there, `http://[${web}]/`);
      const own = /inet (\S+)\//.exec(
        await inside(host, "Web", "/man8s-init/busybox ip -4 addr show host0"),
      );
      expect(page).toBe(`client ${own?.[1]}`);
    },
    testTimeoutMs,
  );

  test(
    "with PROXY the app is told the other host's address",
    async () => {
      const client = lab.mesh("hostb").address;
      expect(await waitForPage(there, `http://[${web}]:8081/`)).toBe(`client ${client}`);
    },
    testTimeoutMs,
  );

  test(
    "UDP is relayed, each client gets its own answer",
    async () => {
      await serveUdp(host, "Web", 53);
      const answers = await Promise.all(
        ["one", "two", "three"].map((text) => askUdp(there, web, 53, text)),
      );
      expect(answers.map((answer) => answer.split(" ")[1])).toEqual(["one", "two", "three"]);
    },
    testTimeoutMs,
  );

  // systemd-socket-proxyd(8) has 256 addresses looked up at a time, and closes what comes beyond.
  test.each([
    [80, 200],
    [8081, 2000],
  ])(
    "2,000 connections at a time to port %p, %p in a moment",
    async (port, burst) => {
      await waitForPage(there, `http://[${web}]:${port}/`);
      const answers = await countAnswers(there, web, port, 2000, burst);
      // What the relay says of it, for a report of a failure.
      const explained = answers === 2000 ? "" : await said("Web*");
      expect([answers, explained]).toEqual([2000, ""]);
    },
    testTimeoutMs,
  );

  test(
    "a port is relayed when the app begins to listen, given up when it ends, and left to an app with IPv6",
    async () => {
      const listenOn = async (address: string) =>
        await host.sh(
          `printf %s "$1" >/var/lib/man8machines/Late/next; exec mbctl machines shell Late -- sh -c 'cp /next /tmp/.next; mv /tmp/.next /tmp/next'`,
          [address],
        );
      const url = `http://[${late}]:8000/`;
      expect(await fetchPage(there, url)).toBeUndefined();
      await listenOn("0.0.0.0:8000");
      expect(await waitForPage(there, url)).toBe("late");
      await listenOn("0.0.0.0:9000");
      await waitFor(async () => (await said("Late")).includes("listens no more"), {
        what: "the relay to go",
        explain: () => said("Late"),
      });
      expect(await fetchPage(there, url)).toBeUndefined();
      await listenOn("[::]:8000");
      expect(await waitForPage(there, url)).toBe("late");
      expect(await inside(host, "Late", "cat /proc/net/tcp6")).not.toMatch(
        /^ *\d+: [0-9A-F]*[1-9A-F][0-9A-F]*:1F40 0{32}:0000 0A/m,
      );
    },
    testTimeoutMs,
  );

  test(
    "a machine that restarts is relayed again, one that stops leaves nothing",
    async () => {
      await mbctlOut(host, ["machines", "restart", "Web"]);
      expect(await waitForPage(there, `http://[${web}]/`)).toMatch(/^client /);
      await host.run(["systemctl", "stop", unitOf("Web")]);
      expect(await relaysOf("Web")).toBe("");
      expect(await fetchPage(there, `http://[${web}]/`)).toBeUndefined();
    },
    testTimeoutMs,
  );

  test(
    "what is written into machine.toml holds from host reload on, also where the machine runs; one that is killed leaves nothing",
    async () => {
      const url = `http://[${late}]:8000/`;
      await listenOn("0.0.0.0:8000");
      expect(await waitForPage(there, url)).toBe("late");
      const edit =
        'sed -i "$1" /var/lib/man8machine_configs/Late/machine.toml; exec mbctl host reload';
      await host.sh(edit, ["/^relay6/d"]);
      expect(await fetchPage(there, url)).toBeUndefined();
      await host.sh(edit, ['1a relay6 = ["auto"]']);
      expect(await waitForPage(there, url)).toBe("late");
      await host.sh('kill -s KILL "$(systemctl show --property=MainPID --value "$1")"', [
        unitOf("Late"),
      ]);
      await waitFor(async () => (await relaysOf("Late")) === "", {
        what: "all of it to be gone",
        explain: () => relaysOf("Late"),
      });
    },
    testTimeoutMs,
  );

  test(
    "removed with the machine",
    async () => {
      await mbctlOut(host, ["machines", "remove", "Web", "--yes"]);
      await mbctlOut(host, ["machines", "remove", "Late", "--stop", "--yes"]);
      const { stdout } = await host.sh(
        "find /etc/systemd/system -name '*relay*' -o -name '*netns*'; ls /var/lib/mbctl/*.sh 2>/dev/null || true",
      );
      expect(stdout).toBe("");
    },
    testTimeoutMs,
  );
});
