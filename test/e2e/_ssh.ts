/** Two lab hosts with a cable of their own between them, and ssh from each to the other as root. */

import { run } from "../lab/run.ts";
import type { Lab } from "../lab/lab.ts";

/** What a host needs for it: `startLab({ hosts: [{ …, packages: sshPackages }] })`. */
export const sshPackages = ["openssh-client", "openssh-server"];

/** Joins two hosts: `ssh hostb` works on hosta, and the other way round. */
export async function joinBySsh(lab: Lab, one: string, other: string): Promise<void> {
  const hosts = [lab.host(one), lab.host(other)] as const;
  const [a, b] = hosts;
  // A cable between two network cards; ssh finds the other host by its name.
  await run([
    ...["ip", "link", "add", "eth1", "netns", String(a.leader)],
    ...["type", "veth", "peer", "name", "eth1", "netns", String(b.leader)],
  ]);
  const keyFile = "/root/.ssh/id_ed25519";
  await a.sh(`mkdir -p -m 700 /root/.ssh; ssh-keygen -q -t ed25519 -N "" -f ${keyFile}`);
  const [key, publicKey] = [await a.run(["cat", keyFile]), await a.run(["cat", `${keyFile}.pub`])];
  for (const [index, host] of hosts.entries()) {
    await host.sh(`ip link set eth1 up; ip addr add 192.0.2.${index + 1}/24 dev eth1`);
    await host.sh(
      `printf '192.0.2.1 ${one}\\n192.0.2.2 ${other}\\n' >> /etc/hosts; mkdir -p -m 700 /root/.ssh`,
    );
    await host.writeFile(keyFile, key.stdout, "0600");
    await host.writeFile("/root/.ssh/authorized_keys", publicKey.stdout, "0600");
    await host.writeFile("/root/.ssh/config", "StrictHostKeyChecking accept-new\n", "0600");
    await host.sh("systemctl start ssh");
  }
}
