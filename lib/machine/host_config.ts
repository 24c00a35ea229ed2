/**
 * /etc/mbctl/config.toml: the host's settings, every key optional.
 *
 * @module
 */

import * as v from "valibot";
import { type Ipv6Prefix, parsePrefix } from "../address/ipv6.ts";
import { MbctlError, usageError } from "../errors.ts";
import { DEFAULT_STOP_TIMEOUT_SEC } from "../nspawn/machine_unit.ts";
import { parseToml } from "./machine_toml.ts";

/** When the unpacked root tree of an image is kept for the next machine of that image. */
export const imageTreesChoices = ["auto", "always", "never"] as const;
export type ImageTrees = (typeof imageTreesChoices)[number];

export interface HostConfig {
  /** The bridge that machines are plugged into. */
  readonly bridge: string;
  /** The host's /64 on the mesh, for hosts where yggdrasil cannot be asked. */
  readonly prefix?: Ipv6Prefix | undefined;
  /** A static busybox, when it is not found by itself. */
  readonly busybox?: string | undefined;
  /** How long an app may take to end before it is killed. */
  readonly stopTimeoutSec: number;
  /** "auto": where a machine's tree is a clone that costs nothing (btrfs, XFS). */
  readonly imageTrees: ImageTrees;
}

/** The settings of a host without a configuration file. */
export const defaultHostConfig: HostConfig = {
  bridge: "srvgrp0",
  stopTimeoutSec: DEFAULT_STOP_TIMEOUT_SEC,
  imageTrees: "auto",
};

const schema = v.strictObject({
  bridge: v.optional(
    v.pipe(v.string(), v.regex(/^[^\s/:]{1,15}$/, "an interface name of 1 to 15 characters")),
  ),
  prefix: v.optional(v.string()),
  busybox: v.optional(v.pipe(v.string(), v.startsWith("/"))),
  stop_timeout_sec: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(3600))),
  image_trees: v.optional(v.picklist(imageTreesChoices)),
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
  if (!read.success) throw invalid(v.summarize(read.issues));
  const { bridge, prefix, busybox, stop_timeout_sec, image_trees } = read.output;
  return {
    bridge: bridge ?? defaultHostConfig.bridge,
    prefix: prefix === undefined ? undefined : readPrefix(prefix, invalid),
    busybox,
    stopTimeoutSec: stop_timeout_sec ?? defaultHostConfig.stopTimeoutSec,
    imageTrees: image_trees ?? defaultHostConfig.imageTrees,
  };
}

function readPrefix(text: string, invalid: (state: string) => MbctlError): Ipv6Prefix {
  try {
    return parsePrefix(text);
  } catch (error) {
    throw error instanceof MbctlError ? invalid(`prefix: ${error.message}`) : error;
  }
}
