/**
 * What health checks cost: processor time of all that a check sets in motion, systemd's own share among it. Beside
 * it a timer whose service does nothing, and `podman healthcheck run`, which podman has systemd start by such a timer.
 *
 * @module
 */
import { join } from "node:path";
import { setHealth, waitForHealth } from "../e2e/_health.ts";
import { mbctlOut } from "../e2e/_lab.ts";
import type { Host } from "../lab/host.ts";
import type { HostOs } from "../lab/host_image.ts";
import { makeBusyboxImage } from "../lab/images/busybox_image.ts";
import { startLab } from "../lab/lab.ts";
import { run } from "../lab/run.ts";
import { renderColumns } from "./medians.ts";

/** Docker's default: every 30 seconds. */
const checksAnHour = 120;
const secondsEach = 10;
const often = 'interval = "200ms"\nretries = 1000';

/** Prints the processor time of the whole host in microseconds, and how many jobs systemd has done. */
const look =
  "sed -n 's/^usage_usec //p' /sys/fs/cgroup/cpu.stat; systemctl show --property=NInstalledJobs --value";

/** Milliseconds a second while nothing is asked. */
async function idleMs(host: Host): Promise<number> {
  const [before] = await lookAt(host);
  await Bun.sleep(secondsEach * 1000);
  const [after] = await lookAt(host);
  return (after - before) / secondsEach;
}

async function lookAt(host: Host): Promise<readonly [cpuMs: number, jobs: number]> {
  const [cpu = Number.NaN, jobs = Number.NaN] = (await host.sh(look)).stdout
    .split("\n")
    .map(Number);
  return [cpu / 1000, jobs];
}

/** Milliseconds a check, without what the host does by itself. */
async function checkMs(host: Host, idle: number): Promise<number> {
  const [cpuBefore, jobsBefore] = await lookAt(host);
  await Bun.sleep(secondsEach * 1000);
  const [cpuAfter, jobsAfter] = await lookAt(host);
  return (cpuAfter - cpuBefore - idle * secondsEach) / (jobsAfter - jobsBefore);
}

/**
 * podman in mount and cgroup namespaces of its own, on a container that sleeps. The group bears the lab's name, so
 * that the lab's reaper removes it.
 */
const podmanScript = `
  mount --make-rprivate /; umount -R /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup || exit
  group=/sys/fs/cgroup/$1-podman; dir=$2; mkdir -p "$group" "$dir/fs/bin"; echo $$ >"$group/cgroup.procs"
  p() { podman --root "$dir/root" --runroot "$dir/run" --storage-driver vfs --cgroup-manager=cgroupfs --events-backend=file "$@"; }
  cp "$(command -v busybox)" "$dir/fs/bin/"; for name in sh sleep true; do ln -sf busybox "$dir/fs/bin/$name"; done
  { tar -C "$dir/fs" -c . | p import - bench:1
    p run -d --name bench --network=none --cgroups=disabled --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 \
      --security-opt seccomp=unconfined --health-cmd true --health-interval=disable bench:1 sleep 1000; } >"$dir/log" 2>&1
  cpu() { sed -n 's/^usage_usec //p' "$group/cpu.stat"; }
  before=$(cpu); n=0; while [ $n -lt 20 ] && p healthcheck run bench >>"$dir/log" 2>&1; do n=$((n + 1)); done; after=$(cpu)
  p rm -f -t 0 bench >>"$dir/log" 2>&1
  [ $n = 20 ] && echo "$((after - before)) $n" || { cat "$dir/log" >&2; exit 1; }`;

/** The same of podman; undefined where there is none, or it cannot run here. */
async function podmanMs(name: string, folder: string): Promise<number | undefined> {
  if (Bun.which("podman") === null) return undefined;
  const argv = ["unshare", "-mC", "sh", "-c", podmanScript, "sh", name, folder];
  const { exitCode, stdout } = await run(argv, { allowFailure: true, timeoutMs: 120_000 });
  const [us = 0, count = 1] = stdout.split(" ").map(Number);
  return exitCode === 0 ? us / 1000 / count : undefined;
}

/** Measures in a lab, and returns the table as text. */
export async function benchHealth(os: HostOs): Promise<string> {
  await using lab = await startLab({ hosts: [{ name: "hosta", os }], mbctl: true });
  const host = lab.host("hosta");
  const config = { User: "1000", Cmd: ["sh", "-c", "cd /; exec httpd -f -h /etc -p 8080"] };
  const image = await makeBusyboxImage(join(host.dir, "image"), { config });
  await host.copyIn(image.dir, "/srv/image");
  await mbctlOut(host, ["machines", "pull", "oci:/srv/image:latest", "Bench"]);
  await host.sh("echo hello >/var/lib/man8machines/Bench/etc/page");
  await mbctlOut(host, ["machines", "start", "Bench"]);
  const idle = await idleMs(host);

  const measured: (readonly [what: string, ms: number])[] = [];
  const ways = [
    ["a command, as the app's user", 'command = ["true"]'],
    ["http", 'http = "http://127.0.0.1:8080/page"'],
    ["tcp", "tcp = 8080"],
  ] as const;
  for (const [what, lines] of ways) {
    await setHealth(host, "Bench", `${lines}\n${often}`);
    await waitForHealth(host, "Bench", "healthy");
    measured.push([what, await checkMs(host, idle)]);
  }
  const folder = "/run/systemd/system/mbctl-health_Bench.service.d";
  await host.sh('mkdir -p "$1"; printf "[Service]\\nExecStart=\\nExecStart=true\\n" >"$1/x.conf"', [
    folder,
  ]);
  await host.run(["systemctl", "daemon-reload"]);
  measured.push(["floor: the timer of a service that does nothing", await checkMs(host, idle)]);
  const podman = await podmanMs(
    lab.dir.slice(lab.dir.lastIndexOf("/") + 1),
    join(host.dir, "podman"),
  );
  if (podman !== undefined) measured.push(["podman healthcheck run, without its timer", podman]);
  const title = `A health check on ${os}, systemd ${host.systemdVersion}: processor time`;
  return renderColumns([
    [title, "ms a check", "ms a machine and hour"],
    ...measured.map(([what, ms]) => [what, ms.toFixed(1), (ms * checksAnHour).toFixed(0)]),
  ]);
}

if (import.meta.main) console.log(await benchHealth((process.argv[2] ?? "debian13") as HostOs));
