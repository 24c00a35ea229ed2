/**
 * The mesh of the lab: veth pairs between hosts, and a yggdrasil in each that finds
 * the others on them by link-local multicast.
 *
 * @module
 */
import type { Host } from "./host.ts";
import { run } from "./run.ts";
import { waitFor } from "./wait_for.ts";

/** What a host's yggdrasil says of itself. */
export interface MeshIdentity {
  /** The host's own address, in 200::/8. */
  readonly address: string;
  /** First four groups of its /64 in 300::/8, `300:2e98:a4b0:1789`. */
  readonly prefix: string;
}

/**
 * Joins two hosts by a veth pair; the end in each is named after the other, `to-hostb`.
 * It ends with either host.
 */
export async function joinHosts(a: Host, b: Host): Promise<void> {
  await run([
    ...["ip", "link", "add", `to-${b.name}`, "netns", String(a.leader)],
    ...["type", "veth", "peer", "name", `to-${a.name}`, "netns", String(b.leader)],
  ]);
  await a.run(["ip", "link", "set", `to-${b.name}`, "up"]);
  await b.run(["ip", "link", "set", `to-${a.name}`, "up"]);
}

/** Gives the host's yggdrasil a new key the first time, starts it and returns who it is. */
export async function startYggdrasil(host: Host): Promise<MeshIdentity> {
  const path = "/etc/yggdrasil/yggdrasil.conf";
  if (!(await hasLabConfig(host, path))) {
    const config = JSON.parse((await host.run(["yggdrasil", "-genconf", "-json"])).stdout);
    // The links to other hosts and no bridge or machine: those must be reached by routing.
    config.MulticastInterfaces = [
      { Regex: "to-.*", Beacon: true, Listen: true, Port: 0, Priority: 0 },
    ];
    // No public mesh may ever be joined from a test.
    config.Peers = [];
    config.NodeInfo = { lab: host.name };
    await host.writeFile(path, JSON.stringify(config, null, 2), "0640");
    await host.run(["chgrp", "yggdrasil", path]);
  }
  await host.run(["systemctl", "start", "yggdrasil.service"]);
  return await waitFor(() => readMeshIdentity(host), {
    what: `yggdrasil of lab host "${host.name}"`,
    explain: async () =>
      (await host.run(["journalctl", "-u", "yggdrasil", "-n", "20", "--no-pager"])).stdout,
  });
}

async function hasLabConfig(host: Host, path: string): Promise<boolean> {
  return (await host.run(["grep", "-q", '"lab"', path], { allowFailure: true })).exitCode === 0;
}

/** Asks the running yggdrasil who it is. */
async function readMeshIdentity(host: Host): Promise<MeshIdentity> {
  const self = JSON.parse((await host.run(["yggdrasilctl", "-json", "getself"])).stdout) as {
    address: string;
    subnet: string;
  };
  // `300:2e98:a4b0:1789::/64`; groups of zeros before the `::` are swallowed by it.
  const groups = self.subnet.slice(0, self.subnet.indexOf("::")).split(":");
  while (groups.length < 4) groups.push("0");
  const address = (await host.run(["ip", "-6", "-o", "address", "show", "to", self.address]))
    .stdout;
  if (address === "") throw new Error(`${self.address} is on no interface yet`);
  return { address: self.address, prefix: groups.join(":") };
}

/** Waits until every host reaches every other over the mesh. */
export async function waitForMesh(
  hosts: readonly Host[],
  identities: readonly MeshIdentity[],
): Promise<void> {
  const waits = hosts.flatMap((host) =>
    identities.map((identity) =>
      waitFor(
        async () =>
          (
            await host.run(["ping", "-6", "-c", "1", "-W", "1", identity.address], {
              allowFailure: true,
            })
          ).exitCode === 0,
        {
          what: `lab host "${host.name}" to reach ${identity.address} over the mesh`,
        },
      ),
    ),
  );
  await Promise.all(waits);
}
