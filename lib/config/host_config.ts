/**
 * /etc/mbctl/config.toml: the host's settings, every key optional.
 *
 * @module
 */

import * as v from "valibot";
import { type Ipv6Prefix, parsePrefix } from "../address/ipv6.ts";
import { parseTrustedHost, type TrustedHost } from "../address/trusted_host.ts";
import { MbctlError, usageError } from "../errors.ts";
import { defaultHostNetworks } from "../network/host_network.ts";
import { type Ipv4Network, parseIpv4Network } from "../network/ipv4.ts";
import { interfaceNamePattern } from "../network/template.ts";
import { DEFAULT_STOP_TIMEOUT_SEC } from "../nspawn/machine_unit.ts";
import { isMachineName } from "../spec/machine_name.ts";
import { parseToml } from "./toml.ts";
import { describeIssues } from "./schema_issues.ts";

/** When the unpacked root tree of an image is kept for the next machine of that image. */
const imageTreesChoices = ["auto", "always", "never"] as const;
export type ImageTrees = (typeof imageTreesChoices)[number];

export interface HostConfig {
  /** The bridge that machines are plugged into. */
  readonly bridge: string;
  /** The host's /64 on the mesh, for hosts where yggdrasil cannot be asked. */
  readonly prefix?: Ipv6Prefix | undefined;
  /** The networks of the bridge beside the mesh. */
  readonly ula: Ipv6Prefix;
  readonly ipv4: Ipv4Network;
  /** Behind the names of machines: `web.hostb.DOMAIN`. */
  readonly domain: string;
  /** Hosts whose machines may connect to ours, this host too if it stands there. */
  readonly hosts: readonly TrustedHost[];
  /** A static busybox, when it is not found by itself. */
  readonly busybox?: string | undefined;
  /** How long an app may take to end before it is killed. */
  readonly stopTimeoutSec: number;
  /** "auto": where a machine's tree is a clone that costs nothing (btrfs, XFS). */
  readonly imageTrees: ImageTrees;
  /** How many snapshots of mbctl's own making a machine keeps; those of the user stay. */
  readonly snapshotsKeep: number;
}

/** The settings of a host without a configuration file. */
export const defaultHostConfig: HostConfig = {
  ...defaultHostNetworks,
  // Reserved for private use (ICANN board resolution 2024.07.29.06).
  domain: "mesh.internal",
  hosts: [],
  stopTimeoutSec: DEFAULT_STOP_TIMEOUT_SEC,
  imageTrees: "auto",
  snapshotsKeep: 5,
};

const schema = v.strictObject({
  bridge: v.optional(
    v.pipe(v.string(), v.regex(interfaceNamePattern, "an interface name of 1 to 15 characters")),
  ),
  prefix: v.optional(v.string()),
  ula: v.optional(v.string()),
  ipv4: v.optional(v.string()),
  domain: v.optional(v.pipe(v.string(), v.check(isMachineName, "a domain name"))),
  hosts: v.optional(v.record(v.string(), v.string()), {}),
  busybox: v.optional(v.pipe(v.string(), v.regex(/^\//, "an absolute path"))),
  stop_timeout_sec: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(3600))),
  image_trees: v.optional(v.picklist(imageTreesChoices)),
  snapshots_keep: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1000))),
});

/**
 * Reads the host's settings.
 *
 * @param text the file's content, or undefined when there is no file.
 * @throws {MbctlError} (usage) naming file, key and expectation.
 */
export function parseHostConfig(text: string | undefined, file: string): HostConfig {
  if (text === undefined) return defaultHostConfig;
  const read = v.safeParse(schema, parseToml(text, file));
  const invalid = (state: string) =>
    usageError(
      `Cannot read ${JSON.stringify(file)}: ${state}`,
      "mend the file; its keys are in the README",
    );
  if (!read.success) throw invalid(describeIssues(read.issues, { text, schema }));
  const {
    bridge,
    prefix,
    ula,
    ipv4,
    domain,
    busybox,
    stop_timeout_sec,
    image_trees,
    snapshots_keep,
  } = read.output;
  /** What is wrong with a value, behind its key. */
  const readValue = <T>(key: string, parse: () => T): T => {
    try {
      return parse();
    } catch (error) {
      throw error instanceof MbctlError ? invalid(`${key}: ${error.message}`) : error;
    }
  };
  return {
    bridge: bridge ?? defaultHostConfig.bridge,
    prefix: prefix === undefined ? undefined : readValue("prefix", () => parsePrefix(prefix)),
    ula: ula === undefined ? defaultHostNetworks.ula : readValue("ula", () => parsePrefix(ula)),
    ipv4:
      ipv4 === undefined
        ? defaultHostNetworks.ipv4
        : readValue("ipv4", () => parseIpv4Network(ipv4)),
    domain: domain ?? defaultHostConfig.domain,
    hosts: readValue("hosts", () => readHosts(read.output.hosts)),
    busybox,
    stopTimeoutSec: stop_timeout_sec ?? defaultHostConfig.stopTimeoutSec,
    imageTrees: image_trees ?? defaultHostConfig.imageTrees,
    snapshotsKeep: snapshots_keep ?? defaultHostConfig.snapshotsKeep,
  };
}

/** Words of rules (lib/network/access_rule.ts) and of resolvers that can be no host's name. */
const reservedHosts = ["trusted", "mesh", "localhost"];

function readHosts(hosts: Readonly<Record<string, string>>): TrustedHost[] {
  const found: TrustedHost[] = [];
  for (const [name, value] of Object.entries(hosts)) {
    if (!isMachineName(name) || reservedHosts.includes(name.toLowerCase())) {
      throw usageError(`Cannot trust the host ${JSON.stringify(name)}: it is no name for a host`);
    }
    const host = parseTrustedHost(name, value);
    const twin = found.find(
      (other) => other.prefix === host.prefix || other.name.toLowerCase() === name.toLowerCase(),
    );
    if (twin !== undefined) {
      throw usageError(`Cannot trust the host "${name}": it is the same as "${twin.name}"`);
    }
    found.push(host);
  }
  return found;
}
