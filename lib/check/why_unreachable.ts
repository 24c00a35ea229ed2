/**
 * Why nobody reaches a machine, in one sentence: the first cause on the way from its files to its programs.
 *
 * @module
 */

import { basename } from "node:path";
import { formatIpv6, formatPrefix } from "../address/ipv6.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { lackingMeshRoutes, ownAddresses } from "./live_network.ts";
import { evaluateFiles } from "./machine_files.ts";
import type { LiveFacts, MachineFacts, UnitFacts } from "./machine_facts.ts";
import { describeListener, type Listener } from "./sockets.ts";

export interface Reason {
  /** A sentence without its full stop. */
  readonly why: string;
  readonly mend?: string | undefined;
}

/** @returns undefined when it can be reached, or is not meant to be. */
export function whyUnreachable(facts: MachineFacts): Reason | undefined {
  const { files, unit, live, template } = facts;
  const { name } = files;
  const whole = evaluateFiles(files, "files");
  if (live === undefined) {
    if (whole.verdict !== "ok") return { why: `it is not whole: ${whole.seen}`, mend: whole.mend };
    if (unit.active === "inactive") {
      return { why: "it is stopped", mend: `mbctl machines start ${name}` };
    }
    const logs = `mbctl machines logs ${name} -n 20`;
    if (unit.active === "failed" && unit.failedBefore !== undefined) return neverBegan(unit, name);
    return unit.active === "failed" || unit.sub === "auto-restart"
      ? { why: "its program has ended", mend: logs }
      : { why: `it does not run: ${unit.active}`, mend: logs };
  }
  if (template === undefined) {
    const why = "without its template nobody is let in from outside";
    return {
      why: whole.verdict === "ok" ? why : whole.seen,
      mend: "mend it, then mbctl host reload",
    };
  }
  return template.network.kind === "bridge" ? whyBridged(facts, live) : undefined;
}

/** systemd runs these before the machine, and no machine without them (lib/nspawn/machine_unit.ts). */
export function neverBegan({ failedBefore }: UnitFacts, name: MachineName): Reason {
  return failedBefore !== undefined && basename(failedBefore) === "nft"
    ? { why: "it did not start: its firewall could not be loaded", mend: "mbctl host reload" }
    : {
        why: "it did not start: what comes before it failed",
        mend: `mbctl machines logs ${name} -n 20`,
      };
}

function whyBridged(facts: MachineFacts, live: LiveFacts): Reason | undefined {
  const { files, bridge } = facts;
  const { name, plug, address } = files;
  const restart = `mbctl machines restart ${name}`;
  if (plug?.isPlugged === false) {
    const mend = `ip link set ${plug.interface} master ${bridge} up`;
    return { why: `it is not plugged into ${bridge}`, mend };
  }
  if (address === undefined) return { why: "its env file gives it no mesh address" };
  const text = formatIpv6(address);
  const moved = ofAnotherPrefix(facts);
  if (moved !== undefined) return moved;
  const present = ownAddresses(live).find((own) => own.address === text);
  if (present === undefined) {
    return { why: `its mesh address ${text} is not on host0`, mend: restart };
  }
  if (present.isDuplicate) {
    return { why: `another node of the bridge has its mesh address ${text}`, mend: restart };
  }
  const [route] = lackingMeshRoutes(address, live);
  if (route !== undefined) {
    return { why: `its answers get lost: it has no ${route}`, mend: restart };
  }
  if (live.answersPing === false) {
    return { why: `${text} does not answer the host's ping`, mend: "mbctl host check" };
  }
  return whyNoPort(facts, live);
}

/** After a change of the host's key the mesh sends nothing to the old addresses. */
export function ofAnotherPrefix({ files, prefix }: MachineFacts): Reason | undefined {
  const { address } = files;
  if (address === undefined || prefix === undefined) return undefined;
  if (address >> 64n === prefix >> 64n) return undefined;
  const why = `${formatIpv6(address)} is not of the host's prefix, ${formatPrefix(prefix)}`;
  return { why, mend: "mbctl host renumber" };
}

/** Whether at least one port is open, where programs listen at all. */
function whyNoPort(facts: MachineFacts, live: LiveFacts): Reason | undefined {
  const { files } = facts;
  const { listeners, refusingPorts } = live;
  if (publishedListeners(facts, live).length > 0) return undefined;
  const open = listeners.filter(({ reach }) => reach === "all" || reach === "relayed");
  const refused = open.filter(
    ({ port, protocol }) => protocol === "tcp" && refusingPorts.includes(port),
  );
  if (open.length > refused.length || listeners.length === 0) return undefined;
  const [refusing] = refused;
  if (refusing !== undefined) {
    return {
      why: `${describeListener(refusing)} does not take the host's connection`,
      mend: `mbctl machines logs ${files.name} -n 20`,
    };
  }
  const ipv4 = listeners.find(({ reach }) => reach === "ipv4");
  if (ipv4 !== undefined) {
    return {
      why: `its programs listen on IPv4 alone, and the mesh is IPv6: ${describeListener(ipv4)}`,
      mend: `write relay6 = ["auto"] to ${files.name}'s machine.toml, then mbctl host reload`,
    };
  }
  return {
    why: `its programs listen on the loopback address alone: ${listeners.map(describeListener).join(", ")}`,
    mend: "make the program listen on [::], or on 0.0.0.0 with a relay",
  };
}

/** What answers on the host, by IPv4, though it may not at the mesh address. */
export function publishedListeners({ spec }: MachineFacts, live: LiveFacts): Listener[] {
  return live.listeners.filter(
    ({ port, protocol, reach }) =>
      reach !== "loopback" &&
      spec?.publish.some((own) => own.machinePort === port && own.protocol === protocol),
  );
}
