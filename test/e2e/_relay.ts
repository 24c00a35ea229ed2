/** Machines that listen on IPv4 alone, and asking them from another host. */

import { join } from "node:path";
import type { Host } from "../lab/host.ts";
import { Layout } from "../lab/images/layout.ts";
import { realImageLayout } from "../lab/images/real_images.ts";
import { waitFor } from "../lab/wait_for.ts";

/** Says who asks; behind `proxy_protocol` who is said to ask. */
const listensOnIpv4 = `
    server { listen 0.0.0.0:80; location / { return 200 "client $remote_addr\\n"; } }
    server { listen 0.0.0.0:8081 proxy_protocol; location / { return 200 "client $proxy_protocol_addr\\n"; } }`;

/** A configuration with these servers. */
const nginxConfiguration = (servers: string) => `user nginx;
worker_processes 1;
worker_rlimit_nofile 16384;
error_log /var/log/nginx/error.log notice;
pid /run/nginx.pid;
events { worker_connections 8192; }
http {
    client_body_temp_path /var/cache/nginx/body;
    proxy_temp_path /var/cache/nginx/proxy;
    fastcgi_temp_path /var/cache/nginx/fastcgi;
    uwsgi_temp_path /var/cache/nginx/uwsgi;
    scgi_temp_path /var/cache/nginx/scgi;
    access_log off;
    keepalive_requests 1000000;
    sendfile on;${servers}
}
`;

/** Where {@linkcode installNginx} puts the image. */
export const nginxImage = "oci:/srv/nginx:latest";

/**
 * The lab's nginx, with a configuration of its own.
 *
 * @param servers its `server {…}` blocks; by default they listen on 0.0.0.0 alone.
 */
export async function installNginx(host: Host, servers = listensOnIpv4): Promise<void> {
  const real = await realImageLayout("nginx");
  const blob = (digest: string) => join(real, "blobs", digest.replace(":", "/"));
  const read = async (path: string) => await Bun.file(path).json();
  const [tagged] = (await read(join(real, "index.json"))).manifests;
  const manifest = await read(blob(tagged.digest));
  const { config, rootfs } = await read(blob(manifest.config.digest));
  const layout = await Layout.create(join(host.dir, "nginx"));
  const layers = manifest.layers.map(({ digest }: { digest: string }, index: number) => ({
    path: blob(digest),
    diffId: rootfs.diff_ids[index],
  }));
  const ours = [{ path: "etc/nginx/nginx.conf", content: nginxConfiguration(servers) }];
  await layout.tag(
    "latest",
    await layout.addImage({ layers: [...layers, ours], config: { config } }),
  );
  await host.copyIn(layout.dir, "/srv/nginx");
}

/** Fetches a page; undefined when nobody answers. */
export async function fetchPage(host: Host, url: string): Promise<string | undefined> {
  const { exitCode, stdout } = await host.run(["curl", "-sS", "-g", "--max-time", "5", url], {
    allowFailure: true,
  });
  return exitCode === 0 ? stdout.trim() : undefined;
}

/** Fetches a page as soon as somebody answers. */
export async function waitForPage(host: Host, url: string): Promise<string> {
  return await waitFor(() => fetchPage(host, url), {
    what: `${host.name} to fetch ${url}`,
    explain: async () =>
      (await host.run(["curl", "-vsS", "-g", "--max-time", "5", url], { allowFailure: true }))
        .stderr,
  });
}

/** Answers each datagram with the address that it came from, on 0.0.0.0 alone. */
const udpServer = `use Socket ":all"; socket(S, AF_INET, SOCK_DGRAM, 17) && bind(S, pack_sockaddr_in(shift, INADDR_ANY)) or die $!;
  while (my $from = recv(S, my $data, 65536, 0)) { my ($port, $address) = unpack_sockaddr_in($from);
    send(S, inet_ntoa($address) . " $data", 0, $from) }`;

/** Runs a UDP server in a machine's network: busybox has none, so it is one of the host's programs. */
export async function serveUdp(host: Host, machine: string, port: number): Promise<void> {
  await host.writeFile("/srv/udp_server.pl", udpServer);
  const words = ["mbctl", "machines", "shell", machine, "--network-only", "--"];
  await host.run(["systemd-run", "--quiet", ...words, "perl", "/srv/udp_server.pl", `${port}`]);
}

/** Asks once a second until an answer comes, at most 15 times; from one socket, so that the answer must come to it. */
const udpClient = `use Socket ":all"; my ($host, $port, $text) = @ARGV;
  my $is6 = $host =~ /:/; my $family = $is6 ? AF_INET6 : AF_INET;
  my $packed = inet_pton($family, $host);
  my $to = $is6 ? pack_sockaddr_in6($port, $packed) : pack_sockaddr_in($port, $packed);
  socket(S, $family, SOCK_DGRAM, 17) && connect(S, $to) or die $!;
  $SIG{ALRM} = sub { exit 1 if ++$n > 15; send(S, $text, 0); alarm 1 };
  send(S, $text, 0); alarm 1;
  for (;;) { if (defined recv(S, my $data, 65536, 0)) { print $data; exit 0 } select(undef, undef, undef, 0.05) }`;

/** Sends a datagram and returns what comes back; the answer must come from the address that was asked. */
export async function askUdp(
  host: Host,
  address: string,
  port: number,
  text: string,
): Promise<string> {
  return (await host.run(["perl", "-e", udpClient, address, `${port}`, text])).stdout;
}

/**
 * Opens connections, so many in a moment: before the next come, one that came behind them has its answer. Asks over all of
 * them when all are open, and counts the answers.
 */
const manyClients = `use Socket ":all"; my ($host, $port, $count, $burst) = @ARGV; my @all;
  my $to = pack_sockaddr_in6($port, inet_pton(AF_INET6, $host));
  sub begin { my $s; socket($s, AF_INET6, SOCK_STREAM, 6) && connect($s, $to) or die "connection: $!"; return $s }
  sub ask { send($_[0], "GET / HTTP/1.0\\r\\n\\r\\n", 0) or die $! }
  sub hear { my $s = shift; local $/; my $text = <$s>; return $text =~ m(^HTTP/1.1 200 ) }
  while (@all < $count) { push @all, begin() for 1 .. $burst; my $last = begin(); ask($last); hear($last) }
  ask($_) for @all;
  print scalar grep { hear($_) } @all`;

/**
 * How many of so many clients at a time get a page.
 *
 * @param burst how many of them come at the same moment; divides their number.
 */
export async function countAnswers(
  host: Host,
  address: string,
  port: number,
  clients: number,
  burst = clients,
): Promise<number> {
  const script = 'ulimit -n 16384; exec perl -e "$@"';
  const words = [manyClients, address, `${port}`, `${clients}`, `${burst}`];
  return Number((await host.sh(script, words, { timeoutMs: 60_000 })).stdout);
}
