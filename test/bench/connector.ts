/**
 * What a lent command costs: round trips beside those of `machinectl shell`, `systemd-run --machine` and `ssh localhost`,
 * and how fast bytes come out of it. Nobody's first call is counted: it starts a server, or an agent.
 *
 * @module
 */
import { mbctlOut } from "../e2e/_lab.ts";
import { installImages, pull } from "../e2e/_machines.ts";
import { sshPackages } from "../e2e/_ssh.ts";
import type { Host } from "../lab/host.ts";
import type { HostOs } from "../lab/host_image.ts";
import { debianBaseLayout, systemPackages } from "../lab/images/debian_base.ts";
import { startLab } from "../lab/lab.ts";
import { waitFor } from "../lab/wait_for.ts";
import { renderColumns } from "./medians.ts";

const callsEach = 50;
const atOnce = 8;

const stays = ["sh", "-c", "while :; do sleep 1000 & wait $!; done"];
const images = { tools: { config: { Entrypoint: stays } } } as const;

/** Milliseconds that a shell line of the host takes, without its first run. */
async function timeMs(host: Host, line: string): Promise<number> {
  await host.sh(line);
  const timed = 'before=$(date +%s%N); eval "$1" >/dev/null; echo $(($(date +%s%N) - before))';
  const { stdout } = await host.sh(timed, [line], { timeoutMs: 120_000 });
  return Number(stdout.trim().split("\n").at(-1)) / 1e6;
}

/** Milliseconds a call, one after the other. */
async function roundTripMs(host: Host, call: string, count = callsEach): Promise<number> {
  return (
    (await timeMs(host, `n=0; while [ $n -lt ${count} ]; do ${call} || exit; n=$((n + 1)); done`)) /
    count
  );
}

/** Milliseconds a call inside a machine, without the way in. */
async function insideMs(
  host: Host,
  machine: string,
  calls: (count: number) => string,
): Promise<number> {
  const run = async (count: number) =>
    await timeMs(host, `mbctl machines exec ${machine} -- sh -c '${calls(count)}'`);
  const [none, all] = [await run(0), await run(callsEach * atOnce)];
  return (all - none) / (callsEach * atOnce);
}

const lent = "$MBCTL_CONNECTOR_DIR/tools/true";
const oneByOne = (count: number) =>
  `n=0; while [ $n -lt ${count} ]; do ${lent}; n=$((n + 1)); done`;
const eightAtOnce = (count: number) =>
  `for w in $(seq ${atOnce}); do (n=0; while [ $n -lt ${count / atOnce} ]; do ${lent}; n=$((n + 1)); done) & done; wait`;

/** Megabytes a second of a line that copies so many GiB, without what it takes to begin. */
async function speedOf(
  host: Host,
  gigabytes: number,
  line: (count: number) => string,
): Promise<number> {
  const ms = (await timeMs(host, line(gigabytes))) - (await timeMs(host, line(0)));
  return (gigabytes * 1024 ** 3) / 1000 / ms;
}

/** Lets root of a host come to itself by ssh. */
async function openSsh(host: Host): Promise<void> {
  await host.sh(`mkdir -p -m 700 /root/.ssh; ssh-keygen -q -t ed25519 -N "" -f /root/.ssh/id_ed25519
    cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys; systemctl start ssh
    printf 'StrictHostKeyChecking accept-new\\n' >/root/.ssh/config`);
}

/** Measures in a lab, and returns the tables as text. */
export async function benchConnector(os: HostOs): Promise<string> {
  await using lab = await startLab({
    hosts: [{ name: "hosta", os, packages: sshPackages }],
    mbctl: true,
  });
  const host = lab.host("hosta");
  await installImages(host, images);
  await pull(host, "tools", ["--lend", "true", "--lend", "dd", "--start"]);
  await pull(host, "web", ["--connector=tools", "--start"], "tools");
  await host.copyIn(await debianBaseLayout("bookworm", systemPackages), "/srv/base");
  await mbctlOut(host, ["machines", "pull", "oci:/srv/base:latest", "base", "--mode=base"]);
  await mbctlOut(host, ["machines", "start", "base"]);
  await openSsh(host);
  const inBase = "systemd-run --quiet --machine=base --wait --pipe true";
  await waitFor(
    async () => (await host.run(["sh", "-c", inBase], { allowFailure: true })).exitCode === 0,
    {
      timeoutMs: 60_000,
      what: "the booted machine",
    },
  );

  const trips: (readonly [what: string, ms: number])[] = [
    ["a lent command, from another machine", await insideMs(host, "web", oneByOne)],
    [`the same, ${atOnce} at once`, await insideMs(host, "web", eightAtOnce)],
    [
      "mbctl connector call tools true, on the host",
      await roundTripMs(host, "mbctl connector call tools true"),
    ],
    [
      "mbctl machines exec tools -- true",
      await roundTripMs(host, "mbctl machines exec tools -- true"),
    ],
    [
      "machinectl shell base /bin/true",
      await roundTripMs(host, "machinectl --quiet shell base /bin/true </dev/null"),
    ],
    ["systemd-run --machine=base --pipe true", await roundTripMs(host, inBase)],
    ["ssh localhost true", await roundTripMs(host, "ssh localhost true </dev/null", 20)],
  ];
  const copy = (dd: string, count: number) =>
    `${dd} bs=1M count=${count * 1024} if=/dev/zero 2>/dev/null | cat >/dev/null`;
  const inside = (machine: string, dd: string) => (count: number) =>
    `mbctl machines exec ${machine} -- sh -c '${copy(dd, count)}'`;
  const bytes: (readonly [what: string, mbPerSecond: number])[] = [
    ["dd | cat, in a machine", await speedOf(host, 8, inside("tools", "dd"))],
    ["a lent dd in its place", await speedOf(host, 8, inside("web", "/connectors/tools/dd"))],
    ["dd by ssh", await speedOf(host, 1, (count) => copy("ssh localhost dd", count))],
  ];
  return `${renderColumns([
    [
      `A command that does nothing, on ${os}, systemd ${host.systemdVersion}`,
      "ms a call",
      "calls a second",
    ],
    ...trips.map(([what, ms]) => [what, ms.toFixed(1), (1000 / ms).toFixed(0)]),
  ])}\n${renderColumns([
    ["From a command to a pipe", "MB/s"],
    ...bytes.map(([what, speed]) => [what, speed.toFixed(0)]),
  ])}`;
}

if (import.meta.main) console.log(await benchConnector((process.argv[2] ?? "debian13") as HostOs));
