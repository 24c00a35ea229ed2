/**
 * All that `host setup` has to know of a host, read once.
 *
 * @module
 */

import { join } from "node:path";
import { readTextIfPresent } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { CommandError, hasProgram } from "../host/run.ts";
import {
  type NetworkInterface,
  parseInterfaces,
  parseRoutes,
  type Route,
} from "./networks_in_use.ts";

/** The network of a host as it is now. */
export interface HostFacts {
  readonly interfaces: readonly NetworkInterface[];
  readonly routes: readonly Route[];
  /** Interfaces that systemd-networkd looks after. */
  readonly managed: ReadonlySet<string>;
  /** nftables' tables: `ip io.systemd.nat`. */
  readonly tables: readonly string[];
}

/** Asks ip(8), networkctl(1) and nft(8). */
export async function readHostFacts(host: Host): Promise<HostFacts> {
  const ip = async (...words: string[]) =>
    (await host.run(["ip", "-json", ...words], { timeoutMs: 10_000 })).stdout.trim();
  const [addresses, routes4, routes6] = [
    await ip("-details", "address"),
    await ip("-4", "route", "show", "table", "all"),
    await ip("-6", "route", "show", "table", "all"),
  ];
  return {
    interfaces: parseInterfaces(addresses),
    routes: [...parseRoutes(routes4), ...parseRoutes(routes6)],
    managed: await readManaged(host),
    tables: await readTables(host),
  };
}

async function readManaged(host: Host): Promise<ReadonlySet<string>> {
  if (!hasProgram("networkctl")) return new Set();
  try {
    const { stdout } = await host.run(["networkctl", "--json=short", "list"], {
      timeoutMs: 10_000,
    });
    const { Interfaces = [] } = JSON.parse(stdout) as {
      Interfaces?: readonly { readonly Name: string; readonly AdministrativeState?: string }[];
    };
    return new Set(
      Interfaces.filter(({ AdministrativeState = "" }) =>
        /^configur/.test(AdministrativeState),
      ).map(({ Name }) => Name),
    );
  } catch (error) {
    // It says nothing where the service does not run.
    if (error instanceof CommandError || error instanceof SyntaxError) return new Set();
    throw error;
  }
}

/** nftables' tables, sorted. */
export async function readTables(host: Host): Promise<string[]> {
  const { stdout } = await host.run(["nft", "list", "tables"], { timeoutMs: 10_000 });
  return stdout
    .split("\n")
    .flatMap((line) => /^table (.+)$/.exec(line)?.[1] ?? [])
    .sort();
}

/** One of the kernel's settings, by its path below /proc/sys; undefined where it has none such. */
export function readKernelSetting(host: Host, key: string): string | undefined {
  return readTextIfPresent(join(host.root, "proc/sys", key))?.trim();
}

/** Network cards, and what leads to the world: neighbours may be behind them. */
export function uplinkCandidates({ interfaces, routes }: HostFacts, bridge: string): string[] {
  const gateways = new Set(
    routes.filter(({ network }) => network === undefined).map(({ device }) => device),
  );
  return interfaces
    .filter(({ name, isEthernet }) => isEthernet && name !== bridge)
    .filter(({ name, kind }) => kind === undefined || gateways.has(name))
    .map(({ name }) => name);
}

/** Interfaces whose IPv6 the kernel itself has from router advertisements. */
export function advertisedUplinks({ routes, managed }: HostFacts): string[] {
  const devices = routes
    .filter(({ network, isAdvertised }) => network === undefined && isAdvertised)
    .map(({ device }) => device)
    .filter((device) => device !== "" && !managed.has(device));
  return [...new Set(devices)];
}
