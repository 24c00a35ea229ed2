/**
 * What a relay costs: throughput and latency from a lab host to nginx in a machine at its mesh address, straight
 * and through each of the two programs that relay (lib/relay/README.md).
 *
 * @module
 */
import { mbctlOut } from "../e2e/_lab.ts";
import { installNginx, nginxImage, waitForPage } from "../e2e/_relay.ts";
import type { Host } from "../lab/host.ts";
import type { HostOs } from "../lab/host_image.ts";
import { startLab } from "../lab/lab.ts";
import { renderColumns, spreadOf } from "./medians.ts";

const runs = 3;
/** Asked one after another over one connection; over a connection each. */
const requests = 4000;
const connections = 1000;
const fileBytes = 2 * 1024 ** 3;

const pages = 'location / { return 200 "hi\\n"; } location /file { root /srv; }';
const ways = [
  { what: "straight", port: 8082 },
  { what: "systemd-socket-proxyd", port: 80 },
  { what: "our own relay (PROXY)", port: 8081 },
] as const;
const servers = `
  server { listen [::]:8082; ${pages} }
  server { listen 0.0.0.0:80; ${pages} }
  server { listen 0.0.0.0:8081 proxy_protocol; ${pages} }`;

const client = `use Socket ":all"; my ($host, $port, $count, $each) = @ARGV;
  my $to = pack_sockaddr_in6($port, inet_pton(AF_INET6, $host)); my $s;
  sub meet { socket($s, AF_INET6, SOCK_STREAM, 6) && connect($s, $to) or die $!; setsockopt($s, 6, 1, 1) }
  meet() unless $each;
  for (1 .. $count) {
    meet() if $each;
    send($s, "GET / HTTP/1.1\\r\\nHost: x\\r\\n" . ($each ? "Connection: close\\r\\n" : "") . "\\r\\n", 0) or die $!;
    my $text = ""; while ($text !~ /hi\\n$/) { sysread($s, $text, 65536, length $text) or die "ended" } }`;

/** Milliseconds for each of so many requests. */
async function latencyMs(host: Host, port: number, address: string, isEach: boolean) {
  const count = isEach ? connections : requests;
  const words = [client, address, `${port}`, `${count}`, isEach ? "1" : ""];
  const { stdout } = await host.sh(
    'before=$(date +%s%N); perl -e "$@"; echo $(($(date +%s%N) - before))',
    words,
    { timeoutMs: 120_000 },
  );
  return Number(stdout) / 1e6 / count;
}

/** Megabytes a second of a large file. */
async function throughputMb(host: Host, port: number, address: string) {
  const { stdout } = await host.run(
    [
      "curl",
      "-sSg",
      "-o",
      "/dev/null",
      "-w",
      "%{speed_download}",
      `http://[${address}]:${port}/file`,
    ],
    { timeoutMs: 120_000 },
  );
  return Number(stdout) / 1e6;
}

/** Measures in a lab, and returns the table as text. */
export async function benchRelay(os: HostOs): Promise<string> {
  await using lab = await startLab({ hosts: [{ name: "hosta", os }], mbctl: true });
  const host = lab.host("hosta");
  await installNginx(host, servers);
  const relays = ["--relay6", "80", "--relay6", "8081+proxy"];
  const address = await mbctlOut(host, ["machines", "pull", nginxImage, "Web", ...relays]);
  await host.sh('mkdir -p "$2"; truncate -s "$1" "$2/file"', [
    `${fileBytes}`,
    "/var/lib/man8machines/Web/srv",
  ]);
  await mbctlOut(host, ["machines", "start", "Web"]);
  for (const { port } of ways) await waitForPage(host, `http://[${address}]:${port}/`);

  const kinds = [
    { unit: "MB/s", measure: (port: number) => throughputMb(host, port, address) },
    { unit: "ms a request", measure: (port: number) => latencyMs(host, port, address, false) },
    { unit: "ms a connection", measure: (port: number) => latencyMs(host, port, address, true) },
  ];
  const medians = ways.map(() => kinds.map(() => 0));
  for (const [column, { measure }] of kinds.entries()) {
    const series: number[][] = ways.map(() => []);
    // In turns, so that what else the machine does meets all of them; the first turn does not count.
    for (let run = -1; run < runs; run++) {
      for (const [index, { port }] of ways.entries()) {
        const value = await measure(port);
        if (run >= 0) series[index]?.push(value);
      }
    }
    for (const [index, values] of series.entries()) {
      (medians[index] as number[])[column] = spreadOf(values).median;
    }
  }
  const straight = medians[0] ?? [];
  const cells = (values: readonly number[]) =>
    values.flatMap((value, column) => [
      value.toFixed(column === 0 ? 0 : 3),
      `${(value / (straight[column] ?? 1)).toFixed(2)} x`,
    ]);
  const title = `nginx in a machine on ${os}, systemd ${host.systemdVersion}, from its host`;
  return renderColumns([
    [title, ...kinds.flatMap(({ unit }) => [unit, ""])],
    ...ways.map(({ what }, index) => [what, ...cells(medians[index] ?? [])]),
  ]);
}

if (import.meta.main) console.log(await benchRelay((process.argv[2] ?? "debian13") as HostOs));
