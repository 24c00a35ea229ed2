/**
 * Start of a machine in a lab host: from `systemctl start` to the first act of its
 * program, and to the first answered ping over its mesh address, from another host. Beside it
 * the floor: the same unit mechanics, root tree, user namespace and bridge for a payload that
 * systemd-nspawn starts at once, without man8s-init and without a network.
 *
 * @module
 */
import { join } from "node:path";
import type { Host } from "../lab/host.ts";
import type { HostOs } from "../lab/host_image.ts";
import { makeBusyboxImage } from "../lab/images/busybox_image.ts";
import { startLab } from "../lab/lab.ts";
import { head, renderColumns, row, spreadOf } from "./medians.ts";

/** Measurements of each kind; one more goes before and does not count. */
const runs = 7;

/** The first act of the program is a file, whose time the kernel writes in steps of a clock tick. */
const program = ["sh", "-c", ": >/out/started; exec sleep 1000"];

const machineUnit = "systemd-nspawn@Bench.service";
const floorUnit = "bench-floor.service";
const machineOut = "/var/lib/man8machine_storage/Bench/out";
const floorOut = "/srv/floor";

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
  const flags = ["--mount=/out=data"];
  const pulled = await here.run([
    "mbctl",
    "machines",
    "pull",
    "oci:/srv/image:latest",
    "Bench",
    ...flags,
  ]);
  const address = pulled.stdout.trim();
  await here.writeFile(`/etc/systemd/system/${floorUnit}`, floorText);
  await here.run(["mkdir", "-p", floorOut]);
  await here.run(["systemctl", "daemon-reload"]);

  const machine: Start[] = [];
  const floor: Start[] = [];
  for (let round = -1; round < runs; round++) {
    const bare = await measure(here, there, floorUnit, floorOut);
    const whole = await measure(here, there, machineUnit, machineOut, address);
    if (round < 0) continue;
    floor.push(bare);
    machine.push(whole);
  }
  const rows = [
    row("machine: program runs", spreadOf(machine.map(({ execMs }) => execMs))),
    row("machine: systemctl start returns", spreadOf(machine.map(({ returnMs }) => returnMs))),
    row(
      "machine: first ping answered, from another host",
      spreadOf(machine.map(({ pingMs }) => pingMs)),
    ),
    row("floor: nspawn alone, program runs", spreadOf(floor.map(({ execMs }) => execMs))),
    row("floor: systemctl start returns", spreadOf(floor.map(({ returnMs }) => returnMs))),
  ];
  const title = `systemctl start on ${os}, systemd ${here.systemdVersion}, to`;
  return renderColumns([[title, ...head.slice(1)], ...rows]);
}

/** Starts a unit, waits for its program and, where there is an address, for a ping; then stops it. */
async function measure(
  here: Host,
  there: Host,
  unit: string,
  out: string,
  address?: string,
): Promise<Start> {
  await here.run(["rm", "-f", `${out}/started`]);
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
     until [ -e "$2/started" ]; do sleep 0.01; done
     echo "$before $after $(stat -c %.9Y "$2/started")"`,
      [unit, out],
    )
    .catch(async (error) => {
      console.error((await here.run(["journalctl", "--no-pager", "-n", "20", "-u", unit])).stdout);
      throw error;
    });
  const [before = 0, after = 0, started = 0] = stdout.trim().split(" ").map(Number);
  const answered = await ping?.waitForOutput(/\[(\d+\.\d+)\] 64 bytes from/, 20_000);
  await ping?.[Symbol.asyncDispose]();
  await here.sh('systemctl stop "$1"; systemctl reset-failed "$1" 2>/dev/null || true', [unit]);
  return {
    execMs: (started - before) * 1000,
    returnMs: (after - before) * 1000,
    pingMs: (Number(answered?.[1] ?? Number.NaN) - before) * 1000,
  };
}
