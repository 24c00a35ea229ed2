/**
 * yggdrasil's configuration: where it is, whose prefix it gives, and what is to be changed in it.
 *
 * @module
 */

import { join } from "node:path";
import { type Ipv6Prefix, parsePrefix } from "../address/ipv6.ts";
import { MbctlError } from "../errors.ts";
import { listDirectory, readTextIfPresent } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { CommandError } from "../host/run.ts";
import { configurationFiles } from "../host/yggdrasil.ts";
import type { WantedFile } from "./file_state.ts";
import { isSameButPatterns, leaveOutBridge } from "./multicast.ts";
import type { UnitFacts } from "./units.ts";

/** yggdrasil as it is to be. */
export interface YggdrasilPlan {
  readonly file: WantedFile;
  /** Whether the configuration, and the key in it, are new. */
  readonly isNew: boolean;
  /** The /64 that follows from the key. */
  readonly prefix: Ipv6Prefix;
  /** Whether yggdrasilctl can ask it once it runs. */
  readonly canBeAsked: boolean;
}

/**
 * Reads the configuration, or has yggdrasil make one with a new key; the bridge is left out of its search for
 * neighbours. The key never changes, nor any other byte but in a Regex.
 *
 * @throws {MbctlError} (host) when the configuration cannot be read or has no key, (conflict) when its patterns
 * cannot be changed by us.
 */
export async function planYggdrasil(
  host: Host,
  unit: UnitFacts,
  bridge: string,
  uplinks: readonly string[],
): Promise<YggdrasilPlan> {
  const path = configurationPath(host.root, unit);
  const present = readTextIfPresent(path);
  const isNew = present === undefined || present.trim() === "";
  const text = isNew ? await ask(host, ["-genconf"], undefined, path) : present;
  const normalised = await normalise(host, text, path);
  const edited = leaveOutBridge(text, normalised, path, bridge, uplinks);
  if (edited !== text && !isSameButPatterns(normalised, await normalise(host, edited, path))) {
    throw new MbctlError("failed", `Cannot edit ${path}: it would say something else`, {
      hint: "make the Regex texts in MulticastInterfaces match neither the bridge nor vb-NAME",
    });
  }
  const [prefix, again] = [
    await readPrefix(host, edited, path),
    await readPrefix(host, edited, path),
  ];
  // Without a key in the file yggdrasil makes up another one at each start.
  if (prefix !== again) {
    throw new MbctlError("host", `Cannot find the host's prefix: there is no key in ${path}`, {
      hint: `yggdrasil -genconf prints a configuration with a new key; or move ${path} away, and mbctl makes one`,
    });
  }
  const group = groupId(host.root, unit.group);
  const canBeAsked = (JSON.parse(normalised) as { AdminListen?: string }).AdminListen !== "none";
  return { file: { path, text: edited, mode: 0o640, group }, isNew, prefix, canBeAsked };
}

/** What its unit reads; without a word about it, the place of the distribution. */
function configurationPath(root: string, { command }: UnitFacts): string {
  const named = /-useconffile[ =](\S+)/.exec(command)?.[1];
  if (named !== undefined) return join(root, named);
  const [inFolder = "", alone = ""] = configurationFiles.map((name) => join(root, name));
  return listDirectory(join(root, "etc")).includes("yggdrasil") ? inFolder : alone;
}

/** The number of a group in /etc/group; root's when it is not there. */
function groupId(root: string, name: string): number {
  const groups = readTextIfPresent(join(root, "etc/group")) ?? "";
  const line = groups.split("\n").find((candidate) => candidate.split(":")[0] === name);
  return Number(line?.split(":")[2] ?? 0);
}

async function normalise(host: Host, text: string, path: string): Promise<string> {
  return await ask(host, ["-useconf", "-normaliseconf", "-json"], text, path);
}

async function readPrefix(host: Host, text: string, path: string): Promise<Ipv6Prefix> {
  return parsePrefix((await ask(host, ["-useconf", "-subnet"], text, path)).trim());
}

/** Calls yggdrasil offline. A configuration goes in by standard input: no key stands in a list of processes. */
async function ask(
  host: Host,
  words: readonly string[],
  input: string | undefined,
  path: string,
): Promise<string> {
  try {
    return (await host.run(["yggdrasil", ...words], { input, timeoutMs: 10_000 })).stdout;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new MbctlError("host", `Cannot read ${path}: yggdrasil does not understand it`, {
      cause: error.cause,
      hint: `mend the file; yggdrasil -useconffile ${path} -subnet says what is wrong`,
    });
  }
}
