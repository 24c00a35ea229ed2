/** A machine that an administrator starts by hand, in the foreground: `systemd-nspawn -M NAME -D TREE`, on every systemd. */

import { describe, expect, test } from "bun:test";
import { keys } from "../lab/pty.ts";
import { Registry } from "../lab/registry.ts";
import { waitFor } from "../lab/wait_for.ts";
import { mbctlOut, testedHosts, testTimeoutMs } from "./_lab.ts";
import { hostWith, marked, pull, runToEnd, treePath } from "./_machines.ts";
import { waitForPing } from "./_network.ts";

const show = `for word in "$NOTE" "$HOME" "$PWD" "$MAN8S_YGGDRASIL_ADDRESS" "$*"; do echo "@@$word"; done; cat /data/word`;
const images = {
  Show: {
    files: [{ path: "data/word", content: "@@in the volume\n" }],
    config: {
      Env: ["PATH=/bin", 'NOTE=it\'s a "note" $HOME'],
      WorkingDir: "/work dir",
      Volumes: { "/data": {} },
      Entrypoint: ["sh", "-c", show, "sh"],
      Cmd: ["a b", "c"],
    },
  },
  Shell: { config: { Cmd: ["sh"] } },
};

describe.each(testedHosts)("systemd-nspawn by hand on %s", (os) => {
  const host = hostWith(os, images);

  /** What a person types. */
  const byHand = (name: string) => ["systemd-nspawn", "-M", name, "-D", treePath(name)];
  const machines = async () => (await host().run(["machinectl", "list", "--no-legend"])).stdout;

  test(
    "gives the app the same environment, arguments, directory and volumes as the unit, and its exit code",
    async () => {
      const address = await pull(host(), "Show", ["--mount=/data=data"]);
      const unit = await runToEnd(host(), "Show");
      expect(marked(unit.log)).toEqual([
        'it\'s a "note" $HOME',
        "/",
        "/work dir",
        address,
        "a b c",
        "in the volume",
      ]);
      const { stdout } = await host().run(byHand("Show"));
      expect(marked(stdout)).toEqual(marked(unit.log));
    },
    testTimeoutMs,
  );

  test(
    "has a terminal on which Ctrl-C interrupts the program and ^]^]^] ends the machine",
    async () => {
      const address = await pull(host(), "Shell");
      await using pty = host().pty(byHand("Shell"));
      await pty.waitFor(/^.*man8s-init: starting \/bin\/sh as 0:0/m);
      pty.send("tty; stty size\r");
      await pty.waitFor(/^\/dev\/(console|pts\/0)\r\n24 80\r/m);
      await waitForPing(host(), address);

      pty.send("sleep 600; echo code $?\r");
      await waitFor(
        async () =>
          (await mbctlOut(host(), ["machines", "shell", "Shell", "--", "ps"])).includes(
            "sleep 600",
          ),
        { what: "sleep to run" },
      );
      pty.send(keys.ctrlC);
      // The program is interrupted, the shell and the machine go on.
      await pty.waitFor(/\^C/);
      pty.send("echo code $?\r");
      await pty.waitFor(/^code 130\r/m);
      expect(await machines()).toMatch(/^Shell /);

      pty.send("\x1d\x1d\x1d");
      await pty.waitFor(/Container Shell terminated by signal KILL/);
      expect(await pty.exited).not.toBe(0);
      expect(await machines()).toBe("");
    },
    testTimeoutMs,
  );

  test(
    "shows what nginx logs to /dev/stdout, and Ctrl-C ends nginx",
    async () => {
      const registry = await Registry.start(host());
      const { reference } = await registry.pushReal("nginx");
      const address = await mbctlOut(host(), [
        "machines",
        "pull",
        reference,
        "nginx",
        "--tls-verify=false",
      ]);
      await using pty = host().pty(byHand("nginx"));
      await waitForPing(host(), address);
      await host().sh(
        'curl -sS -m 5 --retry 20 --retry-connrefused --retry-delay 0 "http://[$1]/by-hand"',
        [address],
      );
      await pty.waitFor(/"GET \/by-hand HTTP\/1\.1" 404/);
      pty.send(keys.ctrlC);
      expect(await pty.exited).toBe(0);
      expect(await machines()).toBe("");
    },
    testTimeoutMs,
  );
});
