/**
 * Reads what evaluate_mesh.ts judges.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { formatIpv6, formatPrefix } from "../address/ipv6.ts";
import type { TrustedHost } from "../address/trusted_host.ts";
import { MbctlError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { hasProgram } from "../host/run.ts";
import {
  configurationFiles,
  type HostIdentity,
  prefixFromGetself,
  readHostIdentity,
} from "../host/yggdrasil.ts";
import { findRenumbering } from "../steps/renumbering.ts";
import { gatewayIpv6 } from "../network/host_network.ts";
import type { MeshFacts } from "./host_facts.ts";
import { answersPing, ask } from "./probe.ts";

/** Reads all facts of this part. */
export async function readMesh(host: Host): Promise<MeshFacts> {
  const [self, interfaces, renumbering, identity] = await Promise.all([
    ask(host, ["yggdrasilctl", "-json", "getself"]),
    ask(host, ["yggdrasilctl", "-json", "getmulticastinterfaces"]),
    unlessUnknown(findRenumbering(host)),
    unlessUnknown(readHostIdentity(host)),
  ]);
  const prefix = renumbering?.prefix;
  const strangers = host.config.hosts.filter((known) => known.prefix !== prefix);
  return {
    isInstalled: hasProgram("yggdrasil"),
    hasConfiguration: configurationFiles.some((file) => existsSync(join(host.root, file))),
    running: prefixFromGetself(self.stdout),
    prefix,
    oldAddresses: (renumbering?.machines ?? []).flatMap(({ name, variables }) =>
      variables.map(({ from }) => ({ machine: name, address: from })),
    ),
    ownLine: ownLine(renumbering?.self, identity),
    multicast: multicastInterfaces(interfaces.stdout),
    trusted: (await Promise.all(strangers.map((known) => readTrusted(host, known)))).flat(),
  };
}

async function unlessUnknown<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof MbctlError && error.kind !== "interrupted") return undefined;
    throw error;
  }
}

/** What `[hosts]` should say of this host, where it says something else. */
function ownLine(
  self: TrustedHost | undefined,
  identity: HostIdentity | undefined,
): string | undefined {
  if (self === undefined || identity === undefined) return undefined;
  return `${self.name} = "${identity.key ?? formatPrefix(identity.prefix)}"`;
}

/** A host without its own address is asked by its bridge's. */
async function readTrusted(host: Host, known: TrustedHost): Promise<MeshFacts["trusted"]> {
  const address = formatIpv6(known.address ?? gatewayIpv6(known.prefix));
  const isReachable = await answersPing(host, address);
  return isReachable === undefined ? [] : [{ name: known.name, isReachable }];
}

/**
 * Reads the answer of `yggdrasilctl -json getmulticastinterfaces`: names up to yggdrasil 0.5.6, objects with
 * a `name` later.
 */
export function multicastInterfaces(text: string): string[] {
  try {
    const { multicast_interfaces: list } = JSON.parse(text) as Record<string, unknown>;
    if (!Array.isArray(list)) return [];
    return list.flatMap((item: unknown) => {
      if (typeof item === "string") return [item];
      const name = (item as { readonly name?: unknown } | null)?.name;
      return typeof name === "string" ? [name] : [];
    });
  } catch {
    return [];
  }
}
