/**
 * Says of a host's yggdrasil whether its machines are on the mesh, under the right prefix.
 *
 * @module
 */

import { formatPrefix } from "../address/ipv6.ts";
import { type Finding, found, ok } from "./finding.ts";
import type { HostFacts, MeshFacts } from "./host_facts.ts";

/** All findings of this part, in the order in which they are told. */
export function evaluateMesh(facts: HostFacts): Finding[] {
  const { mesh } = facts;
  return [yggdrasil(facts), ...prefix(facts), ...multicast(facts), ...mesh.trusted.map(trusted)];
}

function yggdrasil({ mesh, install }: HostFacts): Finding {
  if (mesh.running !== undefined) {
    return ok("yggdrasil", `running, prefix ${formatPrefix(mesh.running)}`);
  }
  if (!mesh.isInstalled) {
    return found("missing", "yggdrasil", "not installed", install.yggdrasil);
  }
  return mesh.hasConfiguration
    ? found("wrong", "yggdrasil", "not running", "systemctl enable --now yggdrasil")
    : found("missing", "yggdrasil", "no key yet", "mbctl host setup");
}

/** A changed key: the mesh routes another /64 to this host than the one that its machines have. */
function prefix({ mesh }: HostFacts): Finding[] {
  const { prefix, running, oldAddresses, ownLine } = mesh;
  const [old] = oldAddresses;
  const rest = oldAddresses.length > 1 ? ` and ${oldAddresses.length - 1} more` : "";
  return [
    ...(prefix !== undefined && running !== undefined && prefix !== running
      ? [
          found(
            "wrong",
            "prefix",
            `config.toml says ${formatPrefix(prefix)}, yggdrasil has ${formatPrefix(running)}`,
            "take prefix out of /etc/mbctl/config.toml, then mbctl host renumber",
          ),
        ]
      : []),
    ...(old === undefined
      ? []
      : [
          found(
            "wrong",
            "prefix",
            `the host's networks have changed: ${old.machine} has ${old.address}${rest}`,
            "mbctl host renumber",
          ),
        ]),
    ...(ownLine === undefined
      ? []
      : [
          found(
            "warning",
            "prefix",
            "[hosts] in /etc/mbctl/config.toml has an old key of this host",
            `write there: ${ownLine}`,
          ),
        ]),
  ];
}

function multicast({ mesh, bridge }: HostFacts): Finding[] {
  if (!mesh.multicast.includes(bridge.name)) return [];
  return [
    found(
      "warning",
      "multicast",
      `yggdrasil looks for other nodes on ${bridge.name}: a machine could join the mesh by it`,
      "mbctl host setup",
    ),
  ];
}

function trusted({ name, isReachable }: MeshFacts["trusted"][number]): Finding {
  return isReachable
    ? ok("trusted host", `${name} answers`)
    : found("note", "trusted host", `${name} does not answer`);
}
