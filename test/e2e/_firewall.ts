/** Three hosts with six machines, and looking who reaches whom. */

import type { Host } from "../lab/host.ts";
import type { HostOs } from "../lab/host_image.ts";
import type { HostProcess } from "../lab/host_process.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { waitFor } from "../lab/wait_for.ts";
import { mbctlOut } from "./_lab.ts";
import { type ImageRecipe, installImages, pull } from "./_machines.ts";
import { waitForPing } from "./_network.ts";

/** What a machine of the lab answers to. */
export type Probe = "tcp80" | "tcp443" | "udp53" | "ping";
export const allProbes: readonly Probe[] = ["ping", "tcp443", "tcp80", "udp53"];

/** Answers on each TCP port with its name. */
const image: ImageRecipe = {
  config: {
    Cmd: ["sh", "-c", "nc -ll -p 80 -e echo tcp80 & exec nc -ll -p 443 -e echo tcp443"],
    StopSignal: "SIGKILL",
  },
};

/** Answers on UDP port 53; of the host, in the machine's network, because busybox's nc does not serve UDP. */
const udpServer = `use Socket ":all"; socket(S, AF_INET6, SOCK_DGRAM, 17) && bind(S, pack_sockaddr_in6(53, IN6ADDR_ANY)) or die $!;
  while (my $from = recv(S, my $data, 1500, 0)) { send(S, "udp53\\n", 0, $from) }`;

/** Where each machine is, and what it was pulled with; hosta and hostb trust each other, hostc is a stranger. */
export const machines = {
  open: { host: "hosta", flags: [] },
  picky: {
    host: "hosta",
    flags: ["--allow=app@hostb", "--allow=mesh:443/tcp", "--publish=8080:80"],
  },
  "shown-to-the-world": {
    host: "hosta",
    flags: ["--allow=hosta", "--expose=80", "--expose=53/udp"],
  },
  app: { host: "hostb", flags: [] },
  other: { host: "hostb", flags: ["--allow=hosta:80-100"] },
  alien: { host: "hostc", flags: [] },
} as const;
export type Name = keyof typeof machines;

export interface FirewallLab extends AsyncDisposable {
  readonly lab: Lab;
  readonly addresses: Readonly<Record<Name, string>>;
}

/** Boots the lab, with all machines running. */
export async function startFirewallLab(os: HostOs): Promise<FirewallLab> {
  const names = ["hosta", "hostb", "hostc"];
  const lab = await startLab({
    hosts: names.map((name) => ({ name, os })),
    mbctl: true,
    trust: ["hosta", "hostb"],
  });
  try {
    const addresses: Record<string, string> = {};
    await Promise.all(
      lab.hosts.map(async (host) => {
        await installImages(host, { app: image });
        await host.writeFile("/srv/udp.pl", udpServer);
        for (const [name, { host: home, flags }] of Object.entries(machines)) {
          if (home !== host.name) continue;
          addresses[name] = await pull(host, name, [...flags, "--start"], "app");
          const serve = ["mbctl", "machines", "shell", name, "--network-only", "--"];
          // As a unit: what is started beside systemd is stopped, not ended, when the host reboots.
          await host.run(["systemd-run", "--quiet", ...serve, "perl", "/srv/udp.pl"]);
        }
      }),
    );
    const found = addresses as Record<Name, string>;
    // The mesh finds its paths.
    for (const host of lab.hosts) {
      for (const name of host.name === "hostc"
        ? (["alien"] as const)
        : (["open", "app"] as const)) {
        await waitForPing(host, found[name]);
      }
    }
    return {
      lab,
      addresses: found,
      [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose](),
    };
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
}

/** All probes of all addresses at once: `ADDRESS PROBE` for each that was answered. */
const probeScript = `
  tcp() { timeout 2 bash -c 'exec 3<>"/dev/tcp/$0/$1" && read -r line <&3 && echo "$0 $line"' "$1" "$2"; }
  udp() {
    # Not by the shell's read, which takes one byte and loses the rest of the datagram.
    bash -c 'exec 3<>"/dev/udp/$0/53"
      for _ in 1 2 3; do echo x >&3; line=$(timeout 0.6 head -n1 <&3) && echo "$0 $line" && break; done' "$1"
  }
  pings() { ping -c1 -W1 "$1" >/dev/null && echo "$1 ping"; }
  for address do tcp "$address" 80 & tcp "$address" 443 & udp "$address" & pings "$address" & done 2>/dev/null
  wait; true`;

/** What answers to a machine, or to a host, of the probes sent to these addresses. */
export async function probeFrom(
  it: FirewallLab,
  source: string,
  addresses: readonly string[],
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const output = await runAs(it, source, ["bash", "-c", probeScript, "probe", ...addresses]);
  const answered = new Map<string, Set<string>>(addresses.map((address) => [address, new Set()]));
  for (const line of output.split("\n")) {
    const [address = "", probe = ""] = line.split(" ");
    if (probe !== "") answered.get(address)?.add(probe);
  }
  return answered;
}

/** What a TCP port answers to a machine or a host; empty when nobody does. */
export async function answerTo(
  it: FirewallLab,
  source: string,
  address: string,
  port: number,
): Promise<string> {
  const script = `timeout 2 bash -c 'exec 3<>"/dev/tcp/$0/$1" && head -n1 <&3' "$0" "$1" 2>/dev/null; true`;
  return (await runAs(it, source, ["bash", "-c", script, address, String(port)])).trim();
}

/** Runs a program of the host in the network of a machine, or of a host. */
async function runAs(
  { lab }: FirewallLab,
  source: string,
  argv: readonly string[],
): Promise<string> {
  const home = machines[source as Name]?.host;
  if (home !== undefined) return await inNetwork(lab.host(home), source, argv);
  return (await lab.host(source).run(argv, { timeoutMs: 20_000 })).stdout;
}

/** Runs a program of the host in a machine's network. */
export async function inNetwork(
  host: Host,
  name: string,
  argv: readonly string[],
): Promise<string> {
  return await mbctlOut(host, ["machines", "shell", name, "--network-only", "--", ...argv]);
}

/** A stream of echo requests, several in a second, until it is stopped. */
export class PingStream implements AsyncDisposable {
  readonly #ping: HostProcess;

  constructor(host: Host, address: string) {
    this.#ping = host.start(["ping", "-O", "-i", "0.05", address]);
  }

  /** How many were answered so far. */
  get answers(): number {
    return this.#ping.stdout().match(/ bytes from /g)?.length ?? 0;
  }

  /** How many were sent so far and got no answer, by the time the next was sent. */
  get losses(): number {
    return this.#ping.stdout().match(/no answer yet/g)?.length ?? 0;
  }

  /** Waits until that many more were sent, answered or not. */
  async more(count: number): Promise<void> {
    const sent = () => this.answers + this.losses;
    const before = sent();
    await waitFor(() => sent() >= before + count, {
      what: `${count} echo requests`,
      explain: () => this.#ping.stdout().slice(-500),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ping.kill("SIGINT");
    await this.#ping[Symbol.asyncDispose]();
  }
}
