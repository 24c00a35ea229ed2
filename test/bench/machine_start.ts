/**
 * Start of a machine in a lab host: from `systemctl start` to the first act of its
 * program, and to the first answered ping over its mesh address, from another host. Beside it
 * the floor: the same unit mechanics, root tree, user namespace and bridge for a payload that
 * systemd-nspawn starts at once, without man8s-init and without a network; and two machines
 * whose mesh address is set in plain ways.
 *
 * @module
 */
import { join } from "node:path";
import type { Host } from "../lab/host.ts";
import type { HostOs } from "../lab/host_image.ts";
import { makeBusyboxImage } from "../lab/images/busybox_image.ts";
import { startLab } from "../lab/lab.ts";
import { makeNetworkd, makePlain } from "./machine_peers.ts";
import { head, renderColumns, row, spreadOf } from "./medians.ts";

/** Measurements of each kind; one more goes before and does not count. */
const runs = 7;

/** The first act of the program is a file, whose time the kernel writes in steps of a clock tick. */
const program = ["sh", "-c", ": >/out/started; exec sleep 1000"];

const floorUnit = "bench-floor.service";
const floorOut = "/srv/floor";

/** The wish of issue 4: a client waits no longer than this once `systemctl start` has returned. */
const firstPingWishMs = 400;

const floorText = `[Service]
Type=notify
Slice=machine.slice
Delegate=yes
KillMode=mixed
RestartForceExitStatus=
SuccessExitStatus=133 143
ExecStart=systemd-nspawn --quiet --keep-unit --machine=Floor --directory=/var/lib/man8machines/Bench \\
  --settings=no --as-pid2 --private-users=pick --private-users-ownership=map --network-bridge=srvgrp0 \\
  --link-journal=no --resolv-conf=copy-stub --timezone=copy --bind=${floorOut}:/out:idmap --kill-signal=SIGRTMIN+3 \\
  sh -c ': >/out/started; exec sleep 1000'
`;

/** Times of one start, in milliseconds since `systemctl start` was called. */
interface Start {
  readonly execMs: number;
  readonly returnMs: number;
  readonly pingMs: number;
}

/** What is started and measured. */
interface Contender {
  readonly unit: string;
  /** A folder of the host in which the program makes its file; without it only pings tell. */
  readonly out?: string;
  readonly address?: string;
}

/** Measures in a lab, and returns the table as text. */
export async function benchMachineStart(os: HostOs): Promise<string> {
  await using lab = await startLab({
    hosts: ["hosta", "hostb"].map((name) => ({ name, os })),
    mbctl: true,
  });
  const [here, there] = [lab.host("hosta"), lab.host("hostb")];
  const image = await makeBusyboxImage(join(here.dir, "image"), {
    config: { Cmd: program, Volumes: { "/out": {} } },
  });
  await here.copyIn(image.dir, "/srv/image");
  const pull = async (name: string) => {
    const words = ["oci:/srv/image:latest", name, "--mount=/out=data"];
    const { stdout } = await here.run(["mbctl", "machines", "pull", ...words]);
    return {
      name,
      unit: `systemd-nspawn@${name}.service`,
      out: `/var/lib/man8machine_storage/${name}/out`,
      address: stdout.trim(),
    };
  };
  const machine = await pull("Bench");
  const plain = await pull("Plain");
  await makePlain(here, plain);
  const { out: _, ...networkd } = await pull("Networkd");
  await makeNetworkd(here, networkd);
  const floor = { unit: floorUnit, out: floorOut };
  await here.writeFile(`/etc/systemd/system/${floorUnit}`, floorText);
  await here.run(["mkdir", "-p", floorOut]);
  await here.run(["systemctl", "daemon-reload"]);

  const contenders: readonly Contender[] = [floor, machine, plain, networkd];
  const starts = new Map(contenders.map((contender) => [contender, [] as Start[]]));
  for (let round = -1; round < runs; round++) {
    for (const contender of contenders) {
      const start = await measure(here, there, contender);
      if (round >= 0) starts.get(contender)?.push(start);
    }
  }
  const spread = (contender: Contender, value: (start: Start) => number) =>
    spreadOf((starts.get(contender) ?? []).map(value));
  const afterReturn = ({ pingMs, returnMs }: Start) => pingMs - returnMs;
  const ratioTo = (contender: Contender) => {
    const [theirs, ours] = [contender, machine].map(
      (one) => spread(one, ({ pingMs }) => pingMs).median,
    );
    return `${((theirs ?? 0) / (ours ?? 1)).toFixed(1)} times ours, from the call on`;
  };
  const title = `systemctl start on ${os}, systemd ${here.systemdVersion}, to`;
  const table = renderColumns([
    [title, ...head.slice(1)],
    row(
      "machine: program runs",
      spread(machine, ({ execMs }) => execMs),
    ),
    row(
      "machine: systemctl start returns",
      spread(machine, ({ returnMs }) => returnMs),
    ),
    row(
      "machine: first ping answered, from another host",
      spread(machine, ({ pingMs }) => pingMs),
    ),
    row("machine: the same, since the return", spread(machine, afterReturn)),
    row("address by ip(8), with detection: since the return", spread(plain, afterReturn)),
    row("Debian, systemd-networkd: since the return", spread(networkd, afterReturn)),
    row(
      "floor: nspawn alone, program runs",
      spread(floor, ({ execMs }) => execMs),
    ),
    row(
      "floor: systemctl start returns",
      spread(floor, ({ returnMs }) => returnMs),
    ),
  ]);
  return `${table}First ping, since the return: wish ${firstPingWishMs} ms or less. Address by ip(8): ${ratioTo(plain)}; systemd-networkd: ${ratioTo(networkd)}.\n`;
}

/** Starts a unit, waits for its program and, where there is an address, for a ping; then stops it. */
async function measure(here: Host, there: Host, { unit, out, address }: Contender): Promise<Start> {
  const mark = out === undefined ? "" : `${out}/started`;
  await here.run(["rm", "-f", mark]);
  // 50 pings a second, each with the time at which its answer came.
  const ping =
    address === undefined
      ? undefined
      : there.start(["ping", "-6", "-n", "-D", "-i", "0.02", address]);
  // The first pings are to fail, as those of a client that was there before the machine.
  await Bun.sleep(200);
  const { stdout } = await here
    .sh(
      `before=$(date +%s.%N); systemctl start "$1"; after=$(date +%s.%N)
     until [ -z "$2" ] || [ -e "$2" ]; do sleep 0.01; done
     echo "$before $after $([ -z "$2" ] || stat -c %.9Y "$2")"`,
      [unit, mark],
    )
    .catch(async (error) => {
      console.error((await here.run(["journalctl", "--no-pager", "-n", "20", "-u", unit])).stdout);
      throw error;
    });
  const [before = 0, after = 0, started = Number.NaN] = stdout.trim().split(" ").map(Number);
  const answered = await ping?.waitForOutput(/\[(\d+\.\d+)\] 64 bytes from/, 20_000);
  await ping?.[Symbol.asyncDispose]();
  await here.sh('systemctl stop "$1"; systemctl reset-failed "$1" 2>/dev/null || true', [unit]);
  return {
    execMs: (started - before) * 1000,
    returnMs: (after - before) * 1000,
    pingMs: (Number(answered?.[1] ?? Number.NaN) - before) * 1000,
  };
}
