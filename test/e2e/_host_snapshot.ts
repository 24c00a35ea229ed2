/** All of a host that a set-up may change, as text: to be compared before and after. */

import type { Host } from "../lab/host.ts";

/** Files with content, mode and owner; links; firewall, addresses, rules and routes; services. */
const script = `
  cd /
  find etc var/lib -xdev ! -type d -printf '%p %M %U:%G %l\\n' | sort
  find etc var/lib -xdev -type d -printf '%p/ %M %U:%G\\n' | sort
  find etc var/lib -xdev -type f -exec sha256sum {} + | sort -k 2
  echo '== nft'; nft list ruleset
  for what in address rule "route show table all"; do
    for family in -4 -6; do echo "== ip $family $what"; ip $family -o $what | sed 's/ expires [0-9]*sec//; s/valid_lft.*//'; done
  done
  echo '== kernel'; sysctl net.ipv4.ip_forward net.ipv6.conf.all.forwarding net.ipv6.conf.default.forwarding
  echo '== enabled'; systemctl list-unit-files --no-legend --state=enabled
  # machined comes when somebody asks for machines, and stays.
  echo '== running'; systemctl list-units --no-legend --plain --type=service --state=active,failed | sed 's/ .*//; /systemd-machined/d'
`;

/** Reads all of it. */
export async function hostSnapshot(host: Host): Promise<string[]> {
  return (await host.sh(script)).stdout.split("\n");
}
