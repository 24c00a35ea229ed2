/**
 * Asks yggdrasil who the host is.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Ipv6, type Ipv6Prefix, parseIpv6, parsePrefix } from "../address/ipv6.ts";
import { yggdrasilAddress, yggdrasilPrefix } from "../address/yggdrasil.ts";
import { MbctlError } from "../errors.ts";
import type { Host } from "./host.ts";
import { installHint } from "./install_hint.ts";
import { CommandError, hasProgram, type Run } from "./run.ts";

/** Where the distributions keep yggdrasil's configuration. */
export const configurationFiles = ["etc/yggdrasil/yggdrasil.conf", "etc/yggdrasil.conf"];

/**
 * The host's `/64` on the mesh: from config.toml, else from the running
 * yggdrasil, else computed by yggdrasil from the key in its configuration.
 *
 * @throws {MbctlError} (host) when none of them knows it.
 */
export async function readHostPrefix(host: Host): Promise<Ipv6Prefix> {
  if (host.config.prefix !== undefined) return host.config.prefix;
  const prefix = (host.isLive ? await askRunning(host.run) : undefined) ?? (await askOffline(host));
  if (prefix !== undefined) return prefix;
  const isInstalled = ["yggdrasil", "yggdrasilctl"].some(hasProgram);
  const state = isInstalled ? "yggdrasil is not set up" : "yggdrasil is not installed";
  const command = isInstalled ? "mbctl host setup" : installHint("yggdrasil");
  throw new MbctlError("host", `Cannot find the host's yggdrasil prefix: ${state}`, {
    hint: `${command}, or write prefix = "3xx:…::/64" to /etc/mbctl/config.toml`,
  });
}

/** Who a host is on the mesh. */
export interface HostIdentity {
  /** Its public key, 64 hexadecimal digits; undefined, as the address, where config.toml alone knows the prefix. */
  readonly key?: string | undefined;
  /** Its own address, in 200::/8. */
  readonly address?: Ipv6 | undefined;
  readonly prefix: Ipv6Prefix;
}

/**
 * The host's public key, and what follows from it: from the running yggdrasil, else from its configuration.
 *
 * @throws {MbctlError} (host) when not even the prefix is known.
 */
export async function readHostIdentity(host: Host): Promise<HostIdentity> {
  const prefix = await readHostPrefix(host);
  const running = host.isLive ? keyFromGetself((await getself(host.run)) ?? "") : undefined;
  const key = running ?? (await keyOffline(host));
  const address = key === undefined ? undefined : yggdrasilAddress(key);
  // config.toml may give the host another prefix than its yggdrasil has: then the key is not that of the prefix.
  if (address === undefined || yggdrasilPrefix(address) !== prefix) return { prefix };
  return { key, address, prefix };
}

async function askRunning(run: Run): Promise<Ipv6Prefix | undefined> {
  const answer = await getself(run);
  return answer === undefined ? undefined : prefixFromGetself(answer);
}

async function getself(run: Run): Promise<string | undefined> {
  if (!hasProgram("yggdrasilctl")) return undefined;
  // Flags go before the verb; only JSON has kept its form.
  return await stdoutOf(run, ["yggdrasilctl", "-json", "getself"]);
}

/** What a program of yggdrasil's prints; undefined when it fails. */
async function stdoutOf(run: Run, argv: readonly string[]): Promise<string | undefined> {
  try {
    return (await run(argv, { timeoutMs: 10_000 })).stdout;
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}

/**
 * Reads the answer of `yggdrasilctl -json getself`: flat since yggdrasil 0.4.5,
 * nested under `self` and the address before.
 *
 * @returns undefined when no subnet or address is in it, or when it is no JSON:
 * yggdrasilctl 0.5 says in words that nobody answers, and exits with 0.
 */
export function prefixFromGetself(text: string): Ipv6Prefix | undefined {
  const subnet = findText(text, "subnet");
  if (subnet !== undefined) return parsePrefix(subnet);
  const address = findText(text, "address");
  return address === undefined ? undefined : yggdrasilPrefix(parseIpv6(address));
}

/** The public key in the same answer: 64 hexadecimal digits. */
export function keyFromGetself(text: string): string | undefined {
  return findText(text, "key");
}

/** The first string of that name in a JSON text, however deep; undefined where there is none. */
function findText(text: string, name: string): string | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const look = (value: unknown): string | undefined => {
    if (typeof value !== "object" || value === null) return undefined;
    for (const [key, inner] of Object.entries(value)) {
      if (key === name && typeof inner === "string") return inner;
      const found = look(inner);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return look(json);
}

function configurationFile(host: Host): string | undefined {
  if (!hasProgram("yggdrasil")) return undefined;
  return configurationFiles.map((name) => join(host.root, name)).find((path) => existsSync(path));
}

async function askOffline(host: Host): Promise<Ipv6Prefix | undefined> {
  const file = configurationFile(host);
  if (file === undefined) return undefined;
  const subnet = await stdoutOf(host.run, ["yggdrasil", "-useconffile", file, "-subnet"]);
  return subnet === undefined ? undefined : parsePrefix(subnet.trim());
}

/** The public key of the configuration. yggdrasil 0.4 cannot print it alone: there, it is the private key's second half. */
async function keyOffline(host: Host): Promise<string | undefined> {
  const file = configurationFile(host);
  if (file === undefined) return undefined;
  const ask = ["yggdrasil", "-useconffile", file];
  const key =
    (await stdoutOf(host.run, [...ask, "-publickey"])) ??
    findText(
      (await stdoutOf(host.run, [...ask, "-normaliseconf", "-json"])) ?? "",
      "PrivateKey",
    )?.slice(64);
  return key?.trim();
}
