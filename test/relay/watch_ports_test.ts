/** watch_ports.sh as it is shipped, under both shells, with files of a test for /proc/net and a systemctl that writes down. */

import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor } from "../lab/wait_for.ts";

const script = join(import.meta.dir, "../../lib/relay/watch_ports.sh");
/** 300::1, as the kernel shows it. */
const address = "00000300000000000000000001000000";
const timeoutMs = 20_000;

const any4 = "00000000";
const localhost = "0100007F";
const own4 = "1100C70A";
const any6 = "0".repeat(32);
const loopback6 = "00000000000000000000000001000000";

/** A line of /proc/net/tcp (proc(5)). */
function line(local: string, port: number, state: string): string {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const remote = "0".repeat(local.length);
  return `   0: ${local}:${hex} ${remote}:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 4242 1 0000000000000000 100 0 0 10 0`;
}

interface Net {
  readonly tcp?: readonly string[];
  readonly tcp6?: readonly string[];
  readonly udp?: readonly string[];
  readonly udp6?: readonly string[];
}
const listening = (local: string, port: number) => line(local, port, "0A");
const bound = (local: string, port: number) => line(local, port, "07");

const started: { process: Bun.Subprocess; dir: string }[] = [];
afterEach(async () => {
  for (const { process, dir } of started.splice(0)) {
    process.kill();
    await process.exited;
    rmSync(dir, { recursive: true });
  }
});

/** Starts the watcher. `show` gives it other sockets to see, `calls` is what it asked systemctl for. */
function watch(shell: readonly string[], wanted: readonly string[], first: Net) {
  const dir = mkdtempSync(join(tmpdir(), "mbctl-watch-"));
  const show = (net: Net) => {
    for (const name of ["tcp", "tcp6", "udp", "udp6"] as const) {
      const lines = ["  sl  local_address rem_address   st", ...(net[name] ?? [])];
      writeFileSync(join(dir, name), lines.map((text) => `${text}\n`).join(""));
    }
  };
  show(first);
  writeFileSync(join(dir, "calls"), "");
  writeFileSync(join(dir, "systemctl"), `#!/bin/sh\necho "$*" >>${dir}/calls\n`, { mode: 0o755 });
  // Each look is counted, and takes no second; the next waits to be allowed where there is a file "step".
  const pause = `#!/bin/sh
    echo >>${dir}/looks
    [ -e ${dir}/step ] || exec /bin/sleep 0.05
    : >${dir}/held
    until rm ${dir}/go 2>/dev/null; do [ -d ${dir} ] || exit; /bin/sleep 0.01; done\n`;
  writeFileSync(join(dir, "sleep"), pause, { mode: 0o755 });
  const process = Bun.spawn([...shell, script, address, ...wanted], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { PATH: `${dir}:/usr/bin:/bin`, MBCTL_TEST_NET: dir },
  });
  started.push({ process, dir });
  const read = (name: string) => {
    try {
      return readFileSync(join(dir, name), "utf8").split("\n").slice(0, -1);
    } catch {
      return [];
    }
  };
  const calls = () => read("calls");
  const looks = () => read("looks").length;
  const waitForLooks = async (count: number) => {
    await waitFor(() => looks() >= count, { intervalMs: 5, what: "a look" });
  };
  return {
    show,
    /** Has it wait before each look from now on. */
    async hold() {
      writeFileSync(join(dir, "step"), "");
      await waitFor(() => existsSync(join(dir, "held")), { what: "it to wait" });
    },
    /** Lets it look once, at these. */
    async lookAt(net: Net) {
      show(net);
      const before = looks();
      writeFileSync(join(dir, "go"), "");
      await waitForLooks(before + 1);
    },
    calls,
    /** Waits for what it has asked for by now. */
    called: (...expected: string[]) =>
      waitFor(() => calls().join("\n") === expected.join("\n"), {
        what: expected.join("; "),
        explain: () => calls().join("; "),
      }),
    /** Waits until it has looked three times more. */
    async looked() {
      await waitForLooks(looks() + 3);
    },
  };
}

/** What /bin/sh is. Not busybox here: its sleep is its own. */
const shells = [["dash"], ["bash", "--posix"]];

describe.each(shells.map((shell) => [shell.join(" "), shell] as const))("under %s", (_, shell) => {
  test(
    "every port on IPv4 alone is relayed with tcp:*, each once, and given up when it is gone",
    async () => {
      const watcher = watch(shell, ["tcp:*=r_web@"], { tcp: [listening(any4, 80)] });
      await watcher.called("start r_web@80.socket");
      watcher.show({
        tcp: [listening(any4, 80), listening(own4, 8080)],
        // Our own relay.
        tcp6: [listening(address, 80)],
      });
      await watcher.called("start r_web@80.socket", "start r_web@8080.socket");
      watcher.show({ tcp: [listening(own4, 8080)], tcp6: [listening(address, 8080)] });
      await watcher.called(
        "start r_web@80.socket",
        "start r_web@8080.socket",
        "stop r_web@80.socket r_web@80.service",
      );
    },
    timeoutMs,
  );

  test(
    "left alone: what is on IPv6 too, on loopback alone, connected, or not asked for",
    async () => {
      const watcher = watch(shell, ["tcp:80=r_web@", "tcp:81=r_web@", "tcp:82=r_web@"], {
        tcp: [
          listening(any4, 80),
          listening(localhost, 81),
          listening(any4, 83),
          line(any4, 82, "01"),
        ],
        tcp6: [listening(any6, 80)],
      });
      await watcher.looked();
      await watcher.looked();
      expect(watcher.calls()).toEqual([]);
      // The loopback address of IPv6 is in nobody's way.
      watcher.show({ tcp: [listening(any4, 80)], tcp6: [listening(loopback6, 80)] });
      await watcher.called("start r_web@80.socket");
    },
    timeoutMs,
  );

  test(
    "a port that is there at one look only is not relayed: the app may be about to listen on IPv6",
    async () => {
      const watcher = watch(shell, ["tcp:*=r_web@"], {});
      await watcher.hold();
      await watcher.lookAt({ tcp: [listening(any4, 80)] });
      await watcher.lookAt({ tcp: [listening(any4, 80)], tcp6: [listening(any6, 80)] });
      await watcher.lookAt({});
      expect(watcher.calls()).toEqual([]);
      // Alone at two looks it is.
      for (let look = 0; look < 2; look++) await watcher.lookAt({ tcp: [listening(any4, 80)] });
      expect(watcher.calls()).toEqual(["start r_web@80.socket"]);
    },
    timeoutMs,
  );

  test(
    "a port that is named has its own unit, and UDP is apart from TCP",
    async () => {
      const watcher = watch(shell, ["tcp:443=p_web@", "udp:53=u_web@", "tcp:*=r_web@"], {
        tcp: [listening(any4, 53), listening(any4, 443)],
        udp: [line(own4, 4000, "01"), bound(any4, 53)],
      });
      await watcher.called(
        "start r_web@53.socket",
        "start p_web@443.socket",
        "start u_web@53.socket",
      );
      watcher.show({ tcp: [listening(any4, 53), listening(any4, 443)] });
      await waitFor(() => watcher.calls().includes("stop u_web@53.socket u_web@53.service"), {
        what: "UDP to be given up",
      });
    },
    timeoutMs,
  );

  test(
    "no more than 64 ports are relayed at a time",
    async () => {
      const tcp = Array.from({ length: 100 }, (_, index) => listening(any4, 1000 + index));
      const watcher = watch(shell, ["tcp:*=r_web@"], { tcp });
      await waitFor(() => watcher.calls().length >= 64, { what: "64" });
      await watcher.looked();
      expect(watcher.calls().length).toBe(64);
    },
    timeoutMs,
  );

  test(
    "an app that listens on all ports keeps it busy no longer than on some",
    async () => {
      const tcp = Array.from({ length: 30_000 }, (_, index) => listening(any4, 1000 + index));
      const watcher = watch(shell, ["tcp:443=r_named@", "tcp:*=r_web@"], { tcp });
      await waitFor(() => watcher.calls().length >= 64, { what: "64" });
      await watcher.looked();
      expect(watcher.calls().length).toBe(64);
    },
    timeoutMs,
  );
});
