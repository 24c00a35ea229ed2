/**
 * Asks yggdrasil for the host's prefix.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Ipv6Prefix, parseIpv6, parsePrefix } from "../address/ipv6.ts";
import { yggdrasilPrefix } from "../address/yggdrasil.ts";
import { MbctlError } from "../errors.ts";
import type { Host } from "./host.ts";
import { installHint } from "./install_hint.ts";
import { CommandError, hasProgram, type Run } from "./run.ts";

/** Where the distributions keep yggdrasil's configuration. */
const configurationFiles = ["etc/yggdrasil/yggdrasil.conf", "etc/yggdrasil.conf"];

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
  const command = isInstalled ? "systemctl start yggdrasil" : installHint("yggdrasil");
  throw new MbctlError("host", `Cannot find the host's yggdrasil prefix: ${state}`, {
    hint: `${command}, or write prefix = "3xx:…::/64" to /etc/mbctl/config.toml`,
  });
}

async function askRunning(run: Run): Promise<Ipv6Prefix | undefined> {
  if (!hasProgram("yggdrasilctl")) return undefined;
  try {
    // Flags go before the verb; only JSON has kept its form.
    const { stdout } = await run(["yggdrasilctl", "-json", "getself"], { timeoutMs: 5000 });
    return prefixFromGetself(stdout);
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
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  let found: Ipv6Prefix | undefined;
  const look = (value: unknown): void => {
    if (found !== undefined || typeof value !== "object" || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      if (key === "subnet" && typeof inner === "string") found = parsePrefix(inner);
      else if (key === "address" && typeof inner === "string")
        found ??= yggdrasilPrefix(parseIpv6(inner));
      else look(inner);
    }
  };
  look(json);
  return found;
}

async function askOffline(host: Host): Promise<Ipv6Prefix | undefined> {
  const file = configurationFiles
    .map((name) => join(host.root, name))
    .find((path) => existsSync(path));
  if (file === undefined || !hasProgram("yggdrasil")) return undefined;
  try {
    const { stdout } = await host.run(["yggdrasil", "-useconffile", file, "-subnet"], {
      timeoutMs: 5000,
    });
    return parsePrefix(stdout.trim());
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}
